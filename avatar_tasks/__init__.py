"""Avatar-generation task ids in, a DuckDB warehouse out: the public Python interface for notebooks and scripts.

>>> import avatar_tasks
>>> with avatar_tasks.connect("data") as con:
...     con.sql("select status, count(*) as tasks from tasks group by all").show()
"""

from warehouse.door import connect

__all__ = ["connect"]
