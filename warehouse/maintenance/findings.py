"""What maintenance did and found, and how tables and archives are measured for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warehouse.archive.parquet import SCHEMAS
from warehouse.database.schema import definitions

if TYPE_CHECKING:
    import duckdb

    from warehouse.archive.parquet import Damaged
    from warehouse.archive.segments import Archive


@dataclass(frozen=True, slots=True)
class Difference:
    """A table that a rebuild would change."""

    table: str
    rows: int
    rows_rebuilt: int


@dataclass(frozen=True, slots=True)
class Size:
    """Segments and bytes of an archive."""

    segments: int
    bytes: int


@dataclass(slots=True)
class Maintained:
    """What maintenance did and found.

    Attributes:
        before: the archive when it began.
        after: the archive when it ended.
        joined: compacted segments.
        dropped_days: days whose ids and answers were dropped.
        lost: segments in the ledger that the archive no longer has.
        damaged: segments that cannot be read.
        differences: tables that a rebuild would change.
        broken: rules that the tables violate, each with the number of rows that violate it.
    """

    before: Size
    after: Size = Size(0, 0)
    joined: int = 0
    dropped_days: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    broken: dict[str, int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        return not (self.lost or self.damaged or self.differences or self.broken)


def size(store: Archive) -> Size:
    paths = [one.path for kind in SCHEMAS for one in (*store.segments(kind), *store.replaced(kind))]
    return Size(len(paths), sum(path.stat().st_size for path in paths))


def fingerprints(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """For every table the number of rows, and the sum of their hashes, which does not depend on their order."""
    found = {}
    for name in (one.name for one in definitions("tables") if one.name != "catalog_version"):
        query = f"select count(*), coalesce(sum(hash(one)), 0) from {name} as one"  # noqa: S608 - names of our files
        [found[name]] = con.execute(query).fetchall()
    return found
