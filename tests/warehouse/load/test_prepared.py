"""Answers are made into frames by as many processes as there may be, and the tables are the same with any number."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from gateway.observation import Observation
from pipeline.collect.batches import answers_frame
from simulator import World
from simulator.render import body_at
from tests.warehouse.answers import RUNNING, Answer, file_of, minute
from tests.warehouse.children import ROOT
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.tables import contents
from transforms.schema import REQUESTS
from warehouse.load import lots, prepared
from warehouse.load.budget import Budget
from warehouse.load.prepared import Ahead, Prepared, prepare_steps
from warehouse.load.worker import Worker
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.rebuild import rebuild

if TYPE_CHECKING:
    from warehouse.archive.parquet import Segment
    from warehouse.load.lots import Kept, Lot

TASKS = [f"t{number}" for number in range(5)]
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ANSWERS_A_SEGMENT = 60

#: From `body_cut` on.
FACTS = (False, 5.0, 1, 0, "q", "v1", None)


@pytest.fixture
def segments(site: Site) -> list[Segment]:
    """One for each of `TASKS`."""
    return [one for task in TASKS for one in site.archive([Answer(task, minute(1), RUNNING)])]


@pytest.fixture
def many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process is worth its start at once, and each lot is small."""
    monkeypatch.setattr(prepared, "ROWS_PER_PROCESS", 1)
    monkeypatch.setattr(lots, "PIECE_ROWS", 5)


def read(pieces: Prepared) -> list[str]:
    return sorted(task for _, frames in pieces for task in frames.observations["task_id"])


def archive_a_world(site: Site) -> None:
    """Ids and answers of an odd world, some of them twice, as compaction that dies leaves them."""
    world = World(7, 200, start=NOW - timedelta(days=2), end=NOW - timedelta(hours=1), odd_share=0.6)
    bodies = [(task.id, body_at(task, NOW.timestamp())) for task in world.tasks]
    said = [(name, *answer) for name, answer in bodies if answer is not None]
    for number, first in enumerate(range(0, len(said), ANSWERS_A_SEGMENT)):
        at, part = NOW + timedelta(minutes=number), said[first : first + ANSWERS_A_SEGMENT]
        ids = pl.DataFrame([("default", name, at, "r", None) for name, *_ in part], schema=REQUESTS, orient="row")
        site.store.write("requests", ids, segment_id=f"{number}-ids", at=at)
        seen = [Observation("default", name, at, 200, "application/json", body, *FACTS) for name, body, _ in part]
        for copy in ("", "-again")[: 1 + number % 2]:
            rows = answers_frame(seen, f"{number}-answers", "r")
            site.store.write("observations", rows, segment_id=f"{number}-answers{copy}", at=at)


def rebuilt(site: Site, processes: int) -> dict[str, list[str]]:
    rebuild(Derivation(site.paths, site.store, DEFAULTS, site.policy, 5, budget=Budget(processes)))
    with site.writer() as con:
        return contents(con)


@pytest.mark.e2e
@pytest.mark.usefixtures("many_processes")
def test_the_tables_are_the_same_with_any_number_of_processes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of every table, of an odd world in which answers are archived twice."""
    monkeypatch.setattr(lots, "PIECE_ROWS", ANSWERS_A_SEGMENT)
    archive_a_world(site)
    one = rebuilt(site, 1)
    assert len(one["tasks"]) > 120
    assert len(one["schema_drift"]) > 3
    made: list[Path] = []
    by_worker = Worker.keep

    def noted(worker: Worker, lot: Lot, folder: Path) -> Kept:
        made.append(folder)
        return by_worker(worker, lot, folder)

    monkeypatch.setattr(Worker, "keep", noted)
    assert rebuilt(site, 3) == one
    assert made
    assert not any(folder.exists() for folder in made)


def test_what_is_prepared_can_be_read_again_whole(segments: list[Segment], tmp_path: Path) -> None:
    """As by a transaction on a lake that lost against another, after the first piece; made here or by another."""
    for processes in (1, 2):
        steps = [segments[:3], segments[3:]]
        with prepare_steps(steps, DEFAULTS.failure_rules, Budget(processes), tmp_path) as [one, other]:
            next(iter(one))
            assert [read(one), read(one), read(other)] == [TASKS[:3], TASKS[:3], TASKS[3:]]


@pytest.mark.usefixtures("many_processes")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_damaged_segment_is_known_after_each_reading(segments: list[Segment], tmp_path: Path, processes: int) -> None:
    """Once, however often it was read; and the rest is there."""
    file_of(segments[1]).write_bytes(b"none")
    with prepare_steps([segments], DEFAULTS.failure_rules, Budget(processes), tmp_path) as [pieces]:
        for _ in range(2):
            assert read(pieces) == ["t0", "t2", "t3", "t4"]
            assert [one.segment for one in pieces.damaged] == [segments[1]]


def test_the_writer_makes_what_nobody_has_begun_while_it_waits(
    segments: list[Segment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow process beside it keeps it from nothing but the lot that it has begun."""
    begun: list[Path] = []

    def slow(_worker: Worker, lot: Lot, folder: Path) -> Kept:
        begun.append(folder)
        while not (tmp_path / "2").exists():
            pass
        return lots.keep(lot, folder)

    monkeypatch.setattr(Worker, "keep", slow)
    each = list(lots.lots_of(segments, DEFAULTS.failure_rules, 1))
    ahead = Ahead(each, 1, tmp_path)
    ahead._begin(0)
    while not begun:
        pass
    assert read(Prepared(each, ahead)) == TASKS
    ahead.close()


