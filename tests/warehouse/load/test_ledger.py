"""A load is visible complete or not at all, and the ledger lists exactly what is visible."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl
import pytest

from tests.warehouse import children
from tests.warehouse.answers import (
    HTML,
    RUNNING,
    SUCCESS_WITH_WORK,
    SURPRISING,
    Answer,
    Request,
    file_of,
    minute,
    write_answers,
)
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.tables import column, contents
from transforms.flatten import Frames, transform
from transforms.schema import ANSWERS, RUNS
from warehouse.archive.atomic import UNFINISHED
from warehouse.archive.segments import Archive
from warehouse.database.writer import open_writer
from warehouse.load import loader as load
from warehouse.load import lots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transforms.failures import FailureRule

REQUESTS = [Request(f"t{number}", minute(0)) for number in range(4)]
ANSWERS_SO_FAR = [Answer("t0", minute(1), RUNNING), Answer("t1", minute(1), HTML)]
ANSWERS_NEXT = [
    Answer("t0", minute(2), SUCCESS_WITH_WORK),
    Answer("t2", minute(2), SURPRISING),
    Answer("t3", minute(2), HTML),
]


class FailError(Exception):
    pass


def everything(site: Site) -> dict[str, list[str]]:
    with site.writer() as con:
        return contents(con) | {"segments": sorted(map(repr, con.execute("from segments").fetchall()))}


def fail_in_the_second_piece(_answers: pl.DataFrame, _rules: Sequence[FailureRule]) -> Frames:
    frames = transform(_answers, _rules)
    if "t2" in frames.observations["task_id"]:
        raise FailError
    return frames


def lose_a_column(answers: pl.DataFrame, rules: Sequence[FailureRule]) -> Frames:
    frames = transform(answers, rules)
    return dataclasses.replace(frames, pt_infos=frames.pt_infos.drop("run_id"))


def fail_at_the_ledger(*_: object) -> int:
    raise KeyboardInterrupt


#: What is replaced by what, and how a load then ends: a transform that fails, a broken frame, an interrupt.
FAILURES: Final[list[tuple[str, Callable[..., Any], type[BaseException]]]] = [
    ("lots.transform", fail_in_the_second_piece, FailError),
    ("lots.transform", lose_a_column, duckdb.Error),
    ("loader._enter", fail_at_the_ledger, KeyboardInterrupt),
]


def test_a_load_that_fails_changes_nothing_and_the_next_one_loads(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it fails, and however often."""
    site.archive(ANSWERS_SO_FAR, REQUESTS)
    site.load()
    before = everything(site)
    site.archive(ANSWERS_NEXT, [Request("t9", minute(0))])
    for name, replacement, error in FAILURES:
        with monkeypatch.context() as patch:
            patch.setattr(f"warehouse.load.{name}", replacement)
            patch.setattr(lots, "PIECE_ROWS", 1)
            with pytest.raises(error):
                site.load()
        assert everything(site) == before, name
    assert site.load().segments == 2
    assert_as_rebuilt(site)


