"""On Prefect as an operator runs it: a real server, a real worker, every deployment, and what goes wrong meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY
from tests.flows.operator import Operator
from tests.guide.mailbox import mailbox
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from simulator.app import Receive, Scope, Send


#: What the gateway answers with the key in it, which it takes from the request: a task, a page, an error.
ECHOES = {
    "echo-task": (
        200,
        '{"code":"success","KEY":1,"data":{"task_id":"echo-task","status":"FAILURE","fail_reason":"KEY"}}',
    ),
    "echo-page": (200, "<html>KEY"),
    "echo-error": (400, "not you, KEY"),
}


class Gateway(SimulatedGateway):
    """It notes when requests arrive, can be slow, and repeats the key where it is asked for `ECHOES`."""

    def __init__(self, world: World) -> None:
        super().__init__(world, key=KEY, clock=ManualClock(world.all_terminal_at()), latency_seconds=0.25)
        self.arrived: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.arrived.append(time.monotonic())
            if (task_id := scope["path"].rpartition("/")[2]) in ECHOES:
                await echo(task_id, dict(scope["headers"])[b"authorization"], send)
                return
        await super().__call__(scope, receive, send)

    @contextlib.contextmanager
    def slowed(self) -> Iterator[None]:
        usual, self._latency = self._latency, (5.0, 0.0)
        yield
        self._latency = usual


async def echo(task_id: str, authorization: bytes, send: Send) -> None:
    """In the body and in the headers that are kept."""
    status, text = ECHOES[task_id]
    headers = [(name, authorization) for name in (b"x-oneapi-request-id", b"x-new-api-version", b"content-type")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode().replace(b"KEY", authorization)})


@dataclass(frozen=True)
class Plant:
    """Everything set up once: a server, a worker, a gateway; schedules are paused, so that none runs in between."""

    operator: Operator
    gateway: Gateway
    base_url: str
    planned: list[str]


PAUSE = """
import asyncio
from prefect.client.orchestration import get_client
async def main():
    async with get_client() as client:
        for one in await client.read_deployments():
            for schedule in one.schedules:
                await client.update_deployment_schedule(one.id, schedule.id, active=False)
asyncio.run(main())
"""

PLANNED = """
    select distinct deployment.name from flow_run join deployment on deployment.id = deployment_id
    where auto_scheduled order by 1
"""


@pytest.fixture(scope="module")
def plant(
    tmp_path_factory: pytest.TempPathFactory,
    server_home: tuple[Path, dict[str, str]],
    deployed: list[str],
    ended_world: World,
) -> Iterator[Plant]:
    gateway = Gateway(ended_world)
    with serve(gateway) as base_url:
        connected = {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY, "AVATAR_TASKS_CONCURRENCY": "8"}
        folder = tmp_path_factory.mktemp("operator")
        operator = Operator(server_home[0], folder, server_home[1] | connected, deployed)
        operator.wait_for(lambda: len(operator.ask(PLANNED)) == 3, "runs on schedule")
        planned = [name for (name,) in operator.ask(PLANNED)]
        operator.python(PAUSE)
        with operator.worker():
            yield Plant(operator, gateway, base_url, planned)


#: What an operator may change on the server: parameters, automations and schedules.
CHANGEABLE = (
    "select name, parameters from deployment order by 1",
    "select name, enabled from automation order by 1",
    "select slug, active, schedule ->> 'cron', schedule ->> 'interval' from deployment_schedule order by 1",
)


@dataclass(frozen=True)
class Changed:
    """The same after changes by hand, and a second set-up: whom to tell, and how many requests may be in flight.

    Attributes:
        said: what the set-up said.
        received: what the receiver of alerts got.
        by_hand: what can be changed by hand, before the set-up.
        kept: the same after it.
    """

    said: list[str]
    received: list[bytes]
    by_hand: list[Any]
    kept: list[Any]


#: As docs/operating.md has it, for a receiver of one's own.
SAVE_BLOCK = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock as Block
Block(name="alerts", url=sys.argv[1], json_data={"title": "{{subject}}", "text": "{{body}}"}).save(
    "avatar-tasks-alerts", overwrite=True)
"""