@pytest.mark.e2e
@pytest.mark.usefixtures("many_processes")
def test_a_process_that_is_killed_is_done_without(
    segments: list[Segment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it was to read is read by the load itself, which says so."""
    by_worker = Worker.keep

    def killed(worker: Worker, lot: Lot, folder: Path) -> Kept:
        worker.start().kill()
        return by_worker(worker, lot, folder)

    monkeypatch.setattr(Worker, "keep", killed)
    each = list(lots.lots_of(segments, DEFAULTS.failure_rules, 1))
    ahead = Ahead(each, 1, tmp_path)
    ahead._begin(0)
    with caplog.at_level(logging.WARNING):
        assert ahead._begun[0].exception(30)
        assert read(Prepared(each, ahead)) == TASKS
    ahead.close()
    assert [one.getMessage() for one in caplog.records] == [
        "a process that reads answers for the load has ended: the load continues without it"
    ]


@pytest.mark.e2e
def test_a_process_ends_with_the_load_that_started_it() -> None:
    """Killed, a load leaves no other process: their input ends."""
    code = """
        import os, signal
        from warehouse.load.worker import Worker
        worker = Worker()
        print(worker.start().pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    loaded = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )
    child = int(loaded.stdout)
    until = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and "State:\tZ" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.e2e
def test_a_rebuild_that_is_stopped_stops_its_processes_and_leaves_nothing(site: Site) -> None:
    """Ctrl-C is one line and exit code 130, also while another process is in the middle of a lot."""
    archive_a_world(site)
    code = """
        import signal
        from warehouse.load import lots, prepared
        from warehouse.load.worker import Worker
        keep = Worker.keep
        def keep_paused(worker, lot, folder):
            worker.start().send_signal(signal.SIGSTOP)
            print(worker.start().pid, flush=True)
            return keep(worker, lot, folder)
        Worker.keep, prepared.ROWS_PER_PROCESS, lots.PIECE_ROWS = keep_paused, 1, 1
        from avatar_tasks.cli import main
        main()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), "rebuild", "--data-dir", str(site.paths.root)]
    environment = os.environ | {"AVATAR_TASKS_LOAD_PROCESSES": "2"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as rebuilding:
        assert rebuilding.stdout
        child = int(rebuilding.stdout.readline())
        rebuilding.send_signal(signal.SIGINT)
        _, errors = rebuilding.communicate(timeout=60)
    assert rebuilding.returncode == 130
    assert errors == "avatar-tasks: stopped; what was collected is kept: run the command again to continue\n"
    assert not Path(f"/proc/{child}").exists()
    left = [path.name for path in site.paths.root.iterdir() if path.name.startswith(".unfinished")]
    assert [name for name in left if not name.endswith(".lock")] == []


def test_a_process_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs none."""
    monkeypatch.setenv("AVATAR_TASKS_API_KEY", "a-secret")
    worker = Worker()
    environment = Path(f"/proc/{worker.start().pid}/environ")
    until = time.monotonic() + 30
    while not (inherited := environment.read_bytes()):  # it is being set up
        assert time.monotonic() < until
    worker.end()
    assert b"POLARS_MAX_THREADS=1" in inherited
    assert b"a-secret" not in inherited
