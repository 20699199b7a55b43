"""The report: the notebook `latency.py`, and the page and pictures rendered from it.

Reads only the published warehouse. `reports.render` writes the files.
"""
