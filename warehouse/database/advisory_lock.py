"""Serialize the writing transactions on a lake, even if several processes load at once.

DuckLake has no unique constraints, and lets two transactions that only insert commit concurrently: two loads of the
same answers would insert them twice. Two things prevent that:

- **Correctness.** A connection that writes has `ducklake_max_retry_count = 0`: a transaction that began at snapshot n
  commits as snapshot n + 1 or not at all, regardless of what it changed. Of two such transactions, the primary key of
  the catalog's snapshots lets one commit; the other is rolled back and repeated from its beginning, where it finds the
  first one's ledger. So writing transactions are serialized, as with the lock on a file.
- **Efficiency.** Before it begins, each takes an advisory lock of PostgreSQL, first come first served, which is
  released when its session ends. The lock only avoids work that would have to be repeated; correctness does not depend
  on it.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
import time
from typing import TYPE_CHECKING, Final, TypeVar

import duckdb

from warehouse.database.dialect import dialect_of
from warehouse.errors import LakeError, WarehouseLockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

#: The name that the catalog's database has in a connection.
CATALOG: Final = "lock_catalog"

#: How often a transaction that conflicts with another is tried, and the longest pause before the next attempt.
ATTEMPTS: Final = 10
_PAUSE_SECONDS: Final = 2.0

#: How long to wait for the lock by default (see `wait_at_most`).
_WAIT_SECONDS: Final = 600.0

_LOST: Final = re.compile(r"Failed to commit DuckLake transaction")
_TOOK_TOO_LONG: Final = "lock timeout"
_LOCK: Final = "hashtext('avatar-tasks {what}')"
_TAKE: Final = f"select 1 as mine from pg_advisory_xact_lock({_LOCK})"  # noqa: S608 - words of ours
_TRY: Final = f"select pg_try_advisory_xact_lock({_LOCK}) as mine"
_HOLDER: Final = f"""
    select application_name from pg_stat_activity join pg_locks using (pid)
    where locktype = 'advisory' and granted and objid::bigint = {_LOCK}::bigint & 4294967295
"""  # noqa: S608 - likewise


def wait_at_most(con: duckdb.DuckDBPyConnection, seconds: float) -> None:
    """Let a connection wait this long for the advisory lock."""
    con.execute("set variable lock_wait_seconds = $seconds", {"seconds": seconds})


def serialized(con: duckdb.DuckDBPyConnection, step: Callable[[], T]) -> T:
    """Run `step`, one whole transaction, serialized with those of other processes.

    On a lake it may run several times, so it must be safe to repeat. On a file, which is locked already, it runs once.

    Raises:
        WarehouseLockedError: when the lock is not obtained in time.
        LakeError: when the transaction could not be committed in `ATTEMPTS` attempts.
    """
    if not dialect_of(con).has_many_writers:
        return step()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with write_lock(con):
                return step()
        except duckdb.TransactionException as error:
            if not _LOST.search(str(error)):
                raise
            problem = error
        time.sleep(random.uniform(0, min(_PAUSE_SECONDS, 0.05 * 2**attempt)))  # noqa: S311 - spreads, hides nothing
    reason = str(problem).splitlines()[-1].rstrip(".")
    msg = f"all {ATTEMPTS} attempts to load into the lake failed: {reason}. Nothing is lost; the next run loads it"
    raise LakeError(msg)


@contextlib.contextmanager
def write_lock(con: duckdb.DuckDBPyConnection, what: str = "load") -> Iterator[None]:
    """The advisory lock for `what`, kept by a separate session until the block ends.

    Raises:
        WarehouseLockedError: when it is not obtained in time; the message names the holder.
    """
    with session_for_claims(con) as session:
        claim(con, session, what, wait=True)
        yield


@contextlib.contextmanager
def session_for_claims(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A separate session for advisory locks; they are released when the block ends."""
    with contextlib.closing(con.cursor()) as session:
        session.execute("begin")
        _execute(session, f"set local application_name = '{_name()}'")
        _execute(session, f"set local lock_timeout = {max(1, int(_wait_seconds(con) * 1000))}")
        try:
            yield session
        finally:
            with contextlib.suppress(duckdb.Error):  # a session that has ended holds no lock
                session.execute("rollback")


def claim(con: duckdb.DuckDBPyConnection, session: duckdb.DuckDBPyConnection, what: str, *, wait: bool = False) -> bool:
    """Take the advisory lock for `what` in a `session` of `con`; without `wait`, returns whether it was free.

    Raises:
        WarehouseLockedError: with `wait`, when it is not obtained in time; the message names the holder.
    """
    if not wait:
        return bool(_query(session, _TRY.format(what=what))[0][0])
    try:
        _query(session, _TAKE.format(what=what))
    except duckdb.Error as error:
        if _TOOK_TOO_LONG not in str(error):
            raise
        raise _locked_error(con, what, _wait_seconds(con)) from None
    return True


def lock_holder(con: duckdb.DuckDBPyConnection, what: str = "load", catalog: str = CATALOG) -> str | None:
    """The lock holder, in words; None when there is none. `catalog` is the name of PostgreSQL in the connection."""
    found = _query(con, _HOLDER.format(what=what), catalog)
    return str(found[0][0]) if found else None


def _locked_error(con: duckdb.DuckDBPyConnection, what: str, seconds: float) -> WarehouseLockedError:
    who = lock_holder(con, what) or "another process"
    return WarehouseLockedError(
        f"the lake is locked by {who} (lock {what!r}): waited {seconds:g} s. Nothing is lost: everything collected is "
        "in the archive, and the next run loads it"
    )


def _wait_seconds(con: duckdb.DuckDBPyConnection) -> float:
    row = con.execute("select getvariable('lock_wait_seconds')").fetchone()
    return _WAIT_SECONDS if row is None or row[0] is None else float(row[0])


def _execute(con: duckdb.DuckDBPyConnection, command: str) -> None:
    con.execute("call postgres_execute($catalog, $command)", {"catalog": CATALOG, "command": command})


def _query(con: duckdb.DuckDBPyConnection, query: str, catalog: str = CATALOG) -> list[tuple[object, ...]]:
    return con.execute("from postgres_query($catalog, $query)", {"catalog": catalog, "query": query}).fetchall()


def _name() -> str:
    """The name of this process for others: only characters that need no quoting, and no more than PostgreSQL keeps."""
    host = re.sub(r"[^\w.-]", "", socket.gethostname(), flags=re.ASCII)
    return f"process {os.getpid()} on {host}"[:63]
