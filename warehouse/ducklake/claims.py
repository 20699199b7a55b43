"""How several processes that load an archive at once divide the work: each claims blocks of ten segments.

A claim is an advisory lock of PostgreSQL, released when its session ends. Like the advisory lock of a load (see
`advisory_lock`) it only avoids work that would be done twice: even without claims, a load writes nothing that another
has loaded.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from warehouse.database.advisory_lock import claim, session_for_claims
from warehouse.database.schema import estimated_tasks
from warehouse.load.budget import STEP_ROWS
from warehouse.load.loader import ledger
from warehouse.load.steps import size_in_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import duckdb

    from warehouse.archive.parquet import Segment

#: If much waits, it is loaded in this many portions: each costs a commit, half a second.
_PORTIONS: Final = 8

#: A portion has one row for this many tasks in the lake, because its ids are looked up among them: 0.03 s per million.
TASKS_PER_ROW: Final = 200

#: At most this many rows, to limit memory: a portion of that many new ids and their answers takes some 250 MB.
MOST_ROWS: Final = 50_000


def claimed(
    con: duckdb.DuckDBPyConnection, waiting: Sequence[Segment], run_id: str
) -> Generator[Sequence[Segment], None, None]:
    """The waiting segments in portions, each claimed until the next is requested, without those that others load.

    Segments of the run itself come first; those that others have claimed come last, once they are released. Without
    waiting segments there is one empty portion.

    Raises:
        WarehouseLockedError: when another process does not finish its claimed segments in time.
    """
    if not waiting:
        yield []
    rows = portion_rows(con, waiting)
    left = _blocks(waiting, run_id)
    while left := _not_loaded(con, left):
        with session_for_claims(con) as session:
            mine = _claim(con, session, left, rows)
            yield [one for name in mine for one in left.pop(name)]


def _not_loaded(con: duckdb.DuckDBPyConnection, blocks: dict[str, list[Segment]]) -> dict[str, list[Segment]]:
    known = ledger(con)
    rest = {name: [one for one in block if one.segment_id not in known] for name, block in blocks.items()}
    return {name: block for name, block in rest.items() if block}


def _claim(
    con: duckdb.DuckDBPyConnection, session: duckdb.DuckDBPyConnection, left: dict[str, list[Segment]], rows: int
) -> list[str]:
    """Claim free blocks of about `rows` rows together; if others have all blocks, wait for the first one."""
    mine: list[str] = []
    for name, block in left.items():
        if rows <= 0:
            return mine
        if claim(con, session, _lock(name)):
            mine.append(name)
            rows -= sum(map(size_in_rows, block))
    if not mine:
        mine.append(next(iter(left)))
        claim(con, session, _lock(mine[0]), wait=True)
    return mine


def portion_rows(con: duckdb.DuckDBPyConnection, waiting: Sequence[Segment]) -> int:
    """How many rows to load at once: more if much waits, and in a large lake."""
    wanted = max(sum(map(size_in_rows, waiting)) // _PORTIONS, estimated_tasks(con) // TASKS_PER_ROW)
    return min(max(STEP_ROWS, wanted), MOST_ROWS)


def _blocks(waiting: Sequence[Segment], run_id: str) -> dict[str, list[Segment]]:
    """Blocks of up to ten segments, by name: those of the run first, then others in an order that differs by run."""
    blocks: dict[str, list[Segment]] = {}
    for one in sorted(waiting):
        blocks.setdefault(one.segment_id[:-1], []).append(one)

    def order(name: str) -> tuple[bool, bytes]:
        is_own = run_id in name
        return not is_own, b"" if is_own else blake2b((run_id + name).encode(), digest_size=8).digest()

    return {name: blocks[name] for name in sorted(blocks, key=order)}


def _lock(name: str) -> str:
    """The name of a block's lock, with only those characters of a file name that need no quoting."""
    plain = re.sub(r"[^\w.-]", "", name, flags=re.ASCII)
    return f"load {plain}"
