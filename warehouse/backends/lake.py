"""The warehouse in a lake: any number of writers and readers. Readers see each step of a load as soon as it commits."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.database.sealed import check_statements, seal
from warehouse.ducklake.lake import LAKE, who_loads
from warehouse.ducklake.publish import publish_lake
from warehouse.ducklake.sessions import lake_connection, lake_writer, open_beside_lake, open_lake
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    import duckdb

    from warehouse.archive.parquet import Segment
    from warehouse.ducklake.lake import Lake
    from warehouse.load.loader import Loaded
    from warehouse.maintenance.derivation import Derivation
    from warehouse.maintenance.findings import Maintained
    from warehouse.maintenance.losses import Ledger, LossGuard
    from warehouse.paths import DataPaths


@dataclass(frozen=True, slots=True)
class LakeWriter:
    """A lake. It is not locked, because others may load at the same time."""

    lake: Lake
    wait_seconds: float
    step_rows: int | None = sys.maxsize

    @contextlib.contextmanager
    def open(self, group_rows: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - in a file
        with lake_writer(self.lake, self.wait_seconds) as con:
            con.execute("set threads = 1")  # with two, a load takes a fifth more CPU, which other workers need
            yield con

    def to_load(
        self,
        waiting: Sequence[Segment],
        *,
        later: Collection[Segment] = (),  # noqa: ARG002 - readers see each step at once, so nothing is left for later
    ) -> list[Segment]:
        return list(waiting)

    def portions(
        self, con: duckdb.DuckDBPyConnection, waiting: Sequence[Segment], run_id: str
    ) -> Iterator[Sequence[Segment]]:
        from warehouse.ducklake.claims import claimed  # noqa: PLC0415 - readers load no more than they need

        yield from claimed(con, waiting, run_id)

    def free_memory(self, con: duckdb.DuckDBPyConnection) -> None:
        """Nothing to do: what a step changed is in the lake's files."""

    def publish(self) -> None:
        """Nothing to do: readers see the lake itself."""


@dataclass(frozen=True, slots=True)
class LakeWarehouse:
    """See `interface.Warehouse`."""

    paths: DataPaths
    lake: Lake
    has_many_writers: bool = True
    drops_days: bool = False

    @property
    def place(self) -> str:
        return str(self.lake)

    @property
    def settings(self) -> dict[str, str]:
        return {"warehouse": self.lake.setting, "lake_data": self.lake.data}

    @property
    def published(self) -> Path | None:
        return None

    @property
    def data_files(self) -> Path | None:
        return None if self.lake.is_on_s3 else Path(self.lake.data)

    def exists(self) -> bool:
        """Whether a lake exists is known only when it is opened."""
        return True

    def connect(self) -> duckdb.DuckDBPyConnection:
        return open_lake(self.lake)

    def connect_beside(self) -> duckdb.DuckDBPyConnection:
        return open_beside_lake(self.lake)

    def restrict(self, con: duckdb.DuckDBPyConnection, writable: Sequence[str], query: str) -> None:
        """The connection needs access to the data files, so statements that could write there are refused by kind."""
        [(_, _, data)] = con.execute(f"from ducklake_settings('{LAKE}')").fetchall()
        seal(con, writable, folders=[data])
        check_statements(query)

    def lock_holder(self, con: duckdb.DuckDBPyConnection) -> str | None:
        return who_loads(con)

    @contextlib.contextmanager
    def open_to_load(self, wait_seconds: float) -> Iterator[LakeWriter]:
        yield LakeWriter(self.lake, wait_seconds)

    def publish(self, wait_seconds: float) -> Path:  # noqa: ARG002 - a lake has no lock to wait for
        with contextlib.closing(self.connect()) as con:
            publish_lake(con, self.paths)
        return self.paths.published

    def ledger(self) -> Ledger | None:
        from warehouse.maintenance.losses import ledger_of  # noqa: PLC0415 - readers load no more than they need

        with contextlib.suppress(WarehouseError), contextlib.closing(self.connect()) as con:
            return ledger_of(con, f"the warehouse {self.place}")
        return None

    def rebuild(self, work: Derivation, guard: LossGuard) -> Loaded:
        from warehouse.ducklake.rebuild import rebuild_lake  # noqa: PLC0415 - likewise

        with lake_connection(self.lake, work.wait_seconds) as con:
            return rebuild_lake(con, work, guard)

    def maintain(
        self,
        work: Derivation,
        now: datetime,  # noqa: ARG002 - no days of a lake are dropped
        retain_days: int | None,  # noqa: ARG002 - likewise
        *,
        accept_loss: bool = False,  # noqa: ARG002 - likewise
    ) -> Maintained:
        from warehouse.ducklake.maintain import maintain_lake  # noqa: PLC0415 - likewise

        with lake_writer(self.lake, work.wait_seconds) as con:
            return maintain_lake(con, work)
