"""The warehouse in a DuckDB file: one writer at a time, readers on a published copy of it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.database.locks import lock_holder, sole_writer
from warehouse.database.publish import publish, publish_closed
from warehouse.database.reader import open_beside_published, open_published
from warehouse.database.sealed import seal
from warehouse.database.session import prepare
from warehouse.database.writer import open_file, spill

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from warehouse.archive.parquet import Segment
    from warehouse.load.loader import Loaded
    from warehouse.maintenance.derivation import Derivation
    from warehouse.maintenance.findings import Maintained
    from warehouse.maintenance.losses import Ledger, LossGuard
    from warehouse.paths import DataPaths


@dataclass(frozen=True, slots=True)
class FileWriter:
    """A locked file. Readers see it only when it is published, so a load may leave segments for later."""

    paths: DataPaths
    deadline: float
    wait_seconds: float
    step_rows: int | None = None

    @contextlib.contextmanager
    def open(self, group_rows: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_file(self.paths.warehouse, self.deadline, self.wait_seconds, group_rows) as con:
            prepare(con)
            yield con

    def to_load(
        self,
        waiting: Sequence[Segment],
        *,
        later: Collection[Segment] = (),
    ) -> list[Segment]:
        left = {one.segment_id for one in later}
        return [one for one in waiting if one.segment_id not in left]

    def portions(
        self,
        con: duckdb.DuckDBPyConnection,  # noqa: ARG002 - this process has the lock, so nobody else loads
        waiting: Sequence[Segment],
        run_id: str,  # noqa: ARG002 - likewise
    ) -> Iterator[Sequence[Segment]]:
        yield waiting

    def free_memory(self, con: duckdb.DuckDBPyConnection) -> None:
        spill(con)

    def publish(self) -> None:
        publish_closed(self.paths)


@dataclass(frozen=True, slots=True)
class FileWarehouse:
    """See `interface.Warehouse`."""

    paths: DataPaths
    data_files: Path | None = None
    has_many_writers: bool = False
    drops_days: bool = True

    @property
    def place(self) -> str:
        return str(self.paths.warehouse)

    @property
    def settings(self) -> dict[str, str]:
        return {"warehouse": self.place}

    @property
    def published(self) -> Path | None:
        return self.paths.published

    def exists(self) -> bool:
        return self.paths.warehouse.exists()

    def connect(self) -> duckdb.DuckDBPyConnection:
        return open_published(self.paths)

    def connect_beside(self) -> duckdb.DuckDBPyConnection:
        return open_beside_published(self.paths)

    def restrict(
        self,
        con: duckdb.DuckDBPyConnection,
        writable: Sequence[str],
        query: str,  # noqa: ARG002 - the file is read-only, so any query is safe
    ) -> None:
        seal(con, writable)

    def lock_holder(self, con: duckdb.DuckDBPyConnection) -> str | None:  # noqa: ARG002 - locks are files beside the warehouse
        return lock_holder(self.paths.warehouse)

    @contextlib.contextmanager
    def open_to_load(self, wait_seconds: float) -> Iterator[FileWriter]:
        deadline = time.monotonic() + wait_seconds
        with sole_writer(self.paths.warehouse, wait_seconds):
            yield FileWriter(self.paths, deadline, wait_seconds)

    def publish(self, wait_seconds: float) -> Path:
        return publish(self.paths, wait_seconds)

    def ledger(self) -> Ledger | None:
        from warehouse.maintenance.losses import ledger_if_free  # noqa: PLC0415 - readers load no more than they need

        return ledger_if_free(self.paths)

    def rebuild(self, work: Derivation, guard: LossGuard) -> Loaded:
        from warehouse.maintenance.beside import rebuild_file  # noqa: PLC0415 - likewise

        return rebuild_file(work, guard)

    def maintain(
        self, work: Derivation, now: datetime, retain_days: int | None, *, accept_loss: bool = False
    ) -> Maintained:
        from warehouse.maintenance.maintain import maintain_file  # noqa: PLC0415 - likewise

        return maintain_file(work, now, retain_days, accept_loss=accept_loss)
