"""What people look at: the notebook `latency.py`, and the page and pictures that are made of it.

Reads the published warehouse and never writes to it. `reports.render` writes the files.
"""
