"""A process of its own loads beside a run, and whatever becomes of it nothing is lost and nobody waits."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from flows import collecting, loading
from flows import run as runs
from flows.batches import fetch_batch
from flows.loading_process import LoadingProcess
from flows.run import Voice
from flows.settings import Settings
from tests.flows.conftest import KEY
from transforms.failures import FailureRule
from warehouse import connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.run import Run
    from tests.flows.conftest import Gateway

PATIENCE_SECONDS = 30.0
IDS = 40


@pytest.fixture
def warnings() -> list[str]:
    """What the run has warned of."""
    return []


@pytest.fixture
def run(tmp_path: Path, gateway: Gateway, warnings: list[str]) -> Run:
    """A run that has archived an answer about each of some ids, and loaded none."""
    settings = Settings(base_url=gateway.base_url, api_key=SecretStr(KEY), data_dir=tmp_path / "data")
    begun = runs.begin(settings, "collect", voice=Voice(warn=warnings.append))
    ask(begun, gateway.world.ids[:IDS])
    return begun


def ask(run: Run, ids: Sequence[str]) -> None:
    async def main() -> None:
        async with collecting.make_client(run) as client:
            assert await fetch_batch(run, client, ids) == len(ids)

    asyncio.run(main())


def rows(run: Run, query: str = "select count(*) from tasks") -> list[tuple[object, ...]]:
    with connection.writer(run.paths.warehouse, PATIENCE_SECONDS) as con:
        return con.execute(query).fetchall()


def process_id(process: LoadingProcess) -> int:
    return process._process.pid


def test_it_loads_whatever_has_come_each_time_it_is_told(run: Run, gateway: Gateway, warnings: list[str]) -> None:
    """And nothing twice."""
    with LoadingProcess(run) as process:
        assert (process.load(), rows(run)) == (1, [(IDS,)])
        assert (process.load(), rows(run)) == (0, [(IDS,)])
        ask(run, gateway.world.ids[IDS : IDS + 10])
        assert (process.load(), rows(run)) == (1, [(IDS + 10,)])
    assert warnings == []


def test_it_goes_by_what_the_run_has_in_force(run: Run) -> None:
    """Not by what stands in a file that may have changed since."""
    rules = (FailureRule(".*", "input"),)
    run = dataclasses.replace(run, analysis=dataclasses.replace(run.analysis, failure_rules=rules))
    with LoadingProcess(run) as process:
        process.load()
    assert rows(run, "select distinct fail_class from tasks where fail_reason <> ''") == [("input",)]


def test_a_warehouse_that_somebody_holds_is_loaded_later(run: Run) -> None:
    """It does not wait."""
    with LoadingProcess(run) as process:
        with connection.sole_writer(run.paths.warehouse, 0):
            assert process.load() == 0  # its first words: it has begun
            asked = time.monotonic()
            assert process.load() == 0
            assert time.monotonic() - asked < 2
        assert process.load() == 1


def test_what_it_cannot_read_the_run_warns_of_once(run: Run, gateway: Gateway, warnings: list[str]) -> None:
    """The rest is loaded."""
    [segment] = run.store.segments("observations")
    ask(run, gateway.world.ids[IDS : IDS + 10])
    segment.path.write_bytes(b"no parquet")
    with LoadingProcess(run) as process:
        assert process.load() == 1
        assert process.load() == 0
    assert rows(run) == [(10,)]
    [warning] = warnings
    assert segment.segment_id in warning


def test_when_it_is_killed_the_run_goes_on_and_loads_at_its_end(run: Run, warnings: list[str]) -> None:
    """As when memory has run out: it says so once."""
    with LoadingProcess(run) as process:
        os.kill(process_id(process), signal.SIGKILL)
        assert (process.load(), process.load()) == (0, 0)
    assert warnings == ["the process that loads meanwhile has ended (-9): the rest is loaded at the end"]
    with loading.writer(run, 0) as writer, writer.open() as con:
        assert writer.load_waiting(con).answers == IDS
        assert con.execute("select count(*) from tasks").fetchall() == [(IDS,)]


def test_it_knows_no_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not ask needs none: it is neither in its environment nor among what it is told."""
    monkeypatch.setenv("AVATAR_TASKS_API_KEY", KEY)
    told: list[bytes] = []
    tell = LoadingProcess._tell

    def overheard(process: LoadingProcess, words: bytes) -> None:
        told.append(words)
        tell(process, words)

    monkeypatch.setattr(LoadingProcess, "_tell", overheard)
    with LoadingProcess(run) as process:
        process.load()
        seen = Path(f"/proc/{process_id(process)}/environ").read_bytes()
    assert run.run_id.encode() in b"".join(told)
    assert b"PATH=" in seen
    assert KEY.encode() not in b"".join([seen, *told])


def test_a_key_pressed_at_the_terminal_is_not_for_it(run: Run) -> None:
    """Ctrl-C goes to a whole group of processes, and the run has to come to its end."""
    with LoadingProcess(run) as process:
        assert os.getpgid(process_id(process)) != os.getpgid(0)


@pytest.mark.e2e
def test_it_ends_with_a_run_that_is_killed(run: Run) -> None:
    """Nothing stays behind, and the next run finds the warehouse free."""
    program = f"""
import time
from pathlib import Path
from flows import run as runs
from flows.loading_process import LoadingProcess
from flows.settings import Settings

process = LoadingProcess(runs.begin(Settings(data_dir=Path({str(run.settings.data_dir)!r})), "collect"))
process.load()
print(process._process.pid, flush=True)
time.sleep(60)
"""
    killed = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    child = int(killed.stdout.readline())
    killed.kill()
    killed.communicate()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert rows(run) == [(IDS,)]


def is_running(process: int) -> bool:
    """Not so once it is gone, or only waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
