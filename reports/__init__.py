"""The report: the notebook `latency.py`, and the page and pictures made from it.

Reads the published warehouse and never writes to it. `reports.render` writes the files.
"""
