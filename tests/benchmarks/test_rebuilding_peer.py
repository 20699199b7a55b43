"""Bare DuckDB, which rebuilding is compared with, makes the same tables as we do, column by column."""

from __future__ import annotations

from contextlib import chdir, contextmanager
from typing import TYPE_CHECKING, Final

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

from benchmarks.inputs.bodies import END, answers, requests_of
from benchmarks.rebuilding import OURS_ALONE, PEERS, RUN, compared, write_lines
from tests.warehouse.answers import (
    FAILURE,
    MISSING,
    RUNNING,
    SUCCESS,
    SUCCESS_WITH_WORK,
    SUCCESS_WITHOUT_PARTS,
    Answer,
    Kind,
    minute,
    task_body,
    under,
    work,
)
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.tables import emptied
from transforms.schema import ANSWERS
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.load.loader import load, unloaded
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_COUNT: Final = 300

#: Answers in the gateway's plain form that the benchmark's own do not include, by the id that was polled.
_OTHERS: Final = {
    "x-missing": MISSING,
    "x-unknown": Kind(b'{"hello":1}'),
    "x-error": Kind(b'{"code":"odd","message":"what is this?"}'),
    "x-running": under("x-running", RUNNING),
    "x-failed": under("x-failed", FAILURE),
    "x-in-capitals": under("task_X-IN-CAPITALS", SUCCESS),
    "x-under-another": under("another", SUCCESS_WITH_WORK),
    "x-other-work": under("x-other-work", SUCCESS_WITH_WORK, "its work"),
    "x-without-parts": under("x-without-parts", SUCCESS_WITHOUT_PARTS),
    "x-surprising": under("x-surprising", Kind(task_body("QUEUED", work=work("odd", 1, singer=["one"])))),
    "x-signed": under("x-signed", Kind(task_body("SUCCESS", result_url="https://a.example/b?Expires=1790000000"))),
    "x-reason": under("x-reason", Kind(task_body("SUCCESS", fail_reason="all went well, mostly"))),
    "x-odd-params": under("x-odd-params", Kind(task_body("SUCCESS", work=work("odd") | {"animate_params_str": "{"}))),
    "x-disagreeing": under("x-disagreeing", Kind(task_body("IN_PROGRESS", work=work("odd") | {"web_work_status": -1}))),
    "x-late-work": under(
        "x-late-work", Kind(task_body("SUCCESS", work=work("odd", id="6" * 24, create_time=1_768_900_000_000)))
    ),
}

#: An answer that another id got, too, and one about another id that is polled.
_MIXED_UP: Final = {
    "y1": under("z", SUCCESS),
    "y2": under("z", SUCCESS),
    "y3": under("y4", SUCCESS),
    "y4": under("y4", RUNNING),
}


@contextmanager
def both(folder: Path, frames: Sequence[pl.DataFrame]) -> Iterator[tuple[duckdb.DuckDBPyConnection, ...]]:
    """Our warehouse of some answers, and the peer's."""
    store = Archive(LocalFolder(folder / "archive"))
    write_lines(folder / "lines", frames)
    for number, frame in enumerate(frames):
        store.write("requests", requests_of(frame), segment_id=f"requests-{number}", at=END)
        store.write("observations", frame, segment_id=f"observations-{number}", at=END)
    with emptied() as ours, chdir(folder / "lines"), duckdb.connect() as peer:
        load(ours, unloaded(ours, store), DEFAULTS, PollingPolicy())
        peer.execute((PEERS / "duckdb_all_tables.sql").read_text(encoding="utf-8"))
        yield ours, peer


def by_key(rows: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    return rows.pl().sort(name for name in ("task_id", "pt_index", "json_path", "kind") if name in rows.columns)


def frame_of(kinds: Mapping[str, Kind]) -> pl.DataFrame:
    rows = [Answer(task_id, minute(5), kind).row() for task_id, kind in kinds.items()]
    return pl.DataFrame(rows, schema=ANSWERS, orient="row")


def test_the_peer_makes_every_column_with_our_values(tmp_path: Path) -> None:
    """A new column of a table needs its line in the peer, or its name and reason in `OURS_ALONE`."""
    frames = [*answers(_COUNT, RUN, END), frame_of(_OTHERS)]
    with both(tmp_path, frames) as (ours, peer):
        for table in OURS_ALONE:
            made, expected = (compared(con, table) for con in (peer, ours))
            assert (table, made.columns) == (table, expected.columns)
            assert made.types == expected.types
            assert_frame_equal(by_key(made), by_key(expected))
            assert len(expected) > 0, f"no row of {table} was compared"


def test_the_peer_finds_the_same_answers_about_other_tasks(tmp_path: Path) -> None:
    """Answers that several ids got, and answers about an id that was polled, too, have an `identity_conflict`."""
    with both(tmp_path, [frame_of(_MIXED_UP)]) as contenders:
        query = "select task_id, identity_conflict from tasks order by all"
        ours, peer = (con.execute(query).fetchall() for con in contenders)
    assert ours == peer == [("y1", True), ("y2", True), ("y3", True), ("y4", False)]
