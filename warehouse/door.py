"""How readers open the warehouse, from notebooks and scripts: `avatar_tasks.connect`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(data_dir: str | os.PathLike[str] | None = None, warehouse: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published copy of the warehouse, or to the lake, with times in UTC.

    It uses the same settings as the command line, `AVATAR_TASKS_DATA_DIR` and `AVATAR_TASKS_WAREHOUSE`, from the
    environment or from `.env` in the working folder.

    It never blocks a run, and no run blocks it. The connection keeps showing the copy that it opened. Call again for a
    newer one: unlike `duckdb.connect("data/published/current.duckdb")`, this opens the newest even while an older one
    is open. The warehouse is read-only; unlike with `avatar-tasks sql`, queries may read other files.

        import avatar_tasks

        with avatar_tasks.connect() as con:
            slow = con.sql("select task_id, latency_seconds from tasks order by all desc limit 10").pl()

    Args:
        data_dir: where `avatar-tasks` keeps its data; the setting `DATA_DIR`, or `data`, if not given.
        warehouse: a lake, as `ducklake:postgres:…`; the setting `WAREHOUSE` if not given. On a lake there is no need to
            call again: each query sees what is loaded when it begins. For a file, the published copy below `data_dir`
            is opened.

    Raises:
        warehouse.errors.NothingPublishedError: when nothing has been published yet.
        warehouse.errors.EnvironmentFileError: when there is a `.env` that cannot be read.
        warehouse.errors.WarehouseError: when the copy cannot be opened, or the lake cannot be reached.
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
