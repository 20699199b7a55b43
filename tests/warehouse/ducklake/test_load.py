"""Any number of processes load a lake at once, and its tables are those of one load into a file."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.forked import nursery, start
from tests.warehouse.answers import (
    FAILURE,
    HTML,
    MISSING,
    QUEUED,
    RUNNING,
    SUCCESS_WITH_WORK,
    SURPRISING,
    Answer,
    Request,
    minute,
    write_answers,
    write_requests,
)
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.ducklake.loading import load_one_by_one
from tests.warehouse.tables import column, contents, emptied
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.object_store import ObjectPath
from warehouse.archive.segments import Archive
from warehouse.backends.lake import LakeWarehouse, LakeWriter
from warehouse.database import advisory_lock
from warehouse.database.transaction import transaction
from warehouse.ducklake import claims
from warehouse.ducklake.lake import Lake
from warehouse.ducklake.sessions import open_lake
from warehouse.errors import LakeError, WarehouseLockedError
from warehouse.load import loader as load
from warehouse.load import lots
from warehouse.load.budget import STEP_ROWS
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.postgres import Postgres
    from transforms.flatten import Frames
    from warehouse.archive.parquet import Damaged, Segment

STORIES = (RUNNING, SUCCESS_WITH_WORK, FAILURE, HTML, SURPRISING, MISSING, QUEUED)


@pytest.fixture
def store(tmp_path: Path) -> Archive:
    return Archive(LocalFolder(tmp_path / "archive"))


def archived(store: Archive, segments: int = 3) -> list[Segment]:
    """Requests and answers about the same ids, all through the segments; every answer is in two of them."""
    written = [write_requests(store, [Request(f"t{number}", minute(0)) for number in range(12)])]
    for first in range(segments):
        answers = [
            Answer(f"t{number}", minute(1 + (first + step) % segments), STORIES[(number + first + step) % len(STORIES)])
            for step in (0, 1)
            for number in range(9)
        ]
        written.append(write_answers(store, answers))
    return written


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def serial(segments: list[Segment]) -> dict[str, list[str]]:
    """The tables of one load into a warehouse in memory."""
    with emptied() as con:
        load.load(con, segments, DEFAULTS, PollingPolicy())
        return contents(con) | {"segments": sorted(column(con, "select segment_id from segments"))}


def of_lake(lake: Lake) -> dict[str, list[str]]:
    with open_lake(lake) as con:
        con.execute("set threads = 1")  # or it takes twice the CPU
        return contents(con) | {"segments": sorted(column(con, "select segment_id from segments"))}


def test_processes_that_load_the_same_segments_at_once_double_nothing(lake: Lake, store: Archive) -> None:
    """Each loads all of them, beginning at another."""
    segments = archived(store, 2)
    together = nursery().Barrier(2)
    children = [start(load_one_by_one, lake, store, first, together) for first in (0, 2)]
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0]
    assert of_lake(lake) == serial(segments)


def test_a_load_that_another_overtook_is_done_again_from_its_beginning(
    lake: Lake, store: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writes between its begin and its commit, past the advisory lock. It finds that, and doubles nothing."""
    segments = archived(store)
    enter, entered = load._enter, 0

    def overtaken(con: duckdb.DuckDBPyConnection, loaded: Sequence[Segment]) -> int:
        nonlocal entered
        entered += 1
        if entered == 1:
            with transaction(other):
                load.load_within(other, segments, DEFAULTS, PollingPolicy())
        return enter(con, loaded)

    with LakeWriter(lake, 5).open() as con, LakeWriter(lake, 5).open() as other:
        monkeypatch.setattr(load, "_enter", overtaken)
        done = load.load(con, segments, DEFAULTS, PollingPolicy())
    assert (entered, done.segments) == (3, 0)
    assert of_lake(lake) == serial(segments)


