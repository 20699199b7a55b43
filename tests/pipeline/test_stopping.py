"""What stops a run before its work is through, a deadline or a signal, or two, costs nothing that had come."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from avatar_tasks.console import _ending
from gateway.clock import Clock
from gateway.observation import Observation
from pipeline import interrupts
from pipeline import run as runs
from pipeline.collect import collect as collecting
from pipeline.collect.batches import AnswerBuffer
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.errors import ExitCode
from pipeline.settings import Settings
from pipeline.threads import run_to_its_end
from simulator import ManualClock, SimulatedGateway, serve
from tests.command_line import KEY
from tests.pipeline.tables import rows
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.parquet import count_rows
from warehouse.archive.segments import Archive
from warehouse.database.locks import sole_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.collect.summary import Summary
    from pipeline.run import Run
    from simulator import World
    from tests.command_line import CommandLine, Gateway

#: A second for the deadline and one after it, and what a busy machine takes for the rest.
SLACK_SECONDS = 60.0


@pytest.fixture
def run(tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Run:
    """By its clock no time goes by until it polls, however busy the machine is."""
    for module in (runs, collecting):
        monkeypatch.setattr(module, "GRACE_SECONDS", 1.0)
    settings = Settings(
        base_url=gateway.base_url, api_key=SecretStr(KEY), data_dir=tmp_path / "data", rate=30.0, lock_wait=600.0
    )
    return runs.begin(settings, "collect", clock=Clock(monotonic=lambda: 0.0))


@pytest.fixture
def silent(ended_world: World) -> Iterator[str]:
    """A gateway that takes two minutes for an answer."""
    app = SimulatedGateway(
        ended_world, key=KEY, clock=ManualClock(ended_world.all_terminal_at()), latency_seconds=120.0
    )
    with serve(app) as base_url:
        yield base_url


def until_the_deadline(run: Run, ids: list[str], seconds: float = 4) -> Summary:
    began = time.monotonic()
    summary = asyncio.run(CollectRun(run, CollectRequest(ids, deadline_seconds=seconds)).collect())
    assert time.monotonic() - began < SLACK_SECONDS
    return summary


def test_a_deadline_stops_a_run_that_does_not_follow(run: Run, gateway: Gateway) -> None:
    """What came is published; what was not polled is counted, pending, and polled by the next run: nothing is wrong."""
    ids = gateway.world.ids
    summary = until_the_deadline(run, ids)
    assert (summary.exit_code, summary.unreachable) == (ExitCode.DONE, 0)
    assert "deadline" in str(summary.problem)
    assert 0 < summary.fetched < len(ids)
    assert summary.fetched + summary.not_polled == summary.asked == summary.requested == len(ids)
    assert len(rows(run.paths.published, "observations", ["task_id"])) == summary.fetched
    polled = gateway.app.total_calls
    unlimited = run.settings.model_copy(update={"rate": None})
    rest = asyncio.run(CollectRun(runs.begin(unlimited, "collect"), CollectRequest()).collect())
    assert (rest.fetched, gateway.app.total_calls - polled) == (summary.not_polled, summary.not_polled)


def test_a_deadline_does_not_wait_for_a_gateway_that_is_silent(run: Run, silent: str, gateway: Gateway) -> None:
    """Requests that are in flight a little later are dropped, and their ids polled by the next run."""
    slow = run.settings.model_copy(update={"base_url": silent, "timeout": 600.0})
    summary = until_the_deadline(dataclasses.replace(run, settings=slow), gateway.world.ids[:20], 1)
    assert (summary.exit_code, summary.fetched, summary.not_polled) == (ExitCode.DONE, 0, 20)


def test_a_deadline_holds_while_somebody_has_the_warehouse(run: Run, gateway: Gateway) -> None:
    """Everything is archived, and the lock is not waited for as long as it would be without a deadline."""
    with sole_writer(run.paths.warehouse, 0):
        summary = until_the_deadline(run, gateway.world.ids[:10])
    assert (summary.exit_code, summary.fetched) == (ExitCode.NOT_LOADED, 10)


def test_work_in_a_thread_is_done_however_often_it_is_cancelled() -> None:
    """The cancellation goes on afterwards."""
    may_end, done = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(30)
        done.set()

    async def cancelled_twice() -> None:
        task = asyncio.create_task(run_to_its_end(work))
        for _ in range(3):
            await asyncio.sleep(0.01)
            task.cancel()
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done.is_set()

    asyncio.run(cancelled_twice())


def test_answers_are_archived_however_often_a_run_is_cancelled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those on their way to the archive, and those that wait behind them."""
    monkeypatch.setattr("pipeline.collect.batches.FLUSH_SECONDS", 0.05)
    writing, write = threading.Event(), run.store.write

    def slow_write(*args: object, **kwargs: object) -> object:
        writing.set()
        time.sleep(0.3)
        return write(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(type(run.store), "write", lambda _self, *args, **kwargs: slow_write(*args, **kwargs))

    async def batch() -> None:
        async with AnswerBuffer(run) as buffer:
            await buffer.add(observation(1))
            await asyncio.to_thread(writing.wait, 10)
            await buffer.add(observation(2))
            await asyncio.sleep(60)

    async def cancelled_twice() -> None:
        task = asyncio.create_task(batch())
        await asyncio.to_thread(writing.wait, 10)
        await asyncio.sleep(0.05)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.02)
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancelled_twice())
    assert sum(map(count_rows, run.store.segments("observations"))) == 2


