"""What a warehouse can do, whatever it is kept in. A DuckDB file (`file`) and a lake (`lake`) are two that can.

`choose.warehouse_of` decides once which one it is; nobody else asks. Another backend is another class with these
methods, and a line in `choose`.
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
    """A warehouse that this process may load into, as `Warehouse.open_to_load` gives it."""

    @property
    def step_rows(self) -> int | None:
        """Rows of a portion loaded in one transaction; None where that is for the caller to say."""

    def open(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection with every table and view in place; closed, and all of it on disk, when the block ends."""

    def to_load(self, waiting: Sequence[Segment], *, later: Collection[Segment] = ()) -> list[Segment]:
        """Which of the segments that are not loaded yet to load now; those in `later` may be left to a later load."""

    def portions(
        self, con: duckdb.DuckDBPyConnection, waiting: Sequence[Segment], run_id: str
    ) -> Iterator[Sequence[Segment]]:
        """What waits, in portions to load one after another; others load other portions meanwhile, where they can."""

    def free_memory(self, con: duckdb.DuckDBPyConnection) -> None:
        """Between two steps of a load: let go of memory that the next one needs."""

    def publish(self) -> None:
        """Give readers what was loaded. No connection may be open."""


class Warehouse(Protocol):
    """The tables of a data directory: where they are, and everything that is done with them as a whole."""

    @property
    def place(self) -> str:
        """Where it is, as the setting WAREHOUSE says it, without a password."""

    @property
    def settings(self) -> dict[str, str]:
        """The settings, by field name, that lead another process to it."""

    @property
    def published(self) -> Path | None:
        """The file that a load publishes for readers; None where they read the warehouse itself."""

    @property
    def data_files(self) -> Path | None:
        """The folder of files that readers open beside the published one; None where there is none."""

    @property
    def has_many_writers(self) -> bool:
        """Whether processes on several machines may load at once."""

    @property
    def drops_days(self) -> bool:
        """Whether `maintain --retain` can drop days of it."""

    def exists(self) -> bool:
        """Whether there is one to publish, as far as that can be known without opening it."""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A read-only connection to what readers see; the caller closes it.

        Raises:
            NothingPublishedError: when there is nothing to read yet.
            WarehouseError: when it cannot be opened or reached.
        """

    def connect_beside(self) -> duckdb.DuckDBPyConnection:
        """A database of its own in memory, with what readers see in it as `published`, read-only.

        Raises:
            NothingPublishedError, WarehouseError: as `connect`.
        """

    def restrict(self, con: duckdb.DuckDBPyConnection, writable: Sequence[str], query: str) -> None:
        """Take everything but the warehouse from a connection of `connect`, before it runs somebody's `query`.

        Raises:
            FilesRefusedError: when the query would write.
        """

    def lock_holder(self, con: duckdb.DuckDBPyConnection) -> str | None:
        """Who is loading now, in words; None when nobody is. `con` is of `connect`."""

    def open_to_load(self, wait_seconds: float) -> AbstractContextManager[Writer]:
        """The warehouse to load into, until the block ends.

        Raises:
            WarehouseLockedError: when a lock does not come within `wait_seconds`.
            WarehouseDamagedError: when it cannot be opened.
            LakeError: when a lake cannot be reached.
        """

    def publish(self, wait_seconds: float) -> Path:
        """Publish the warehouse as it is; returns the published file.

        Raises:
            WarehouseLockedError: when the warehouse's lock does not come within `wait_seconds`.
            WarehouseDamagedError: when it cannot be opened, or is of another version.
            WarehouseFullError: when the disk has no room.
        """

    def ledger(self) -> Ledger | None:
        """The segments it was made from; None when it cannot be read.

        Raises:
            WarehouseLockedError: when it is locked.
        """

    def rebuild(self, work: Derivation, guard: LossGuard) -> Loaded:
        """Derive it again from the archive; readers see the old tables until the new ones are complete.

        Raises:
            LossError: when the new tables would lack segments of the ledger; the old ones stay.
            WarehouseLockedError: when it stays locked; likewise.
            ArchiveError: when the archive cannot be read.
        """

    def maintain(
        self, work: Derivation, now: datetime, retain_days: int | None, *, accept_loss: bool = False
    ) -> Maintained:
        """Load what is archived, tidy up, and prove that a rebuild would give the same tables.

        Args:
            work: what it takes to rebuild.
            now: what time it is, UTC.
            retain_days: ids and answers of whole days (UTC) longer ago are dropped; None keeps everything.
            accept_loss: whether they may go although the clock is in doubt, or ids in them are still polled.

        Raises:
            RetentionRefusedError: when they may not; nothing was dropped or compacted then.
            WarehouseLockedError: when the warehouse stays locked, or another maintenance is running.
            WarehouseDamagedError: when it cannot be opened, or is of another version.
            ArchiveError: when the archive cannot be read or written.
        """