#: As an operator does in the dashboard.
BY_HAND = """
import asyncio
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
async def main():
    async with get_client() as client:
        [maintain] = [one for one in await client.read_deployments() if one.name == "maintain"]
        await client.update_deployment(maintain.id, DeploymentUpdate(parameters={"retain_days": 90}))
        for one in await client.read_automations_by_name("avatar-tasks: error budget burns"):
            await client.pause_automation(one.id)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def changed(plant: Plant) -> Iterator[Changed]:
    with mailbox() as (url, received):
        plant.operator.python(SAVE_BLOCK, url)
        plant.operator.python(BY_HAND)
        by_hand = [plant.operator.ask(query) for query in CHANGEABLE]
        said = set_up(plant.operator, "--in-flight", "12", "--rate", "0")
        yield Changed(said, received, by_hand, [plant.operator.ask(query) for query in CHANGEABLE])


def set_up(operator: Operator, *options: str, key: str = "done") -> list[str]:
    done = operator.command("setup-prefect", "--json", *options)
    assert done.returncode == 0, done.stderr
    lines: list[str] = json.loads(done.stdout)[key]
    return lines


def test_every_deployment_runs_and_the_key_is_nowhere(plant: Plant) -> None:
    """From nothing by two commands, by schedule or by hand; each leaves its artifacts and its tables.

    A gateway that repeats the key is quoted in artifacts and events, but for the key.
    """
    operator, ids = plant.operator, plant.gateway.world.ids[:40]
    assert plant.planned == ["collect", "maintain", "report"]
    operator.drop_into_inbox("first.txt", [*ids, *ECHOES])
    runs: list[tuple[str, dict[str, Any]]] = [
        ("collect/collect", {"inbox": str(operator.inbox)}),
        ("maintain/maintain", {}),
        ("report/report", {}),
    ]
    for name, parameters in runs:
        assert operator.end_of(operator.start_run(name, **parameters)) == "Completed", operator.history()
    for command in ("collect", "maintain"):
        assert f"run={command} run_id=" in operator.history(), "the line of each run is its state's message"
    assert {row["task_id"] for row in rows(operator.published, "tasks", ["task_id"])} >= set(ids)
    assert (operator.inbox / "done" / "first.txt").exists()
    keys = {key for (key,) in operator.ask("select distinct key from artifact")}
    assert {"collect", "collect-failures", "collect-progress", "maintain", "data-quality"} <= keys
    assert {row["command"] for row in rows(operator.published, "runs", ["command"])} >= {"collect", "maintain"}
    assert {row["task_id"] for row in rows(operator.published, "observations", ["task_id"])} >= set(ECHOES)
    quoted = ["select data from artifact where key = 'collect-failures'"]
    quoted += ["select payload from events where event = 'avatar-tasks.schema-drift'"]
    for query in quoted:
        assert any("Bearer ***" in str(told) for (told,) in operator.ask(query)), query
    assert KEY.encode() not in operator.everything_written()


def test_setting_up_again_leaves_one_of_each_and_what_was_paused_paused(plant: Plant, changed: Changed) -> None:
    """A limit of 0 is none; runs use the Python that set them up, not one that need not exist."""
    limits = "select name from concurrency_limit_v2 where name like 'avatar-tasks%'"
    assert sum("active stays False" in line for line in changed.said) == 3
    assert plant.operator.ask("select active from deployment_schedule where active") == []
    assert plant.operator.ask("select name from automation group by name having count(*) > 1") == []
    assert plant.operator.ask("select count(*) from deployment") == [(4,)]
    assert plant.operator.ask(limits) == [("avatar-tasks-in-flight",)]
    [(variables,)] = plant.operator.ask("select distinct infra_overrides from deployment")
    assert json.loads(variables)["command"] == f"{sys.executable} -m prefect.engine"


@pytest.mark.usefixtures("changed")
def test_check_finds_the_server_as_it_was_set_up(plant: Plant) -> None:
    """Pool with its workers, limits, deployments; and a block that is not there is named with its remedy.

    The worker of an earlier test may still count: Prefect takes it for gone after three missed heartbeats.
    """
    of_prefect = {one["name"]: one for one in _found_of_prefect(plant)}
    assert {one["state"] for one in of_prefect.values()} == {"ok"}, of_prefect
    assert re.search("with [12] workers", of_prefect["pool"]["text"])
    assert "avatar-tasks-in-flight" in of_prefect["limits"]["text"]
    assert "collect, collect-shard, maintain, report" in of_prefect["deployments"]["text"]
    found = _found_of_prefect(plant, AVATAR_TASKS_API_KEY="", AVATAR_TASKS_API_KEY_BLOCK="no-such")
    [missing] = [one for one in found if one["state"] == "error"]
    assert ("no-such" in missing["text"], "setup-prefect" in missing["remedy"]) == (True, True), missing


def test_key_and_token_go_into_the_blocks_that_are_to_hold_them(plant: Plant) -> None:
    """As a dry run says; neither is in what it prints."""
    secrets = {"AVATAR_TASKS_ACCESS_TOKEN": "token-of-the-account", "AVATAR_TASKS_ACCESS_TOKEN_BLOCK": "account"}
    command = plant.operator.command(
        "setup-prefect", "--dry-run", "--json", AVATAR_TASKS_API_KEY_BLOCK="key", **secrets
    )
    assert {"secret/key", "secret/account"} <= set(command.stdout.split()), command.stderr
    assert not {KEY, "token-of-the-account"} & set(command.stdout.replace('"', " ").split())


def _found_of_prefect(plant: Plant, **environment: str) -> list[dict[str, str]]:
    done = plant.operator.command("check", "--json", **environment)
    return [one for one in json.loads(done.stdout)["findings"] if one["area"] == "Prefect"]


def test_what_was_set_by_hand_stays_and_a_dry_run_changes_nothing(plant: Plant, changed: Changed) -> None:
    """What would change is named once, and not again after it was done."""
    operator, limits = plant.operator, 'select name, "limit" from concurrency_limit_v2 order by 1'
    assert changed.kept == changed.by_hand
    assert 'retain_days": 90' in str(changed.kept[0])
    assert ("avatar-tasks: error budget burns", 0) in changed.kept[1]
    assert "deployment maintain: parameter retain_days stays 90, as set by hand" in "\n".join(changed.said)
    before = [operator.ask(query) for query in (*CHANGEABLE, limits)]
    assert set_up(operator, "--dry-run", "--rate", "7", key="changes")[0].startswith(
        "global limit avatar-tasks-requests"
    )
    again = set_up(operator, "--dry-run", key="changes")
    assert again
    assert all("stays" in line for line in again), again
    assert [operator.ask(query) for query in (*CHANGEABLE, limits)] == before


def test_an_alert_reaches_its_receiver(plant: Plant, changed: Changed) -> None:
    """A run whose key is refused: how bad it is, why, what to do, which deployment, a link, and no key.

    Up to three such runs: while its SQLite database is locked, Prefect sends an alert minutes late, twice, or not
    at all. On PostgreSQL one run has to do; `make guide` has it.
    """
    operator, wrong = plant.operator, "a-key-that-is-wrong"
    refused, failed = (
        f"[critical] avatar-tasks: {what}" for what in ("the gateway refuses the key", "a run has failed")
    )
    runs: list[str] = []
    told: dict[str, str] = {}
    while not {refused, failed} <= told.keys() and len(runs) < 3:
        ids = [plant.gateway.world.ids[-1]]
        runs.append(operator.start_run("collect/collect", env={"AVATAR_TASKS_API_KEY": wrong}, ids=ids))
        assert operator.end_of(runs[-1]) == "Failed"
        operator.happens(lambda: {refused, failed} <= _told(changed.received).keys(), seconds=60)
        told = _told(changed.received)
    assert {refused, failed} <= told.keys(), operator.everything_said()
    assert f"{plant.base_url} refused the key (HTTP 401, 'Invalid token: a-ke***ng" in told[refused]
    assert "Check AVATAR_TASKS_API_KEY" in told[refused]
    assert f"{plant.base_url} refused the key" in told[failed].partition("\n")[0], "the reason is the state's message"
    assert all("\nDeployment collect, run " in told[title] for title in (refused, failed))
    assert any(f"/runs/flow-run/{run}" in told[failed] for run in runs)
    assert wrong not in str(told)


def _told(received: list[bytes]) -> dict[str, str]:
    """Text by title."""
    return {one["title"]: one["text"] for one in map(json.loads, received)}


@pytest.mark.soak
def test_a_run_cancelled_in_the_middle_is_completed_by_the_next(plant: Plant) -> None:
    """It archives what it has, releases the warehouse and ends within seconds; nothing is lost, nothing asked twice.

    Also if it is cancelled again, and its process gets SIGTERM once more, while it obeys the first time. `make guide`
    cancels a run as well.
    """
    operator, ids = plant.operator, list(plant.gateway.world.ids[40:240])
    before = plant.gateway.total_calls
    operator.drop_into_inbox("second.txt", ids)
    first = operator.start_run("collect/collect", inbox=str(operator.inbox))
    operator.wait_for(lambda: plant.gateway.total_calls >= before + 16, "some requests")
    with plant.gateway.slowed():
        [(process,)] = operator.ask("select infrastructure_pid from flow_run where id = ?", first)
        operator.cancel(first)
        for _ in range(2):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process.rpartition(":")[2]), signal.SIGTERM)
            operator.cancel(first, again=True)
        assert operator.end_of(first) == "Cancelled"
    assert plant.gateway.total_calls - before < len(ids)
    second = operator.start_run("collect/collect", inbox=str(operator.inbox))
    assert operator.end_of(second) == "Completed"
    answers = [row for row in rows(operator.published, "observations") if row["task_id"] in set(ids)]
    assert {row["task_id"] for row in answers} == set(ids)
    assert len(answers) == len(ids)
    assert len({row["run_id"] for row in answers}) == 2
    assert sum(plant.gateway.calls[one] for one in ids) <= len(ids) + 8
    assert operator.command("status", "--json").stdout.count('"warehouse_locked_by": "nobody"') == 1


def test_two_runs_together_have_no_more_in_flight_than_all_may(plant: Plant, changed: Changed) -> None:
    """Each wants 8, and all may have 12: the second waits until the first has ended."""
    assert any("at most 12 requests in flight" in line for line in changed.said)
    ids = plant.gateway.world.ids[:80]
    plant.gateway.peak_in_flight = 0
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(collected_by_hand, plant.operator, str(n), ids[n::2]) for n in (0, 1)]
        assert [one.result() for one in both] == [40, 40]
    assert plant.gateway.peak_in_flight <= 12
    assert (plant.operator.home / "concurrency_leases").is_dir()  # so that leases survive a restart of the server


def collected_by_hand(operator: Operator, name: str, ids: Sequence[str]) -> int:
    """Collected with a warehouse of its own; how many."""
    done = operator.command("collect", "--json", *ids, AVATAR_TASKS_DATA_DIR=str(operator.folder / name))
    assert done.returncode == 0, done.stderr
    fetched: int = json.loads(done.stdout)["fetched"]
    return fetched


LIMIT = """
import asyncio, sys
from prefect.client.orchestration import get_client
from flows._prefect.shared_rate import LIMIT_NAME, bucket_for
async def main():
    bucket = bucket_for(float(sys.argv[1]))
    async with get_client() as client:
        await client.upsert_global_concurrency_limit_by_name(LIMIT_NAME, bucket.slots, bucket.per_second)