def test_a_load_that_is_always_overtaken_gives_up_and_says_so(
    lake: Lake, store: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost by it: the next run loads what it did not."""
    monkeypatch.setattr(advisory_lock, "ATTEMPTS", 2)
    segments = archived(store)
    with LakeWriter(lake, 5).open() as con, LakeWriter(lake, 5).open() as other:
        enter = load._enter

        def overtaken(loading: duckdb.DuckDBPyConnection, loaded: Sequence[Segment]) -> int:
            other.execute("insert into runs by name select 'other' as run_id")
            return enter(loading, loaded)

        with monkeypatch.context() as patch:
            patch.setattr(load, "_enter", overtaken)
            with pytest.raises(LakeError, match=r"all 2 attempts .*the next run loads it"):
                load.load(con, segments, DEFAULTS, PollingPolicy())
        assert column(con, "select count(*) from observations") == [0]
        assert load.load(con, segments, DEFAULTS, PollingPolicy()).segments == len(segments)


def test_waiting_for_the_advisory_lock_names_its_holder(lake: Lake, store: Archive) -> None:
    """Loading waits as long as it may; reading does not wait at all."""
    segments = archived(store)
    with LakeWriter(lake, 0.3).open() as con, LakeWriter(lake, 5).open() as other:
        with advisory_lock.write_lock(other):
            with pytest.raises(WarehouseLockedError, match=rf"locked by process {os.getpid()} on .*waited 0.3 s"):
                load.load(con, segments, DEFAULTS, PollingPolicy())
            with open_lake(lake) as reading:
                assert column(reading, "select count(*) from tasks") == [0]
            assert advisory_lock.lock_holder(con)
        assert advisory_lock.lock_holder(con) is None
        assert load.load(con, segments, DEFAULTS, PollingPolicy()).segments == len(segments)


def test_answers_are_flattened_before_the_lock_is_taken(
    lake: Lake, store: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a load that waits for the lock has only to write once it has it, and writes nothing that is loaded by then."""
    segments = archived(store)
    flattened: list[list[str]] = []

    def noted(lot: lots.Lot, damaged: list[Damaged]) -> Iterator[Frames]:
        flattened.append([one.segment_id for one in lot.segments])
        return frames(lot, damaged)

    frames = lots.Lot.frames
    monkeypatch.setattr(lots.Lot, "frames", noted)
    monkeypatch.setattr(lots, "PIECE_ROWS", 18)
    with LakeWriter(lake, 60).open() as con, LakeWriter(lake, 5).open() as other, ThreadPoolExecutor(1) as threads:
        with advisory_lock.write_lock(other):
            loading = threads.submit(load.load, con, segments, DEFAULTS, PollingPolicy())
            wait_until(lambda: len(flattened) == len(segments) - 1)
            assert not loading.done()
            with transaction(other):
                load.load_within(other, segments[:2], DEFAULTS, PollingPolicy())
            flattened.clear()
        assert loading.result(60).segments == len(segments) - 2
    assert flattened == []
    assert of_lake(lake) == serial(segments)


def test_segments_that_are_loaded_already_are_not_flattened(
    lake: Lake, store: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker was faster."""
    segments = archived(store)
    with LakeWriter(lake, 5).open() as con:
        load.load(con, segments, DEFAULTS, PollingPolicy())
        monkeypatch.delattr(lots.Lot, "frames")
        assert load.load(con, segments, DEFAULTS, PollingPolicy()).segments == 0


def test_workers_claim_different_segments(lake: Lake, store: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each its own run's first; what another has claimed comes last, and not at all once that has loaded it."""
    for run in ("mine", "other"):
        for number in range(2):
            named = f"20260301T000000-{run}-{number}0"
            write_answers(store, [Answer(f"{run}{number}", minute(1), RUNNING)], segment_id=named)
    waiting = list(store.segments("observations"))
    monkeypatch.setattr(claims, "STEP_ROWS", 1)
    with LakeWriter(lake, 5).open() as con, LakeWriter(lake, 5).open() as other:
        mine, theirs = claims.claimed(con, waiting, "mine"), claims.claimed(other, waiting, "other")
        claimed: dict[str, list[Segment]] = {"mine": [], "other": []}
        for portions, writer, name in ((mine, con, "mine"), (theirs, other, "other")) * 2:
            [one] = next(portions)
            claimed[name].append(one)
            load.load(writer, [one], DEFAULTS, PollingPolicy())
        assert all(f"-{name}-" in one.segment_id for name, found in claimed.items() for one in found)
        assert (list(mine), list(theirs)) == ([], [])
    assert of_lake(lake) == serial(waiting)


def test_what_a_worker_that_died_had_claimed_is_loaded_by_another(lake: Lake, store: Archive) -> None:
    """Its claim ends with its session; until then others wait for it, and no longer than they may."""
    segments = archived(store)
    with LakeWriter(lake, 0.3).open() as con:
        with LakeWriter(lake, 5).open() as dead:
            claimed = claims.claimed(dead, segments, "dead")
            assert next(claimed)
            with pytest.raises(WarehouseLockedError, match=rf"process {os.getpid()} on .*waited 0.3 s"):
                next(claims.claimed(con, segments, "other"))
            claimed.close()
        portions = list(claims.claimed(con, segments, "other"))
    assert sorted(one for portion in portions for one in portion) == sorted(segments)


def test_portions_grow_with_the_lake_and_with_what_waits(
    lake: Lake, store: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to a limit, for memory."""
    segments = archived(store)
    with LakeWriter(lake, 5).open() as con:
        load.load(con, segments, DEFAULTS, PollingPolicy())
        assert claims.portion_rows(con, segments) == STEP_ROWS
        monkeypatch.setattr(claims, "TASKS_PER_ROW", 0.0005)
        assert claims.portion_rows(con, []) > STEP_ROWS
        monkeypatch.setattr(claims, "size_in_rows", lambda _: 60_000)
        assert STEP_ROWS < claims.portion_rows(con, segments[:2]) <= claims.MOST_ROWS
        assert claims.portion_rows(con, segments * 90) == claims.MOST_ROWS


def test_processes_that_create_the_same_lake_at_once_all_get_it(no_lake: Lake) -> None:
    """One creates it, the others wait for that."""
    found: list[list[object]] = []

    def come() -> None:
        with LakeWriter(no_lake, 60).open() as con:
            found.append(column(con, "select count(*) from tasks"))

    threads = [threading.Thread(target=come) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[0], [0], [0]]


def test_the_files_of_a_lake_may_be_on_object_storage(
    postgres: Postgres, bucket: str, store: Archive, tmp_path: Path
) -> None:
    """Written and read through DuckDB's own extension, by the usual AWS_* variables.

    A query that a user wrote reads them by the address that the catalogue has, and nothing beside them.
    """
    segments = archived(store)
    lake = Lake(postgres.new_database(), f"s3://{bucket}/lake")
    with LakeWriter(lake, 10).open() as con:
        load.load(con, segments, DEFAULTS, PollingPolicy())
    assert of_lake(lake) == serial(segments)
    assert of_lake(Lake(lake.catalog)) == serial(segments)
    assert any(one.name.endswith(".parquet") for one in ObjectPath.at(lake.data).walk())
    warehouse = LakeWarehouse(DataPaths(tmp_path), Lake(lake.catalog))
    with contextlib.closing(warehouse.connect()) as con:
        warehouse.restrict(con, [], "from tasks")
        assert con.execute("select count(*) from tasks").fetchall() == [(9,)]
        for query in (f"from glob('s3://{bucket}/*')", f"from read_text('s3://{bucket}/lakes/x')"):
            with pytest.raises(duckdb.PermissionException):
                con.execute(query)
