"""Small segments of a day become one, and nothing that is derived from them changes, whatever happens meanwhile."""

from __future__ import annotations

import dataclasses
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

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
    write_requests,
)
from tests.warehouse.conftest import Site
from tests.warehouse.tables import column, contents
from transforms.schema import ANSWERS
from warehouse.archive import compact as compacting
from warehouse.archive import parquet
from warehouse.archive.active_runs import active_run, first_busy_day
from warehouse.archive.atomic import UNFINISHED
from warehouse.archive.compact import compact, remove_replaced
from warehouse.archive.parquet import COMPACTED, SCHEMAS
from warehouse.errors import ArchiveError
from warehouse.load import loader as load
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from warehouse.archive.compact import Joined
    from warehouse.archive.parquet import Kind

LATER = "2026-02-01"


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(DataPaths(tmp_path_factory.mktemp("filled") / "data"))
    for number, kind in enumerate([RUNNING, HTML, SURPRISING, SUCCESS_WITH_WORK, RUNNING]):
        answer = Answer(f"t{number % 3}", minute(number + 1), kind, segment_id=f"answers-{number}")
        write_answers(site.store, [answer], f"answers-{number}")
    for number in range(3):
        write_requests(site.store, [Request(f"t{number}", minute(0))], f"ids-{number}")
    site.load()
    return site


@pytest.fixture
def filled(site: Site, filled_once: Site) -> Site:
    """A site with five segments of answers and three of ids, loaded; each answer knows its segment."""
    return site.copy_of(filled_once)


def everything(site: Site) -> dict[str, list[str]]:
    with site.writer() as con:
        return contents(con) | {"segments": sorted(map(repr, con.execute("from segments").fetchall()))}


def tables(site: Site) -> dict[str, list[str]]:
    return {name: rows for name, rows in everything(site).items() if name != "segments"}


def ledger(site: Site) -> set[str]:
    with site.writer() as con:
        return set(column(con, "select segment_id from segments"))


def put_together(site: Site, before: str = LATER) -> list[Joined]:
    return list(compact(site.store, ledger(site), before))


def files(site: Site) -> list[str]:
    return sorted(path.stem for path in site.paths.archive.rglob("[!.]*.parquet"))


def listed(site: Site, kind: Kind) -> list[str]:
    return [one.segment_id for one in site.store.segments(kind)]


def assert_as_rebuilt(site: Site) -> None:
    before = everything(site)
    site.rebuild()
    assert everything(site) == before


def test_a_day_becomes_one_segment_of_each_kind_and_no_table_changes(filled: Site) -> None:
    """Live or rebuilt; each answer still names the segment it was first written to."""
    before = tables(filled)
    assert [len(joined.parts) for joined in put_together(filled)] == [3, 5]
    assert filled.load().answers == 0
    assert remove_replaced(filled.store) == 8
    [answers] = listed(filled, "observations")
    assert files(filled) == sorted([answers, *listed(filled, "requests")])
    assert tables(filled) == before
    assert ledger(filled) == set(files(filled))
    assert_as_rebuilt(filled)
    with filled.writer() as con:
        assert column(con, "select segment_id from observations order by observed_at") == [
            f"answers-{number}" for number in range(5)
        ]