asyncio.run(main())
"""

A_CLIENT = """
import asyncio, sys
from flows._prefect.shared_rate import shared_rate
from gateway.client import GatewayClient
url, key, rate, *ids = sys.argv[1:]
async def main():
    async with shared_rate(print, "default") as permission:
        assert permission is not None
        async with GatewayClient(url, key, rate=float(rate), permission=permission) as client:
            return [one async for one in client.fetch_many(ids)]
asyncio.run(main())
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("rate", "processes"), [pytest.param(r, n, id=f"{r}/s by {n}") for r in (8, 40) for n in (1, 2, 4)]
)
def test_the_shared_rate_is_never_exceeded_and_most_of_it_is_used(plant: Plant, rate: int, processes: int) -> None:
    """In no second more than RATE, or in no twenty requests' time; the more processes ask at once, the less is used.

    In virtual time, and so with each change: tests/flows/test_shared_rate.py.
    """
    ids = [one for n in range(processes) for one in plant.gateway.world.ids[: 300 if rate > 8 else 100]][: 25 * rate]
    window = max(1, 20 / rate)
    arrived = sorted(arrivals_of(plant, rate, [ids[n::processes] for n in range(processes)]))
    settled = [one for one in arrived if one > arrived[0] + 2 * window]
    used = len(settled) / (settled[-1] - settled[0]) / rate
    print(f"\n{rate}/s by {processes}: {used:.0%} used; at most {most_within(window, arrived)} in {window:g} s")  # noqa: T201
    assert most_within(window, arrived) <= rate * window
    assert used >= (0.7 if processes > 2 else 0.85)


def arrivals_of(plant: Plant, rate: int, shares: list[Sequence[str]]) -> list[float]:
    """When requests arrive while as many processes as there are shares go by one limit."""
    plant.operator.python(LIMIT, str(rate))
    plant.gateway.arrived.clear()
    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(plant.operator.python, A_CLIENT, plant.base_url, KEY, str(rate), *ids) for ids in shares]
        for one in asking:
            one.result()
    return list(plant.gateway.arrived)


def most_within(seconds: float, arrived: list[float]) -> int:
    return max(sum(one <= other < one + seconds for other in arrived) for one in arrived)
