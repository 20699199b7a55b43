"""The report: the page, its figures and charts, and two periods compared; `latency.py` is a notebook with the same.

Reads only the published warehouse. `reports.page.render_page` makes the page, `reports.render` writes files.
"""
