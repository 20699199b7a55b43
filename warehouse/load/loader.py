"""Load segments. Commutative, associative, idempotent: any order, split or repetition gives the same tables.

The reasons: an answer that is loaded is not loaded again, even from another segment (`load/fresh.sql`); of the answers
about one task the greatest by `schema.PRECEDENCE` wins; counts, minima and maxima are over answers that were each
loaded once. A load, with its ledger, is one transaction.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.flatten import transform
from transforms.pages import split_pages
from transforms.schema import IDENTITY, PRECEDENCE
from warehouse.archive import parquet
from warehouse.database.advisory_lock import serialized
from warehouse.database.dialect import dialect_of
from warehouse.database.log_check import change_state
from warehouse.database.memory_limit import allow_for
from warehouse.database.schema import statement
from warehouse.database.transaction import transaction
from warehouse.errors import ArchiveError
from warehouse.load import identity
from warehouse.load.decisions import put_decisions, put_policies, replace_rows
from warehouse.load.lots import PIECE_ROWS
from warehouse.load.merging import NO_REQUESTS, judge_again, merge, merge_requests
from warehouse.load.prepared import Prepared, prepare
from warehouse.load.registered import registered
from warehouse.load.steps import large_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

    from transforms.flatten import Frames
    from warehouse.analysis import Analysis
    from warehouse.archive.parquet import Damaged, Segment
    from warehouse.archive.segments import Archive
    from warehouse.policy import PollingPolicy

#: Pages of a list loaded at a time; each has some 100 answers.
PIECE_PAGES: Final = 200

#: Answers merged at a time into a lake, where each merge looks ids up among all tasks.
_LAKE_PIECE_ROWS: Final = 50_000

_LEDGER: Final = pl.Schema({"segment_id": pl.String(), "kind": pl.String(), "rows": pl.Int64(), "bytes": pl.Int64()})


@dataclass(slots=True)
class Loaded:
    """The result of a load."""

    segments: int = 0
    answers: int = 0
    damaged: list[Damaged] = field(default_factory=list)

    def add(self, other: Loaded) -> None:
        """Add the result of another load."""
        self.segments += other.segments
        self.answers += other.answers
        self.damaged += other.damaged


def unloaded(con: duckdb.DuckDBPyConnection, store: Archive) -> list[Segment]:
    """The segments that are in the archive and not in the ledger, in the order they were written.

    In this order ids are loaded together with their answers, so that few are pending while a whole archive is loaded.
    Others may write meanwhile, so the kinds that they write last are listed first: if an answer is listed, its id is,
    too.

    Raises:
        ArchiveError: when the archive cannot be read.
    """
    known = ledger(con)
    return sorted(segment for kind in reversed(parquet.SCHEMAS) for segment in store.segments(kind, known))


def load(
    con: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    analysis: Analysis,
    policy: PollingPolicy,
    prepared: Prepared | None = None,
    piece_pages: int = PIECE_PAGES,
) -> Loaded:
    """Load segments in one transaction. Segments already in the ledger are skipped.

    A segment that was compacted from such segments replaces them in the ledger without being read. A segment that
    cannot be read is not loaded, and is named in the result. On a lake other processes may load at the same time, even
    the same segments. In a file, segments that are `prepared` are not read again.

    Raises:
        duckdb.Error: when the disk is full or the file is damaged; then nothing is changed.
        ArchiveError: when a segment that could be read a moment ago can no longer be read; then nothing is changed.
        WarehouseLockedError, LakeError: see `advisory_lock.serialized`.
    """

    def one_transaction() -> Loaded:
        with transaction(con):
            if segments:
                change_state(con)
            return load_within(con, segments, analysis, policy, prepared, piece_pages)

    if dialect_of(con).has_many_writers:  # do the slow part before others have to wait for the lock
        known = ledger(con)
        left = {one for one in segments if one.segment_id not in known}
        prepared = prepare(left, analysis.failure_rules, _LAKE_PIECE_ROWS)
        prepared.ready()
    allow_for(con, sum(map(large_bytes, segments)))
    return serialized(con, one_transaction)


def load_within(
    con: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    analysis: Analysis,
    policy: PollingPolicy,
    prepared: Prepared | None = None,
    piece_pages: int = PIECE_PAGES,
) -> Loaded:
    """As `load`, within the caller's transaction."""
    done = Loaded()
    identity.begin(con)
    put_decisions(con, analysis)
    known = ledger(con)
    todo = sorted({one.segment_id: one for one in segments if one.segment_id not in known}.values())
    unseen = [one for one in todo if not _is_visible_by_its_parts(one, known)]
    by_kind = {kind: [one for one in unseen if one.kind == kind] for kind in parquet.SCHEMAS}
    _load_runs(con, by_kind["runs"], done.damaged)
    if replace_rows(con, "other_ids_accepted", identity.accept_other_ids(con, policy)):
        judge_again(con)
    accepted = NO_REQUESTS
    for rows in parquet.pieces(by_kind["requests"], 10 * PIECE_ROWS, done.damaged):
        merge_requests(con, accepted)
        accepted = _accept(con, rows)
    prepared = (prepared or prepare(by_kind["observations"], analysis.failure_rules)).only(set(by_kind["observations"]))
    for lot, frames in prepared:
        done.answers += _load_answers(con, frames, lot.frames_of, accepted)
        accepted = NO_REQUESTS
    merge_requests(con, accepted)
    done.damaged += prepared.damaged
    for rows in parquet.pieces(by_kind["list_pages"], piece_pages, done.damaged):
        done.answers += _load_pages(con, rows, analysis)
    for rows in parquet.pieces(by_kind["list_windows"], PIECE_ROWS, done.damaged):
        with registered(con, new_list_windows=rows):
            con.execute(statement("load/list_windows"))
    put_policies(con, policy)
    identity.end(con)
    unreadable = {one.segment.segment_id for one in done.damaged}
    done.segments = _enter(con, [one for one in todo if one.segment_id not in unreadable])
    return done


