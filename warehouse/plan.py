"""Which ids to poll now, according to the warehouse, and how far a run has got."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.archive.atomic import make_directory
from warehouse.archive.parquet import pieces
from warehouse.database.schema import statement
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from warehouse.archive.parquet import Damaged, Segment

_ROWS: Final = 100_000
_SCHEMA: Final = pa.schema([("task_id", pa.string()), ("has_failed", pa.bool_())])


@dataclass(frozen=True, slots=True)
class PollRequest:
    """Which ids a run wants to poll.

    Attributes:
        source: the gateway they belong to.
        given: the request segments of the run, with the ids that were given to it.
        refresh: whether to poll known tasks that are due, too.
        only_due: whether to poll given ids only if they are due, as in the later rounds of following.
        again: whether to poll given ids that have ended, too; ignored with `only_due`.
        share: (number, of): only given and known ids whose hash modulo `of` is `number`, from 0.
    """

    source: str
    given: Sequence[Segment] = ()
    refresh: bool = True
    only_due: bool = False
    share: tuple[int, int] = (0, 1)
    again: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """How many ids to poll, and how many of the given ones are known to have ended."""

    to_ask: int
    ended: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the given ids. `next_due_at` is in Unix seconds, None when none of them will be polled again."""

    given: int
    ended: int
    waiting: int
    next_due_at: float | None


def can_plan(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a warehouse has the tables and columns that `write_todo` needs: one of another version may not."""
    try:
        con.execute(
            "explain from due_tasks_at(now()), tasks, pending where is_due and is_terminal and last_outcome = ''"
        )
    except (duckdb.BinderException, duckdb.CatalogException):
        return False
    return True


def new_todo(folder: Path) -> IO[bytes]:
    """A temporary file without a name for `write_todo`, so that a run that is killed leaves none behind."""
    make_directory(folder)
    return tempfile.TemporaryFile(dir=folder)


def write_todo(con: duckdb.DuckDBPyConnection, wanted: PollRequest, moment: datetime, todo: IO[bytes]) -> Planned:
    """Write the ids to poll at `moment` to a Parquet file. Memory does not grow with their number."""
    _give(con, wanted)
    parameters = {
        "source": wanted.source,
        "moment": moment,
        "refresh": wanted.refresh,
        "only_due": wanted.only_due,
        "again": wanted.again and not wanted.only_due,
        "number": wanted.share[0],
        "of": wanted.share[1],
    }
    todo.seek(0)
    todo.truncate()
    count = 0
    with pq.ParquetWriter(todo, _SCHEMA, compression="zstd") as file:
        for batch in con.execute(statement("queries/todo"), parameters).to_arrow_reader(_ROWS):
            file.write_batch(batch.cast(_SCHEMA))
            count += batch.num_rows
    return Planned(count, 0 if wanted.again else _count(con, "ended", {"source": wanted.source}))


def read_todo(todo: IO[bytes], rows: int) -> Iterator[tuple[list[str], list[str]]]:
    """The ids of `write_todo` in lists of up to `rows`, each with a list of those whose last poll failed.

    Closes the file.
    """
    with todo, pq.ParquetFile(todo) as ids:
        for batch in ids.iter_batches(batch_size=rows):
            some = batch.column("task_id")
            yield some.to_pylist(), some.filter(batch.column("has_failed")).to_pylist()


def progress(con: duckdb.DuckDBPyConnection, wanted: PollRequest, moment: datetime) -> Progress:
    """The progress of the given ids at `moment`."""
    _give(con, wanted)
    parameters = {"source": wanted.source, "moment": moment}
    row = con.execute(statement("queries/progress"), parameters).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without groups has one row
    return Progress(*row)


def answers_of_run(con: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, int]:
    """The number of answers that a run got, by outcome."""
    return dict(con.execute(statement("queries/answers_of_run"), {"run_id": run_id}).fetchall())


def listed_answers_of_run(con: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """How many answers a run got from pages of the gateway's list, without a poll."""
    return _count(con, "listed_answers_of_run", {"run_id": run_id})


def tasks_of_run(con: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, str | None, int]]:
    """The final state of the ids that a run polled: (outcome of the last answer, its status, number of ids)."""
    rows: list[Any] = con.execute(statement("queries/tasks_of_run"), {"run_id": run_id}).fetchall()
    return rows


def is_source_known(con: duckdb.DuckDBPyConnection, source: str) -> bool:
    """Whether any task of this gateway was ever seen, which shows that its address was right."""
    return con.execute("select 1 from tasks where source = $source limit 1", {"source": source}).fetchone() is not None


def summaries_of_runs(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[str]:
    """The summaries of runs, as JSON texts."""
    rows = con.execute(statement("queries/summaries_of_runs"), {"run_ids": list(run_ids)}).fetchall()
    return [summary for (summary,) in rows]


def renamed_envelopes(con: duckdb.DuckDBPyConnection, run_id: str) -> str | None:
    """A warning about answers of a run with a task under other names than documented; None if there are none."""
    row = con.execute(statement("queries/renamed_envelopes"), {"run_id": run_id}).fetchone()
    if row is None:
        return None
    answers, example = row
    return (
        f"{answers:,} answers contain a task that cannot be read, e.g. of {example['task_id']}: {example['detail']}. "
        "They are in quarantine as renamed_envelope, and the ids are polled again. Check BASE_URL; if it is right, the "
        "gateway answers in a form that avatar-tasks does not know"
    )


def answered_by_runs(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str], since: datetime) -> int:
    """About how many ids there is a loaded answer from these runs, which began after `since`."""
    return _count(con, "answered_by_runs", {"run_ids": list(run_ids), "since": since})


def _count(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any]) -> int:
    row = con.execute(statement(f"queries/{query}"), parameters).fetchone()
    return int(row[0]) if row else 0


def _give(con: duckdb.DuckDBPyConnection, wanted: PollRequest) -> None:
    """Create the temp table `given` from the request segments, on disk or on object storage.

    Raises:
        ArchiveError: when a segment that was written a moment ago cannot be read.
    """
    con.execute("create or replace temp table all_given (task_id varchar)")
    damaged: list[Damaged] = []
    for rows in pieces(wanted.given, _ROWS, damaged):
        con.register("some_given", rows)
        con.execute(
            "insert into all_given select task_id from some_given where source = ? and hash(task_id) % ? = ?",
            [wanted.source, wanted.share[1], wanted.share[0]],
        )
        con.unregister("some_given")
    if damaged:
        raise ArchiveError(damaged[0].error)
    con.execute("create or replace temp table given as select distinct task_id from all_given")
    con.execute("drop table all_given")
