"""Which process loads what of an archive that several load from at once: each claims ten segments at a time.

A claim is an advisory lock of PostgreSQL, gone with the session that holds it. It only spares work that would be done
twice, as the advisory lock of a load does (see `advisory_lock`): whatever is claimed, a load writes nothing that
another has loaded.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from warehouse.database.advisory_lock import claim, session_for_claims
from warehouse.load.loader import ledger
from warehouse.load.steps import STEP_ROWS, size_in_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import duckdb

    from warehouse.archive.parquet import Segment

#: Portions that what waits is loaded in, where it is much: each costs a commit, half a second.
_PORTIONS: Final = 8

#: Tasks in the lake for each row of a portion, for ids are looked up among them: 0.03 s for a million.
TASKS_PER_ROW: Final = 200

#: No more, for memory: a portion of so many new ids and their answers takes some 250 MB.
MOST_ROWS: Final = 50_000


def claimed(
    con: duckdb.DuckDBPyConnection, waiting: Sequence[Segment], run_id: str
) -> Generator[Sequence[Segment], None, None]:
    """Portions of what waits, each claimed until the next is wanted; nothing that another loads meanwhile.

    Those of a run itself come first; what others have claimed comes last, and is waited for. Of none, one of none.

    Raises:
        WarehouseLockedError: when another does not finish what it has claimed in time.
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
    """Blocks of some `rows` rows that nobody has; where others have all of them, the first when it is free again."""
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
    """How many rows to load at once: more where much waits, and in a large lake."""
    row = con.execute("select estimated_size from duckdb_tables() where table_name = 'tasks'").fetchone()
    tasks = int(row[0] or 0) if row else 0
    wanted = max(sum(map(size_in_rows, waiting)) // _PORTIONS, tasks // TASKS_PER_ROW)
    return min(max(STEP_ROWS, wanted), MOST_ROWS)


def _blocks(waiting: Sequence[Segment], run_id: str) -> dict[str, list[Segment]]:
    """Ten segments each, by name: those of the run first, then the others in an order that no other run has."""
    blocks: dict[str, list[Segment]] = {}
    for one in sorted(waiting):
        blocks.setdefault(one.segment_id[:-1], []).append(one)

    def order(name: str) -> tuple[bool, bytes]:
        is_own = run_id in name
        return not is_own, b"" if is_own else blake2b((run_id + name).encode(), digest_size=8).digest()

    return {name: blocks[name] for name in sorted(blocks, key=order)}


def _lock(name: str) -> str:
    """What the lock of a block is called: only letters that need no quoting, as names of files may have any."""
    plain = re.sub(r"[^\w.-]", "", name, flags=re.ASCII)
    return f"load {plain}"
