"""A new warehouse file is a copy of one made before: its hundred definitions take a third of a second of CPU.

That is so in the process that runs the tests, and in commands that it forks. The processes that tests start otherwise
make theirs as anybody does.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warehouse.archive.atomic import UNFINISHED
from warehouse.database import writer
from warehouse.maintenance import beside

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import duckdb

#: As anybody does, for tests of just that.
create_if_missing = writer._create_if_missing
_open_unlogged = writer.open_unlogged


@cache
def new_warehouse() -> bytes:
    """The file of a warehouse without a row."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_create_if_missing", create_if_missing)
        path = Path(folder) / "warehouse.duckdb"
        with writer.open_writer(path, 5):
            pass
        return path.read_bytes()


def use_templates(patch: pytest.MonkeyPatch, template: Callable[[], bytes] = new_warehouse) -> None:
    """Until `patch` is undone."""
    patch.setattr(writer, "_create_if_missing", partial(_copy_if_missing, template))
    patch.setattr(beside, "open_unlogged", partial(_open_copy, template))


@dataclass(frozen=True)
class UseTemplate:
    """For a process that was forked, until its end: what `new_warehouse` gave in the one that runs the tests."""

    template: bytes

    def __call__(self) -> None:
        use_templates(pytest.MonkeyPatch(), lambda: self.template)


def _copy_if_missing(template: Callable[[], bytes], warehouse: Path) -> None:
    if not warehouse.exists() and not warehouse.name.startswith(UNFINISHED):
        warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)
        warehouse.write_bytes(template())


def _open_copy(template: Callable[[], bytes], unfinished: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    unfinished.write_bytes(template())
    return _open_unlogged(unfinished)
