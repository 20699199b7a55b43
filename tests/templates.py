"""A new warehouse file is a copy of one made before: its hundred definitions take a third of a second of CPU.

That is so in the process that runs the tests. The processes that it starts make theirs as anybody does.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warehouse.archive.atomic import UNFINISHED
from warehouse.database import writer
from warehouse.maintenance import beside

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import duckdb

#: As anybody does, for tests of just that.
create_if_missing = writer._create_if_missing
_open_unlogged = writer.open_unlogged


def use_templates(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone."""
    patch.setattr(writer, "_create_if_missing", _copy_if_missing)
    patch.setattr(beside, "open_unlogged", _open_copy)


@cache
def new_warehouse() -> bytes:
    """The file of a warehouse without a row."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_create_if_missing", create_if_missing)
        path = Path(folder) / "warehouse.duckdb"
        with writer.open_writer(path, 5):
            pass
        return path.read_bytes()


def _copy_if_missing(warehouse: Path) -> None:
    if not warehouse.exists() and not warehouse.name.startswith(UNFINISHED):
        warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)
        warehouse.write_bytes(new_warehouse())


def _open_copy(unfinished: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    unfinished.write_bytes(new_warehouse())
    return _open_unlogged(unfinished)
