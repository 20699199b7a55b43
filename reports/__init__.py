"""The report: the page, its figures and charts, and the comparison of two periods; `latency.py` shows it as a notebook.

It reads only the published warehouse. `reports.page.render_page` creates the page, `reports.render` writes files.
"""
