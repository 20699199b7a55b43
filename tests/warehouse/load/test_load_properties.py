"""Loading is commutative, associative and idempotent, and its result is what a slow reader works out."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse import reference
from tests.warehouse.answers import KINDS, MIXED_UP, Answer, Request, minute, write_answers, write_requests
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.remembered import Remembered
from tests.warehouse.tables import contents, emptied, rows
from warehouse.backends.choose import reader
from warehouse.load import loader as load
from warehouse.load import lots
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from warehouse.archive.parquet import Segment
    from warehouse.archive.segments import Archive

WORKS_WITH_PARTS = """(
    select works.*, count(pt_index) as pt_infos from works left join pt_infos using (source, task_id) group by all
)"""

SLOW_IS_FINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
OFTEN = settings(SLOW_IS_FINE, max_examples=4)
SOMETIMES = settings(SLOW_IS_FINE, max_examples=3)
WITHOUT_END = settings(SLOW_IS_FINE, max_examples=300)

SOURCES = st.sampled_from(["default", "second"])
IDS = st.sampled_from(["t1", "t2", "t3"])
RUNS = st.sampled_from(["run1", "run2"])
MINUTES = st.integers(0, 4).map(minute)

ANSWERS = st.builds(Answer, IDS, MINUTES, st.sampled_from(KINDS) | st.sampled_from(MIXED_UP), RUNS, SOURCES)
REQUESTS = st.builds(Request, IDS, MINUTES, RUNS, SOURCES)


@dataclass(frozen=True)
class History:
    """Answers and requests in segments that overlap, and the loads those come in; each is in one of them at least."""

    segments: tuple[tuple[Answer | Request, ...], ...]
    loads: tuple[tuple[int, ...], ...]
    piece_rows: int

    @property
    def answers(self) -> set[Answer]:
        return {one for segment in self.segments for one in segment if isinstance(one, Answer)}

    @property
    def requests(self) -> set[Request]:
        return {one for segment in self.segments for one in segment if isinstance(one, Request)}


@st.composite
def histories(draw: st.DrawFn) -> History:
    answers = draw(st.lists(ANSWERS, max_size=14, unique=True))
    answers = [Answer(**(vars(one) | {"segment_id": f"home{number % 3}"})) for number, one in enumerate(answers)]
    requests = draw(st.lists(REQUESTS, max_size=5, unique=True))
    count = draw(st.integers(1, 4))
    segments = [*_spread(draw, answers, count), *_spread(draw, requests, 2)]
    order = draw(st.permutations(range(len(segments))))
    again = draw(st.lists(st.sampled_from(order), max_size=2))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    edges = [0, *cuts, len(order)]
    loads = [tuple(order[a:b]) for a, b in itertools.pairwise(edges)] + [tuple(again)]
    return History(tuple(segments), tuple(loads), draw(st.sampled_from([1, 3, 20_000])))


def _spread(draw: st.DrawFn, things: Sequence[Answer | Request], count: int) -> list[tuple[Answer | Request, ...]]:
    """Each thing in one or more of `count` segments."""
    places = [draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=2)) for _ in things]
    return [
        tuple(thing for thing, where in zip(things, places, strict=True) if number in where) for number in range(count)
    ]


@contextmanager
def written(history: History) -> Iterator[tuple[Site, list[Segment]]]:
    """The history's segments in an archive of their own."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(DataPaths(Path(folder)))
        yield site, [_write(site.store, segment) for segment in history.segments]


def _write(store: Archive, segment: Sequence[Answer | Request]) -> Segment:
    requests = [one for one in segment if isinstance(one, Request)]
    if requests:
        return write_requests(store, requests)
    return write_answers(store, [one for one in segment if isinstance(one, Answer)])


@pytest.fixture(scope="module")
def remembered() -> Remembered:
    return Remembered([minute(number) for number in range(5)], DEFAULTS.failure_rules)


@contextmanager
def quick(remembered: Remembered) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "transform", remembered)
        patch.setattr(lots, "transform", remembered)
        yield


def replay(con: duckdb.DuckDBPyConnection, history: History, segments: list[Segment]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lots, "PIECE_ROWS", history.piece_rows)
        for numbers in history.loads:
            load.load(con, [segments[number] for number in numbers], DEFAULTS, PollingPolicy())


@SOMETIMES
@given(histories())
def test_any_order_split_repetition_and_overlap_gives_the_tables_of_one_load(history: History) -> None:
    """The whole of every table, whatever the segments and the loads they come in; with the real `transform`."""
    assert_loads_are_as_one(history)


@pytest.mark.soak
@WITHOUT_END
@given(histories())
def test_hundreds_of_histories(remembered: Remembered, history: History) -> None:
    """Both as one load and as the slow reader works out; with a `transform` that remembers."""
    with quick(remembered):
        assert_loads_are_as_one(history)
        with written(history) as (_, segments), emptied() as con:
            replay(con, history, segments)
            assert_as_reference(con, history)


