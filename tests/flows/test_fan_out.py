"""A list of ids too large for one worker, on a real Prefect server, worker and work pool."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY
from tests.flows.operator import Operator
from tests.warehouse.tables import column, rows
from warehouse.ducklake.sessions import open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warehouse.ducklake.lake import Lake

RUNS = "select id, state_name, infrastructure_pid from flow_run where name like ?"


@pytest.fixture
def gateway() -> Iterator[tuple[str, SimulatedGateway]]:
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    world = World(seed=5, tasks=300, start=end - timedelta(days=3), end=end, odd_share=0.0)
    app = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()), latency_seconds=0.2)
    with serve(app) as base_url:
        yield base_url, app


@pytest.fixture
def operator(
    server_home: tuple[Path, dict[str, str]],
    quick_prefect: list[str],
    tmp_path: Path,
    lake: Lake,
    gateway: tuple[str, SimulatedGateway],
) -> Operator:
    settings = {
        "AVATAR_TASKS_BASE_URL": gateway[0],
        "AVATAR_TASKS_API_KEY": KEY,
        "AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:{lake.catalog}",
        "AVATAR_TASKS_LAKE_DATA": lake.data,
        "AVATAR_TASKS_CONCURRENCY": "4",
        "AVATAR_TASKS_SHARD_IDS": "100",
    }
    return Operator(server_home[0], tmp_path, server_home[1] | settings, quick_prefect)


@pytest.mark.usefixtures("deployed")
def test_shares_are_collected_at_once_and_one_that_dies_is_run_again(
    operator: Operator, lake: Lake, gateway: tuple[str, SimulatedGateway]
) -> None:
    """Two shares of a hundred ids of an inbox; the parent waits and sums up; each id is polled, few are twice."""
    ids = list(gateway[1].world.ids)[:200]
    operator.drop_into_inbox("ids.txt", ids)
    with operator.worker() as worker:
        parent = start(operator)
        operator.wait_for(lambda: gateway[1].total_calls > 30, "some requests")
        kill_one_of_its_runs(worker.pid)
        out, err = parent.communicate(timeout=240)
    assert parent.returncode == 0, err
    summary = json.loads(out)
    assert summary["requested"] == len(ids)
    assert gateway[1].total_calls <= len(ids) + 100  # what the share that was killed had not archived yet
    assert summary["statuses"].keys() <= {"SUCCESS", "FAILURE"}
    assert "split into" in err
    assert "died; its answers are kept" in err
    told = operator.ask("select description from artifact where type = 'progress'")
    assert (f"{len(ids)} of {len(ids)} ids answered",) in told
    with open_lake(lake) as con:
        assert set(column(con, "select task_id from tasks")) == set(ids)
        commands = [row["command"] for row in rows(con, "select command from runs order by command")]
    assert commands.count("collect") == 1
    assert commands.count("collect-shard") >= 2


@pytest.mark.soak
def test_shares_that_all_fail_fail_the_run(operator: Operator, gateway: tuple[str, SimulatedGateway]) -> None:
    """A worker without an address: with the code and the words of the shares, and every id counted."""
    operator.drop_into_inbox("ids.txt", list(gateway[1].world.ids))
    assert operator.command("setup-prefect").returncode == 0
    with operator.worker(AVATAR_TASKS_BASE_URL=""):
        out, err = start(operator).communicate(timeout=240)
    summary = json.loads(out)
    assert summary["exit_code"] == 2
    assert (summary["asked"], summary["unreachable"], gateway[1].total_calls) == (300, 300, 0)
    assert "of 3 shares, 1, 2, 3 failed" in err
    assert "AVATAR_TASKS_BASE_URL" in err


@pytest.mark.soak
def test_shares_that_no_worker_takes_end_with_their_parent(
    operator: Operator, gateway: tuple[str, SimulatedGateway]
) -> None:
    """At its deadline with 5, which never started and what to do; on Ctrl-C with 130. No worker gets them later."""
    operator.drop_into_inbox("ids.txt", list(gateway[1].world.ids))
    assert operator.command("setup-prefect").returncode == 0
    began = time.monotonic()
    out, err = start(operator, "--deadline", "8").communicate(timeout=240)
    assert time.monotonic() - began < 60
    summary = json.loads(out)
    assert (summary["exit_code"], summary["asked"], summary["not_polled"]) == (5, 300, 300)
    assert (summary["unreachable"], gateway[1].total_calls) == (0, 0)
    assert "of 3 shares, 1, 2, 3 never started: no worker started it" in err
    assert "`prefect worker start --pool avatar-tasks`" in err
    assert states_of_shares(operator) == ["Cancelled"] * 3
    operator.drop_into_inbox("again.txt", list(gateway[1].world.ids))
    with start(operator) as parent:
        operator.wait_for(lambda: len(states_of_shares(operator)) == 6, "three more shares")
        for _ in range(2):
            parent.send_signal(signal.SIGINT)
            time.sleep(0.1)
        _, err = parent.communicate(timeout=60)
    assert parent.returncode == 130, err
    assert states_of_shares(operator) == ["Cancelled"] * 6


def states_of_shares(operator: Operator) -> list[str]:
    """Of runs of shares that no worker has taken."""
    query = "select state_name from flow_run where name like 'share %' and infrastructure_pid is null"
    return [state for (state,) in operator.ask(query)]


def start(operator: Operator, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*operator.program, "collect", "--json", "--inbox", str(operator.inbox), *options],
        cwd=operator.folder,
        env=operator._env({}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def kill_one_of_its_runs(worker: int) -> None:
    """Kill -9 a flow run's process that the worker has started."""
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(worker)], capture_output=True, text=True, check=True)
    os.kill(int(done.stdout.split()[0]), signal.SIGKILL)
