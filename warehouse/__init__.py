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


def connect(data_dir: str | os.PathLike[str] = "data", warehouse: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published copy of the warehouse, or to the lake, times in UTC.

    It never blocks a run nor is blocked by one, and goes on showing the copy it opened. Call again for a newer one:
    unlike `duckdb.connect("data/published/current.duckdb")`, this gives the newest also while an older one is open. The
    warehouse is read-only; other files are not closed to its queries, as they are to those of `avatar-tasks sql`.

        import warehouse

        with warehouse.connect("data") as con:
            slow = con.sql("select task_id, latency_seconds from tasks order by all desc limit 10").pl()

    Args:
        data_dir: where `avatar-tasks` keeps its data (the setting `DATA_DIR`).
        warehouse: a lake, as `ducklake:postgres:…` (the setting `WAREHOUSE`); where the variable
            `AVATAR_TASKS_WAREHOUSE` names one, it need not be given. There is nothing to call again for: each query
            sees what is loaded when it begins.

    Raises:
        warehouse.errors.NothingPublishedError: when nothing has been published yet.
        warehouse.errors.WarehouseError: when the copy cannot be opened, or the lake not be reached.
    """
    import os  # noqa: PLC0415 - likewise
    from pathlib import Path  # noqa: PLC0415 - so that importing a module of this room loads no more than it needs

    from warehouse.connection import open_lake, open_published  # noqa: PLC0415 - likewise
    from warehouse.lake import PREFIX, Lake  # noqa: PLC0415 - likewise
    from warehouse.paths import DataPaths  # noqa: PLC0415 - likewise

    place = warehouse or os.environ.get("AVATAR_TASKS_WAREHOUSE", "")
    if place.startswith(PREFIX):
        return open_lake(Lake(place.removeprefix(PREFIX)))
    return open_published(DataPaths(Path(data_dir).absolute()))
