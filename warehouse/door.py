"""How readers open the warehouse, from notebooks and scripts: `avatar_tasks.connect`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(data_dir: str | os.PathLike[str] | None = None, warehouse: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published copy of the warehouse, or to the lake, times in UTC.

    It reads what the command line reads: the settings `AVATAR_TASKS_DATA_DIR` and `AVATAR_TASKS_WAREHOUSE`, from the
    environment or from the `.env` of the working folder.

    It never blocks a run nor is blocked by one, and goes on showing the copy it opened. Call again for a newer one:
    unlike `duckdb.connect("data/published/current.duckdb")`, this gives the newest also while an older one is open. The
    warehouse is read-only; other files are not closed to its queries, as they are to those of `avatar-tasks sql`.

        import avatar_tasks

        with avatar_tasks.connect() as con:
            slow = con.sql("select task_id, latency_seconds from tasks order by all desc limit 10").pl()

    Args:
        data_dir: where `avatar-tasks` keeps its data; the setting `DATA_DIR`, or `data`, if not given.
        warehouse: a lake, as `ducklake:postgres:…`; the setting `WAREHOUSE` if not given. There is nothing to call
            again for: each query sees what is loaded when it begins. What is published of a file is below `data_dir`.

    Raises:
        warehouse.errors.NothingPublishedError: when nothing has been published yet.
        warehouse.errors.EnvironmentFileError: when there is a `.env` that cannot be read.
        warehouse.errors.WarehouseError: when the copy cannot be opened, or the lake not be reached.
    """
    from pathlib import Path  # noqa: PLC0415 - so that `import avatar_tasks` loads no more than it needs

    from warehouse.backends.choose import warehouse_of  # noqa: PLC0415 - likewise
    from warehouse.ducklake.lake import lake_at  # noqa: PLC0415 - likewise
    from warehouse.environment import read_environment  # noqa: PLC0415 - likewise
    from warehouse.home import expand  # noqa: PLC0415 - likewise
    from warehouse.paths import DataPaths  # noqa: PLC0415 - likewise

    settings = read_environment()
    folder = settings.get("AVATAR_TASKS_DATA_DIR", "data") if data_dir is None else os.fspath(data_dir)
    lake = lake_at(warehouse or settings.get("AVATAR_TASKS_WAREHOUSE", ""))
    return warehouse_of(DataPaths(Path(expand(folder)).absolute(), lake=lake)).connect()
