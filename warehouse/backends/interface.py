"""The interface of a warehouse, implemented by a DuckDB file (`file`) and by a lake (`lake`).

`choose.warehouse_of` decides once which one is used; no other code asks. To add a backend, write a class with these
methods and add a line to `choose`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from warehouse.archive.parquet import Segment
    from warehouse.load.loader import Loaded
    from warehouse.maintenance.derivation import Derivation
    from warehouse.maintenance.findings import Maintained
    from warehouse.maintenance.losses import Ledger, LossGuard


class Writer(Protocol):
    """A warehouse that this process may load into, from `Warehouse.open_to_load`."""

    @property
    def step_rows(self) -> int | None:
        """Rows loaded in one transaction; None if the caller decides."""

    def open(self, group_rows: int | None = None) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection with every table and view in place; when the block ends it is closed and everything on disk.

        In a file, `group_rows` rows of a table are compressed together, by default as many as DuckDB does.
        """

    def to_load(self, waiting: Sequence[Segment], *, later: Collection[Segment] = ()) -> list[Segment]:
        """Which of the `waiting` segments to load now; those in `later` may be left to a later load."""

    def portions(
        self, con: duckdb.DuckDBPyConnection, waiting: Sequence[Segment], run_id: str
    ) -> Iterator[Sequence[Segment]]:
        """The `waiting` segments in portions, to load one after another; on a lake others may load other portions."""

    def free_memory(self, con: duckdb.DuckDBPyConnection) -> None:
        """Free memory between two steps of a load, for the next step."""

    def publish(self) -> None:
        """Make what was loaded visible to readers. No connection may be open."""


class Warehouse(Protocol):
    """The tables of a data directory: where they are, and the operations on all of them together."""

    @property
    def place(self) -> str:
        """Where it is, in the form of the setting WAREHOUSE, without a password."""

    @property
    def settings(self) -> dict[str, str]:
        """The settings, by field name, with which another process opens the same warehouse."""

    @property
    def published(self) -> Path | None:
        """The file that a load publishes for readers; None if they read the warehouse itself."""

    @property
    def data_files(self) -> Path | None:
        """The folder of data files that readers open in addition to the published one; None if there is none."""

    @property
    def has_many_writers(self) -> bool:
        """Whether processes on several machines may load at once."""

    @property
    def drops_days(self) -> bool:
        """Whether `maintain --retain` can drop old days from it."""

    def exists(self) -> bool:
        """Whether there is a warehouse to publish; always true for a lake, as one has to open it to know."""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A read-only connection to what readers see; the caller closes it.

        Raises:
            NothingPublishedError: when there is nothing to read yet.
            WarehouseError: when it cannot be opened or reached.
        """

    def connect_beside(self) -> duckdb.DuckDBPyConnection:
        """A new database in memory, with what readers see attached as `published`, read-only.

        Raises:
            NothingPublishedError, WarehouseError: as `connect`.
        """

    def restrict(self, con: duckdb.DuckDBPyConnection, writable: Sequence[str], query: str) -> None:
        """Restrict a connection of `connect` to the warehouse, before it runs a `query` that a user wrote.

        Raises:
            FilesRefusedError: when the query would write.
        """

    def lock_holder(self, con: duckdb.DuckDBPyConnection) -> str | None:
        """The process that is loading now, in words; None when there is none. `con` is from `connect`."""

    def open_to_load(self, wait_seconds: float) -> AbstractContextManager[Writer]:
        """The warehouse to load into, until the block ends.

        Raises:
            WarehouseLockedError: when a lock is not obtained within `wait_seconds`.
            WarehouseDamagedError: when it cannot be opened.
            LakeError: when a lake cannot be reached.
        """

    def publish(self, wait_seconds: float) -> Path:
        """Publish the warehouse as it is; returns the published file.

        Raises:
            WarehouseLockedError: when the warehouse's lock is not obtained within `wait_seconds`.
            WarehouseDamagedError: when it cannot be opened, or is of another version.
            WarehouseFullError: when the disk is full.
        """

    def ledger(self) -> Ledger | None:
        """The segments it was derived from; None when it cannot be read.

        Raises:
            WarehouseLockedError: when it is locked.
        """

    def rebuild(self, work: Derivation, guard: LossGuard) -> Loaded:
        """Derive it again from the archive; readers see the old tables until the new ones are complete.

        Raises:
            LossError: when the new tables would lack segments of the ledger; the old tables stay.
            WarehouseLockedError: when it stays locked; the old tables stay.
            ArchiveError: when the archive cannot be read.
        """

    def maintain(
        self, work: Derivation, now: datetime, retain_days: int | None, *, accept_loss: bool = False
    ) -> Maintained:
        """Load what is archived, tidy up, and check that a rebuild would give the same tables.

        Args:
            work: what a rebuild needs.
            now: the current time, UTC.
            retain_days: ids and answers of whole days (UTC) longer ago are dropped; None keeps everything.
            accept_loss: whether to drop them even if the clock may be wrong, or ids in them are still polled.

        Raises:
            RetentionRefusedError: when they must not be dropped; then nothing was dropped or compacted.
            WarehouseLockedError: when the warehouse stays locked, or another maintenance is running.
            WarehouseDamagedError: when it cannot be opened, or is of another version.
            ArchiveError: when the archive cannot be read or written.
        """