def test_a_connection_goes_on_after_a_load_that_failed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction is left open, no frame registered."""
    segments = site.archive(ANSWERS_NEXT, REQUESTS)
    with site.writer() as con:
        with monkeypatch.context() as patch:
            patch.setattr(lots, "transform", lose_a_column)
            with pytest.raises(duckdb.Error):
                load.load(con, segments, DEFAULTS, site.policy)
        assert load.load(con, segments, DEFAULTS, site.policy).segments == 2


def assert_as_rebuilt(site: Site) -> None:
    before = everything(site)
    site.rebuild()
    assert everything(site) == before


LOAD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.warehouse.conftest import DEFAULTS, Site
from warehouse.load import loader as load, lots, merging
from warehouse.paths import DataPaths
calls = 0
def die_at(name, real=load.statement):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(name)
load.statement = merging.statement = die_at
lots.PIECE_ROWS = 1
site = Site(DataPaths(Path(sys.argv[1])))
with site.writer() as con:
    load.load(con, load.unloaded(con, site.store), DEFAULTS, site.policy)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.e2e
@pytest.mark.soak
def test_a_load_that_is_killed_again_and_again_is_complete_in_the_end(site: Site) -> None:
    """By kill -9, among the requests, in the middle of the answers, after the commit: nothing is lost or doubled."""
    site.archive(ANSWERS_SO_FAR, REQUESTS)
    site.load()
    before = everything(site)
    site.archive(ANSWERS_NEXT, [Request("t9", minute(0))])
    for step in (2, 12):
        assert children.run(LOAD_AND_DIE, site.paths.root, step) == -signal.SIGKILL
        assert everything(site) == before
    assert children.run(LOAD_AND_DIE, site.paths.root, 10_000) == -signal.SIGKILL
    assert site.paths.warehouse.with_name("warehouse.duckdb.wal").exists()
    assert site.load().segments == 0
    assert_as_rebuilt(site)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def fill_with_garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 500)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def write_other_columns(path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(path)


def write_other_types(path: Path) -> None:
    pl.read_parquet(path).with_columns(observed_at=pl.lit("yesterday")).write_parquet(path)


def damage_a_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4:200] = b"\xff" * 196
    path.write_bytes(data)


#: The last is a segment that has gone since it was listed.
DAMAGES: Final[list[Callable[[Path], None]]] = [
    truncate,
    fill_with_garbage,
    empty,
    write_other_columns,
    write_other_types,
    damage_a_page,
    Path.unlink,
]


def test_a_damaged_segment_is_named_and_the_rest_is_loaded(site: Site) -> None:
    """It stays unloaded, is named again next time, and is loaded once it is restored."""
    damaged = [segment for number in range(len(DAMAGES)) for segment in site.archive(answers_of(number))]
    site.archive(ANSWERS_SO_FAR, REQUESTS)
    listed = [*site.store.segments("observations"), *site.store.segments("requests")]
    whole = [segment.path.read_bytes() for segment in damaged]
    for segment, damage in zip(damaged, DAMAGES, strict=True):
        damage(file_of(segment))
    for expected in (2, 0):
        with site.writer() as con:
            done = load.load(con, listed, DEFAULTS, site.policy)
            assert column(con, "select count(*) from observations") == [2]
        assert done.segments == expected
        assert sorted(one.segment for one in done.damaged) == damaged
        for one in done.damaged:
            assert str(one.segment.path) in one.error
            assert "\n" not in one.error
    for segment, content in zip(damaged, whole, strict=True):
        file_of(segment).write_bytes(content)
    assert site.load().segments == len(damaged)


def answers_of(number: int) -> list[Answer]:
    """As `ANSWERS_NEXT`, about other tasks."""
    return [dataclasses.replace(one, task_id=f"{one.task_id}-{number}") for one in ANSWERS_NEXT]


def test_of_a_segment_damaged_at_its_end_nothing_is_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although its first pieces can be read: what is visible is what the ledger lists."""
    rows = pl.DataFrame(
        [Answer(f"t{number}", minute(1), RUNNING).row() for number in range(50)], schema=ANSWERS, orient="row"
    )
    path = site.paths.archive / "observations" / "2026-01-20" / "large.parquet"
    write_answers(site.store, [Answer("t99", minute(1), RUNNING)], "small")
    rows.write_parquet(path, row_group_size=10)
    size = path.stat().st_size
    data = bytearray(path.read_bytes())
    data[size // 2 : size // 2 + 400] = b"\xff" * 400
    path.write_bytes(data)
    monkeypatch.setattr(lots, "PIECE_ROWS", 10)
    done = site.load()
    assert [one.segment.segment_id for one in done.damaged] == ["large"]
    with site.writer() as con:
        assert column(con, "select task_id from observations") == ["t99"]
        assert column(con, "select segment_id from segments") == ["small"]


def test_unfinished_files_are_no_segments(site: Site) -> None:
    """Nor is anything else that lies about."""
    [segment] = site.archive(ANSWERS_NEXT)
    file_of(segment).with_name(f"{UNFINISHED}1-x.parquet").write_bytes(b"half")
    file_of(segment).with_name("notes.txt").write_bytes(b"mine")
    (file_of(segment).parent.parent / ".DS_Store").write_bytes(b"theirs")
    done = site.load()
    assert (done.segments, done.damaged) == (1, [])


def test_a_load_of_nothing_leaves_the_file_as_it_is(site: Site) -> None:
    """Opening, too: so that publishing again costs nothing, and a look is no change."""
    site.archive(ANSWERS_NEXT, REQUESTS)
    site.load()
    before = site.paths.warehouse.read_bytes()
    assert site.load().segments == 0
    assert site.paths.warehouse.read_bytes() == before


def test_an_empty_segment_is_loaded(site: Site) -> None:
    """There is nothing in it, and it is in the ledger."""
    write_answers(site.store, [], "nothing")
    assert site.load().segments == 1
    assert site.load().segments == 0


def test_runs_are_loaded_once(site: Site) -> None:
    """Each with its summary as JSON."""
    row = ("run1", "default", "collect", minute(0), minute(1), 0, '{"requested": 2}')
    for segment_id in ("runs-1", "runs-2"):
        rows = pl.DataFrame([row], schema=RUNS, orient="row")
        site.store.write("runs", rows, segment_id=segment_id, at=minute(1))
    assert site.load().segments == 2
    with open_writer(site.paths.warehouse, 1) as con:
        assert column(con, "select summary ->> 'requested' from runs") == ["2"]


@pytest.mark.parametrize("kind", ["requests", "observations", "runs"])
def test_answers_come_with_their_ids_when_another_run_writes_while_the_archive_is_listed(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It writes ids before answers; whichever kind has just been listed then, no answer is loaded without its id."""
    listed = Archive.segments

    def list_then_write(store: Archive, one: Any, without: Any = ()) -> Any:  # noqa: ANN401 - as the real one
        found = listed(store, one, without)
        if one == kind:
            monkeypatch.undo()
            site.archive(ANSWERS_SO_FAR, REQUESTS)
        return found

    monkeypatch.setattr(Archive, "segments", list_then_write)
    orphans = "select task_id from observations anti join requests using (source, task_id)"
    for _ in range(2):
        site.load()
        with site.writer() as con:
            assert column(con, orphans) == []
    with site.writer() as con:
        assert len(column(con, "select task_id from observations")) == len(ANSWERS_SO_FAR)