def assert_loads_are_as_one(history: History) -> None:
    with written(history) as (_, segments), emptied() as some, emptied("other") as other:
        replay(some, history, segments)
        load.load(other, segments, DEFAULTS, PollingPolicy())
        assert contents(some) == contents(other)
        assert set(rows_of(some, "segments", "segment_id")) == set(rows_of(other, "segments", "segment_id"))


@OFTEN
@given(histories(), st.lists(st.booleans(), min_size=1, max_size=6))
def test_a_setting_that_changes_gives_the_tables_of_its_last_value(
    remembered: Remembered, history: History, accepted: list[bool]
) -> None:
    """Whether gateways may answer under ids of their own: by the loads before as by a rebuild."""
    policies = [
        PollingPolicy(source=source, accept_other_ids=accepts)
        for accepts in accepted
        for source in ("default", "second")
    ]
    with quick(remembered), written(history) as (_, segments), emptied() as some, emptied("other") as other:
        for numbers, policy in zip(itertools.cycle(history.loads), policies, strict=False):
            load.load(some, [segments[number] for number in numbers], DEFAULTS, policy)
        for con in (some, other):
            load.load(con, segments, DEFAULTS, policies[-1])
        assert contents(some) == contents(other)
        accepts = {"second"} if accepted[-1] else set()
        for source in ("default", "second"):
            expected = reference.tasks(history.answers, history.requests, accept=source in accepts)
            rows_of_source = {key: row for key, row in expected.items() if key[0] == source}
            assert_rows(some, f"tasks where source = '{source}'", rows_of_source)


@OFTEN
@given(histories(), st.lists(st.sampled_from(["default", "second"]), min_size=1, max_size=4))
def test_the_policy_of_each_source_is_its_own_by_any_loader(
    remembered: Remembered, history: History, loaders: list[str]
) -> None:
    """The runs of two configured sources load by turns, in any order; the tables are those of one load by a third."""
    both = {name: PollingPolicy(source=name, min_seconds=seconds) for name, seconds in (("default", 7), ("second", 9))}
    with quick(remembered), written(history) as (_, segments), emptied() as some, emptied("other") as other:
        for numbers, name in zip(history.loads, itertools.cycle(loaders), strict=False):
            others = tuple(one for one in both.values() if one.source != name)
            policy = dataclasses.replace(both[name], others=others)
            load.load(some, [segments[number] for number in numbers], DEFAULTS, policy)
        load.load(other, segments, DEFAULTS, PollingPolicy(source=None, others=tuple(both.values())))
        assert contents(some) == contents(other)


@OFTEN
@given(histories())
def test_tables_are_what_a_slow_reader_works_out(remembered: Remembered, history: History) -> None:
    """Winners, firsts, lasts and counts, by a reference in plain Python."""
    with quick(remembered), written(history) as (_, segments), emptied() as con:
        replay(con, history, segments)
        assert_as_reference(con, history)


@SOMETIMES
@given(histories())
def test_a_rebuild_gives_the_tables_that_stood_there(remembered: Remembered, history: History) -> None:
    """On a real file, after loads in several openings."""
    with quick(remembered), written(history) as (site, segments):
        for numbers in history.loads:
            with site.writer() as con:
                load.load(con, [segments[number] for number in numbers], DEFAULTS, PollingPolicy())
        with site.writer() as con:
            before = contents(con)
        site.rebuild()
        with reader(site.paths) as con:
            assert contents(con) == before


def assert_as_reference(con: duckdb.DuckDBPyConnection, history: History) -> None:
    answers, requests = history.answers, history.requests
    assert_rows(con, "tasks", reference.tasks(answers, requests))
    assert_rows(con, "pending", reference.pending(answers, requests))
    assert_rows(con, WORKS_WITH_PARTS, reference.works(answers))
    assert len(rows(con, "from observations")) == len(answers)
    unreadable = [one for one in answers if one.kind.outcome in ("malformed", "oversized")]
    assert len(rows(con, "from quarantine")) == len(unreadable)
    assert len(rows(con, "from requests")) == len(requests)
    for row in rows(con, "from id_accounting"):
        assert row["accepted"] == len({one.key for one in requests if one.source == row["source"]})
        assert row["accepted"] == row["ended"] + row["quarantined"] + row["given_up"] + row["pending"]


def assert_rows(con: duckdb.DuckDBPyConnection, table: str, expected: dict[tuple[str, str], dict[str, object]]) -> None:
    """The table has these rows by key, and in the columns named these values."""
    found = {(row["source"], row["task_id"]): row for row in rows(con, f"from {table}")}
    assert len(rows(con, f"from {table}")) == len(found)
    assert {key: {name: row[name] for name in expected.get(key, {})} for key, row in found.items()} == expected


def rows_of(con: duckdb.DuckDBPyConnection, table: str, column: str) -> list[object]:
    return [row[column] for row in rows(con, f"from {table}")]