def test_a_compacted_segment_is_not_read_to_be_loaded(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the places of its parts in the ledger, that is all."""
    put_together(filled)
    monkeypatch.setattr(parquet, "_batches", None)
    assert filled.load().segments == 2


def test_if_a_part_was_not_loaded_the_compacted_segment_is(filled: Site) -> None:
    """As after the warehouse's log was cut: nothing is lost, nothing doubled, and the ledger is that of a rebuild."""
    before = tables(filled)
    put_together(filled)
    remove_replaced(filled.store)
    with filled.writer() as con:
        con.execute("delete from segments where segment_id = 'answers-3'")
        con.execute("delete from observations where segment_id = 'answers-3'")
    assert filled.load().answers == 1
    assert tables(filled)["observations"] == before["observations"]
    assert ledger(filled) == set(files(filled))


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def go_through_it(site: Site) -> None:
    put_together(site)
    site.load()
    remove_replaced(site.store)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param(compacting, "_all_rows", id="before_it_is_written"),
        pytest.param(Path, "replace", id="before_it_has_its_name"),
        pytest.param(load, "_enter", id="before_the_ledger"),
        pytest.param(Path, "unlink", id="before_a_removal"),
    ],
)
def test_wherever_it_fails_the_same_tables_follow_and_the_next_one_goes_on(
    filled: Site, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    """By an interrupt before, between and after its steps."""
    before, original = tables(filled), files(filled)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            go_through_it(filled)
    assert set(original) <= set(files(filled))
    assert filled.load().answers == 0
    assert tables(filled) == before
    go_through_it(filled)
    remove_replaced(filled.store)
    assert len(files(filled)) == 2
    assert_as_rebuilt(filled)


COMPACT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.warehouse.conftest import Site
from tests.warehouse.archive.test_compact import ledger, put_together
from warehouse.archive import atomic, compact
from warehouse.paths import DataPaths
calls = 0
def counted(real):
    def call(*arguments):
        global calls
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    return call
site = Site(DataPaths(Path(sys.argv[1])))
known = ledger(site)
for name in ("fsync", "replace", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
list(compact.compact(site.store, known, "2026-02-01"))
site.load()
compact.remove_replaced(site.store)
"""


@pytest.mark.e2e
@pytest.mark.soak
def test_a_compaction_that_is_killed_again_and_again_is_complete_in_the_end(filled: Site) -> None:
    """By kill -9: before a rename, after it, with and without a load in between, and in the middle of the removals."""
    before = tables(filled)
    for step in (2, 3, 4, 8):
        assert children.run(COMPACT_AND_DIE, filled.paths.root, step) == -signal.SIGKILL
        if step % 2:
            filled.load()
        assert tables(filled) == before
    assert children.run(COMPACT_AND_DIE, filled.paths.root, 99) == 0
    assert [COMPACTED in name for name in files(filled)] == [True, True]
    assert_as_rebuilt(filled)


def test_later_segments_of_a_day_join_the_compacted_one(filled: Site) -> None:
    """However often; and a warehouse that has missed a step catches up."""
    put_together(filled)
    remove_replaced(filled.store)
    write_answers(filled.store, [Answer("t9", minute(9), RUNNING)], "late")
    missed = filled.paths.warehouse.read_bytes()
    filled.load()
    [joined] = put_together(filled)
    assert [one.segment_id for one in joined.parts][1:] == ["late"]
    filled.load()
    remove_replaced(filled.store)
    assert_as_rebuilt(filled)
    expected = everything(filled)
    filled.paths.warehouse.write_bytes(missed)
    filled.load()
    assert everything(filled) == expected


def test_days_that_are_not_over_stay_as_they_are(filled: Site) -> None:
    """The day itself, and those after it."""
    assert put_together(filled, before="2026-01-20") == []


def test_what_is_large_enough_stays_as_it_is(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No segment grows beyond what a load holds in memory, and compaction comes to an end."""
    monkeypatch.setattr(compacting, "MAX_ROWS", 2)
    assert [[one.segment_id for one in joined.parts] for joined in put_together(filled)] == [
        ["ids-0", "ids-1"],
        ["answers-0", "answers-1"],
        ["answers-2", "answers-3"],
    ]
    filled.load()
    remove_replaced(filled.store)
    assert put_together(filled) == []
    assert_as_rebuilt(filled)


def test_segments_that_cannot_be_read_stay_and_the_rest_is_put_together(filled: Site) -> None:
    """Nobody knows what was in them; they may be restored."""
    [segment] = [one for one in filled.store.segments("observations") if one.segment_id == "answers-1"]
    file_of(segment).write_bytes(file_of(segment).read_bytes()[:-200])
    [_, joined] = put_together(filled)
    assert [one.segment_id for one in joined.parts] == ["answers-0", "answers-2", "answers-3", "answers-4"]
    assert "answers-1" in listed(filled, "observations")


def test_segments_that_are_not_loaded_yet_stay(filled: Site) -> None:
    """Nothing is to be loaded twice for having been compacted."""
    write_answers(filled.store, [Answer("t9", minute(9), RUNNING)], "late")
    [_, joined] = put_together(filled)
    assert "late" not in {one.segment_id for one in joined.parts}


def test_a_segment_that_differs_from_its_parts_gets_no_name(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read again before anything is given up for it."""
    real = pl.DataFrame.to_arrow
    monkeypatch.setattr(pl.DataFrame, "to_arrow", lambda frame: real(frame.with_columns(task_id=pl.lit("x"))))
    before = files(filled)
    with pytest.raises(ArchiveError, match="has other rows than its parts"):
        put_together(filled)
    assert files(filled) == before
    assert not list(filled.paths.archive.rglob(f"{UNFINISHED}*"))


def test_a_reader_that_listed_the_parts_can_read_them_until_they_are_removed(filled: Site) -> None:
    """A load that has begun goes on; it holds the lock that removing waits for."""
    segments = [one for kind in SCHEMAS for one in filled.store.segments(kind)]
    put_together(filled)
    assert sum(parquet.read(one).height for one in segments) == 8


def test_a_damaged_compacted_segment_replaces_nothing(filled: Site) -> None:
    """As long as its parts are there, they are listed."""
    before = listed(filled, "observations")
    [_, joined] = put_together(filled)
    file_of(joined.segment).write_bytes(b"garbage")
    assert set(before) <= set(listed(filled, "observations"))
    remove_replaced(filled.store)
    assert set(before) <= set(files(filled))


def test_a_body_of_any_bytes_is_kept_to_the_byte(site: Site) -> None:
    """Whatever came, and nothing."""
    bodies = [b"", b"\x00\xff\xfe", None, b"{" * 100_000, "任务超时".encode()]
    for number, body in enumerate(bodies):
        kind = dataclasses.replace(HTML, body=body)
        write_answers(site.store, [Answer("t", minute(number), kind)], f"s{number}")
    site.load()
    [joined] = put_together(site)
    rows = parquet.read(joined.segment)
    assert rows["body"].to_list() == bodies
    assert rows.schema == ANSWERS


def test_the_days_of_an_active_run_are_busy(tmp_path: Path) -> None:
    """Its own and those after it, until it is over, and today always."""
    now = minute(0) + timedelta(days=5)
    assert first_busy_day(tmp_path / "none", now) == "2026-01-25"
    with active_run(tmp_path, minute(0)), active_run(tmp_path, minute(0)), active_run(tmp_path, now):
        assert first_busy_day(tmp_path, now) == "2026-01-20"
    assert first_busy_day(tmp_path, now) == "2026-01-25"
    assert [path.name for path in tmp_path.iterdir()] == ["2026-01-25"]
    midnight = datetime(2026, 1, 26, 0, 30, tzinfo=now.tzinfo)
    assert first_busy_day(tmp_path, midnight) == "2026-01-25"
