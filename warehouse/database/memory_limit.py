"""More memory for a connection whose transactions need it.

Everything that a transaction changes has to be in memory when it commits, and again at the checkpoint; if it does not
fit, the connection is invalidated. Usually a step is some 20 MB of small rows. A step of answers that have megabytes
each needs more than the usual limit, and would otherwise fail in every run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from warehouse.database.schema import estimated_tasks

if TYPE_CHECKING:
    import duckdb

#: What a connection needs in addition to the memory for large answers.
_BASE_BYTES: Final = 256 * 1024 * 1024

#: Memory that large answers take, in multiples of their bytes. With 3, 100 answers of 1 MB failed at the checkpoint.
_FACTOR: Final = 8

#: What a commit needs for each task that there is. With 64 MB, 2,500 answers could be loaded into five million tasks,
#: with 50 MB they could not; nor with 64 MB into 25 million. A connection of DuckDB 1.5.5 whose commit failed for that
#: must not be used again: its tables in memory are corrupt.
_TASK_BYTES: Final = 3

#: What of the usual limit a commit into a few tasks leaves.
_SPARE_BYTES: Final = 8_000_000

_SHIFTS: Final = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}


def allow_for(con: duckdb.DuckDBPyConnection, large_bytes: int) -> None:
    """Raise the `memory_limit` of a connection to what this many bytes of large answers need, unless it is higher."""
    wanted = _BASE_BYTES + _FACTOR * large_bytes
    if large_bytes > 0 and limit_bytes(con) < wanted:
        set_limit(con, wanted)


def lower_limit(con: duckdb.DuckDBPyConnection, limit: int) -> None:
    """Lower the `memory_limit` of a connection to `limit` bytes, with one thread; does nothing if it is lower.

    With millions of tasks it keeps more.
    """
    wanted = limit + max(_TASK_BYTES * estimated_tasks(con) - _SPARE_BYTES, 0)
    if limit_bytes(con) > wanted:
        con.execute("set threads = 1")
        set_limit(con, wanted)


def set_limit(con: duckdb.DuckDBPyConnection, limit: int) -> None:
    """Set the `memory_limit` in bytes."""
    con.execute(f"set memory_limit = '{limit}B'")


def limit_bytes(con: duckdb.DuckDBPyConnection) -> int:
    """The `memory_limit` in force, in bytes, which DuckDB returns rounded down, such as '122.0 MiB'."""
    row = con.execute("select current_setting('memory_limit')").fetchone()
    found = re.fullmatch(r"([\d.]+) (?:([KMGT]i)B|bytes?)", str(row[0]) if row else "")
    return int(float(found[1]) * 2 ** _SHIFTS[found[2] or ""]) if found else 0