def _is_visible_by_its_parts(segment: Segment, known: set[str]) -> bool:
    """Whether all segments that this one was compacted from are loaded, so that only the ledger has to change."""
    with contextlib.suppress(ArchiveError):  # reading it reports the error
        parts = parquet.composition(segment).parts
        return bool(parts) and parts <= known
    return False


def ledger(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The ids of the segments that are loaded."""
    return {segment_id for (segment_id,) in con.execute("select segment_id from segments").fetchall()}


def _enter(con: duckdb.DuckDBPyConnection, segments: Sequence[Segment]) -> int:
    """Add segments to the ledger, and remove those that they replace; returns how many were added."""
    replaced = sorted(frozenset[str]().union(*(parquet.composition(one).replaced for one in segments)))
    if replaced:
        con.execute("delete from segments where segment_id in (select unnest(?))", [replaced])
    rows = [(one.segment_id, one.kind, parquet.count_rows(one), one.path.stat().st_size) for one in segments]
    with registered(con, new_segments=pl.DataFrame(rows, schema=_LEDGER, orient="row")):
        con.execute("insert into segments by name from new_segments")
    return len(rows)


def _load_runs(con: duckdb.DuckDBPyConnection, segments: Sequence[Segment], damaged: list[Damaged]) -> None:
    for rows in parquet.pieces(segments, PIECE_ROWS, damaged):
        with registered(con, new_runs=rows):
            con.execute(statement("load/runs"))


def _accept(con: duckdb.DuckDBPyConnection, requests: pl.DataFrame) -> pl.DataFrame:
    """Load accepted ids into `requests` only: into `tasks` and `pending` they are merged with their first answers."""
    with registered(con, new_requests=requests):
        con.execute(statement("load/requests"), _span(requests["requested_at"]))
    return requests


def _load_pages(con: duckdb.DuckDBPyConnection, pages: pl.DataFrame, analysis: Analysis) -> int:
    """Load pages of a list: each item is an answer like any other, and its id is accepted with it."""
    split = split_pages(pages)
    with registered(con, new_list_pages=split.pages):
        con.execute(statement("load/list_pages"))
    if split.answers.is_empty():
        return 0
    requests = _accept(con, split.requests)
    answers = split.answers.unique(IDENTITY, keep="any")

    def frames_of(wanted: pl.DataFrame) -> Frames:
        return transform(answers.join(wanted, on=IDENTITY, how="semi"), analysis.failure_rules)

    return _load_answers(con, frames_of(answers), frames_of, requests)


def _load_answers(
    con: duckdb.DuckDBPyConnection,
    frames: Frames,
    frames_of: Callable[[pl.DataFrame], Frames],
    requests: pl.DataFrame,
) -> int:
    """Load answers that are not loaded yet, and merge them with `requests`, the accepted ids; returns their number.

    `frames_of` makes the frames of a subset of the answers.
    """
    fresh = _fresh(con, frames.observations)
    if fresh.height < frames.observations.height:
        frames = frames_of(fresh)
    with registered(con, new_works=_winning_works(frames.works), **_additions(frames), new_requests=requests):
        con.execute("insert into observations by name from new_observations")
        if frames.quarantine.height:
            con.execute("insert into quarantine by name from new_quarantine")
        if frames.schema_drift.height:
            con.execute(statement("load/schema_drift"))
        merge(con, frames.tasks, ("tasks", "works", "pending") if frames.works.height else ("tasks", "pending"))
    return fresh.height


def _additions(frames: Frames) -> dict[str, pl.DataFrame]:
    return {
        "new_observations": frames.observations,
        "new_quarantine": frames.quarantine,
        "new_pt_infos": frames.pt_infos,
        "new_schema_drift": frames.schema_drift,
    }


def _fresh(con: duckdb.DuckDBPyConnection, answers: pl.DataFrame) -> pl.DataFrame:
    """The answers that are not loaded yet."""
    numbered = answers.with_row_index("row")
    with registered(con, new_answers=numbered.select("row", *IDENTITY)):
        rows = con.execute(statement("load/fresh"), _span(answers["observed_at"])).pl()
    return numbered.join(rows, on="row", how="semi").drop("row")


def _span(times: pl.Series) -> dict[str, object]:
    """The range of times. Rows are in the order of their loads, so DuckDB skips most of a large table by a range."""
    return {"earliest": times.min(), "latest": times.max()}


def _winning_works(rows: pl.DataFrame) -> pl.DataFrame:
    """The winning payload of each task; one that came under the id polled wins over all others."""
    ranked = rows.sort(pl.col("answered_id").is_null(), *PRECEDENCE)
    return ranked.unique(("source", "task_id"), keep="last", maintain_order=True)
