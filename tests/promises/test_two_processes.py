"""A run that loads meanwhile is two processes: whichever is killed, nothing is lost and nothing is there twice."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import run as runs
from pipeline.run import Sizes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.process import BaseProcess

    from tests.promises.conftest import Besiege
    from tests.promises.siege import Siege

IDS = 80
RATE = 60
PATIENCE_SECONDS = 30.0


def little_at_a_time() -> None:
    """So that a run of a hundred ids loads several times while it asks."""
    runs.begin = partial(runs.begin, sizes=Sizes(batch_ids=10, flush_answers=10, load_answers=20))


def start(siege: Siege) -> BaseProcess:
    command = siege.command("collect", little_at_a_time, new_ids=IDS)
    slow = dataclasses.replace(command, environment=command.environment | {"AVATAR_TASKS_RATE": str(RATE)})
    return slow.start()


def loader_of(run: BaseProcess) -> int:
    """A process that loads for a run, once there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                started_by = status.read_text().partition("PPid:\t")[2].split()[0]
                command = status.with_name("cmdline").read_bytes()
            except (OSError, IndexError):
                continue  # it has just ended
            if started_by == str(run.pid) and is_a_load(command):
                return int(status.parent.name)
        time.sleep(0.02)
    pytest.fail("no process loads meanwhile")


def is_a_load(command: bytes) -> bool:
    return b"avatar-tasks\0load" in command


def has_ended(process: int) -> bool:
    try:
        return not is_a_load(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return True  # also where it goes while it is looked at


def under_way(siege: Siege) -> Iterator[tuple[BaseProcess, int]]:
    """Runs, one after another, each with a loader that is starting, in the middle of its load, or about to end."""
    for seconds in (0.1, 0.7):
        run = start(siege)
        loader = loader_of(run)
        time.sleep(seconds)
        yield run, loader
        siege.note("collect", run.exitcode if run.exitcode is not None else -1)


def test_a_run_that_is_killed_leaves_no_loader_and_loses_nothing(besiege: Besiege) -> None:
    """At moments spread over a load, which ends by itself."""
    siege = besiege(600)
    for run, loader in under_way(siege):
        run.kill()
        run.join()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not has_ended(loader):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert siege.tally["collect killed"] == 2
    siege.recover()
    siege.end()


def test_a_run_whose_loader_is_killed_comes_to_its_end(besiege: Besiege) -> None:
    """It asks on and loads at the end."""
    siege = besiege(600)
    for run, loader in under_way(siege):
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(loader, signal.SIGKILL)
        run.join(PATIENCE_SECONDS)
    assert siege.tally["collect ended"] == 2
    assert "`avatar-tasks load` failed (exit code -9)" in siege.command("collect", new_ids=0).said()
    siege.recover()
    siege.end()
