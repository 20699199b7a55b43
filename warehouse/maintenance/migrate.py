"""Migrate from a file to a lake or back: derive the new warehouse from the archive, then compare it with the old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.backends.choose import reader, warehouse_of
from warehouse.database.schema import definitions, statement
from warehouse.errors import WarehouseError
from warehouse.maintenance.losses import LossGuard
from warehouse.maintenance.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from warehouse.load.loader import Loaded
    from warehouse.maintenance.derivation import Derivation
    from warehouse.paths import DataPaths


@dataclass(frozen=True, slots=True)
class Moved:
    """The result of a migration.

    Attributes:
        loaded: the result of loading the new warehouse.
        rows: rows of the new warehouse by table.
        differing: tables that differ from what readers saw of the old one; None when that could not be read.
    """

    loaded: Loaded
    rows: dict[str, int]
    differing: list[str] | None


def migrate(
    old: DataPaths,
    work: Derivation,
    *,
    accept_loss: bool = False,
    notify: Callable[[str], None] = lambda _line: None,
) -> Moved:
    """Derive the warehouse of `work.paths` from the archive; the one at `old` stays as it is.

    Raises:
        LossError: when the new one would lack segments that the old one was made from.
        WarehouseError: see `rebuild`.
    """
    LossGuard(work.store, accept_loss, notify).check_early(warehouse_of(old).ledger)
    before = _checksums_if_readable(old)
    loaded = rebuild(work, accept_loss=accept_loss, notify=notify)
    with reader(work.paths) as con:
        after = checksums(con)
    differing = None if before is None else sorted(name for name in after if before.get(name) != after[name])
    return Moved(loaded, {name: rows for name, (rows, _) in after.items()}, differing)


def checksums(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int | None]]:
    """Rows and checksum of every table that is derived from the archive."""
    found = {}
    for definition in definitions("tables"):
        if definition.name != "catalog_version":
            row = con.execute(statement("queries/checksum"), {"table_name": definition.name}).fetchone()
            assert row is not None  # noqa: S101 - an aggregate without groups has one row
            found[definition.name] = row
    return found


def _checksums_if_readable(paths: DataPaths) -> dict[str, tuple[int, int | None]] | None:
    try:
        with reader(paths) as con:
            return checksums(con)
    except WarehouseError:
        return None
