"""The archive, the warehouse made from it, and the copy of that which readers open.

>>> import warehouse
>>> with warehouse.connect() as con:
...     con.sql("select status, count(*) as tasks from tasks group by all").show()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import duckdb

__all__ = ["connect"]


def connect(data_dir: str | os.PathLike[str] = "data") -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published copy of the warehouse, times in UTC.

    It never blocks a run nor is blocked by one, and goes on showing the copy it opened. Call again for a newer one:
    unlike `duckdb.connect("data/published/current.duckdb")`, this gives the newest also while an older one is open.

        import warehouse

        with warehouse.connect("data") as con:
            slow = con.sql("select task_id, latency_seconds from tasks order by all desc limit 10").pl()

    Args:
        data_dir: where `avatar-tasks` keeps its data (the setting `DATA_DIR`).

    Raises:
        warehouse.errors.NothingPublishedError: when nothing has been published yet.
        warehouse.errors.WarehouseError: when the copy cannot be opened.
    """
    from pathlib import Path  # noqa: PLC0415 - so that importing a module of this room loads no more than it needs

    from warehouse.connection import open_published  # noqa: PLC0415 - likewise
    from warehouse.paths import DataPaths  # noqa: PLC0415 - likewise

    return open_published(DataPaths(Path(data_dir).absolute()))