def observation(number: int) -> Observation:
    facts = (200, "application/json", b"{}", False, 1.0, 1, 0, None, None, None)
    return Observation("default", f"id-{number}", datetime.now(UTC), *facts)


@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGINT", "SIGINT", "SIGTERM", "SIGINT"], ["SIGHUP", "SIGINT"]])
def test_signals_keep_received_answers(
    connected: CommandLine, quick_command: list[str], gateway: Gateway, tmp_path: Path, signals: list[str]
) -> None:
    """With 130, one line and that of the run, whichever and however many; the next run polls only what is left."""
    (tmp_path / "ids.txt").write_text("\n".join(gateway.world.ids))
    quick = dataclasses.replace(connected, program=quick_command)
    with quick.start("collect", "--ids-file", "ids.txt", AVATAR_TASKS_RATE="50") as process:
        deadline = time.monotonic() + 60
        while gateway.app.total_calls < 20:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for name in signals:
            process.send_signal(getattr(signal, name))
            time.sleep(0.02)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    _, told, line = err.splitlines()
    assert told == "avatar-tasks: stopped; what was collected is kept: run the command again to continue"
    assert " exit=130 reason=interrupted " in line
    archived = sum(map(count_rows, Archive(LocalFolder(tmp_path / "data" / "archive")).segments("observations")))
    assert archived >= gateway.app.total_calls - 10


@pytest.mark.parametrize("words", [["rebuild"], ["maintain"], ["migrate", "--to", "other.duckdb"]])
def test_ctrl_c_in_the_middle_of_deriving_tables_leaves_the_old_ones(
    connected: CommandLine, quick_command: list[str], gateway: Gateway, tmp_path: Path, words: list[str]
) -> None:
    """With 130 and one line; nothing unfinished is left, and readers see what they saw."""
    assert connected("collect", *gateway.world.ids[:5]).code == 0
    before = sorted(path for path in (tmp_path / "data").rglob("*") if path.is_file())
    code = (
        "import os, signal; from avatar_tasks.console import Progress;"
        "Progress.__call__ = lambda *_: os.kill(os.getpid(), signal.SIGINT);"
        "from avatar_tasks.cli import main; main()"
    )
    command = [*quick_command, "-c", code, *words]
    environment = connected.whole_environment()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if not line.startswith("run=maintain ")]
    assert (done.returncode, len(told)) == (130, 1), done.stderr
    assert "stopped" in done.stderr
    after = {path for path in (tmp_path / "data").rglob("*") if path.is_file()}
    left = [path for path in after - set(before) if "unfinished" in path.name or ".tmp" in str(path)]
    assert {path.suffix for path in left} <= {".lock"}  # which is empty, and locked by nobody
    assert not (tmp_path / "other.duckdb").exists()
    assert len(rows(tmp_path / "data" / "published" / "current.duckdb", "tasks", ["task_id"])) == 5


def test_an_error_that_a_library_makes_of_ctrl_c_ends_as_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised once a signal has come."""
    monkeypatch.setattr(interrupts._interruption, "at", 1.0)
    assert _ending(RuntimeError("Query interrupted"))[0] == 130


@pytest.mark.e2e
def test_ctrl_c_while_the_program_imports_ends_it_in_one_line(tmp_path: Path) -> None:
    """With 130, and no traceback of what it was importing."""
    code = (
        "import os, signal, sys, types\n"
        "def find_spec(name, *_):\n"
        "    if name == 'avatar_tasks.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, types.SimpleNamespace(find_spec=find_spec))\n"
        "from avatar_tasks.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "status"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"avatar-tasks: stopped before it began\n")


def test_ctrl_c_does_not_wait_for_stdin(connected: CommandLine, quick_command: list[str]) -> None:
    """While ids are read from stdin."""
    command = [*quick_command, "collect", "--ids-file", "-"]
    with subprocess.Popen(
        command,
        cwd=connected.folder,
        env=connected.whole_environment(),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (connected.folder / "data").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        shutil.rmtree(connected.folder / "data")


@pytest.mark.e2e
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(["--ids-file", "-"], id="a pipe that nobody writes to"),
        pytest.param(
            ["--ids-from", "select i::varchar as task_id from range(1000000000000) t(i) order by hash(i)"],
            id="a query without end",
        ),
    ],
)
def test_a_deadline_does_not_wait_for_ids_that_do_not_come(
    connected: CommandLine, quick_command: list[str], source: list[str]
) -> None:
    """It ends with 2 and says so, for what would have been polled is not known; nothing is written."""
    began = time.monotonic()
    quick = dataclasses.replace(connected, program=quick_command)
    with quick.start("collect", *source, "--deadline", "1") as process:
        try:
            assert process.wait(timeout=SLACK_SECONDS) == 2
            assert process.stderr is not None
            assert "the deadline came while ids were still being read" in process.stderr.read()
        finally:
            process.kill()
    assert time.monotonic() - began < SLACK_SECONDS
    assert not list((connected.folder / "data" / "archive" / "requests").rglob("*.parquet"))
