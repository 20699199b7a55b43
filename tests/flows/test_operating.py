"""On Prefect as an operator runs it: a real server, a real worker, every deployment, and what goes wrong meanwhile."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gateway.simulator import ManualClock, SimulatedGateway, World, serve
from tests.flows.conftest import KEY
from tests.flows.operator import Operator
from tests.flows.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.simulator.app import Receive, Scope, Send


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
    """It notes when requests arrive, and repeats the key where it is asked for `ECHOES`."""

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


async def echo(task_id: str, authorization: bytes, send: Send) -> None:
    """In the body and in the headers that are kept."""
    status, text = ECHOES[task_id]
    headers = [(name, authorization) for name in (b"x-oneapi-request-id", b"x-new-api-version", b"content-type")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode().replace(b"KEY", authorization)})


@dataclass(frozen=True)
class Plant:
    """Everything set up once: a server, a worker, a gateway; schedules are paused, lest they run in between."""

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
    tmp_path_factory: pytest.TempPathFactory, server_home: tuple[Path, dict[str, str]], ended_world: World
) -> Iterator[Plant]:
    gateway = Gateway(ended_world)
    with serve(gateway) as base_url:
        connected = {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY, "AVATAR_TASKS_CONCURRENCY": "8"}
        operator = Operator(server_home[0], tmp_path_factory.mktemp("operator"), server_home[1] | connected)
        set_up(operator, "--rate", "100")
        operator.wait_for(lambda: len(operator.ask(PLANNED)) == 3, "runs on schedule")
        planned = [name for (name,) in operator.ask(PLANNED)]
        operator.python(PAUSE)
        with operator.worker():
            yield Plant(operator, gateway, base_url, planned)


def set_up(operator: Operator, *options: str) -> list[str]:
    done = operator.command("setup-prefect", "--json", *options)
    assert done.returncode == 0, done.stderr
    lines: list[str] = json.loads(done.stdout)["done"]
    return lines


def test_every_deployment_runs_and_the_key_is_nowhere(plant: Plant) -> None:
    """From nothing by two commands, by schedule or by hand; each leaves its artifacts and its tables.

    A gateway that repeats the key is quoted in artifacts and events, but for the key.
    """
    operator, ids = plant.operator, plant.gateway.world.ids[:40]
    assert plant.planned == ["collect", "maintain", "report"]
    operator.drop_into_inbox("first.txt", [*ids, *ECHOES])
    runs = [("collect/collect", {"inbox": str(operator.inbox)}), ("maintain/maintain", {}), ("report/report", {})]
    for name, parameters in runs:
        assert operator.end_of(operator.start_run(name, **parameters)) == "Completed", name
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


def test_setting_up_again_leaves_one_of_each_and_what_was_paused_paused(plant: Plant) -> None:
    """Limits follow the settings: without RATE there is none."""
    limits = "select name from concurrency_limit_v2 where name like 'avatar-tasks%'"
    deployments = plant.operator.ask("select count(*) from deployment")
    set_up_again = set_up(plant.operator, "--in-flight", "8")
    assert sum("stays paused" in line for line in set_up_again) == 3
    assert plant.operator.ask("select active from deployment_schedule where active") == []
    assert plant.operator.ask("select name from automation group by name having count(*) > 1") == []
    assert plant.operator.ask("select count(*) from deployment") == deployments
    assert plant.operator.ask(limits) == [("avatar-tasks-in-flight",)]


def test_what_is_cancelled_in_the_middle_is_completed_by_the_next_run(plant: Plant) -> None:
    """It archives what it has, releases the warehouse and ends within seconds; nothing is lost, nothing asked twice."""
    operator, ids = plant.operator, list(plant.gateway.world.ids[40:240])
    before = plant.gateway.total_calls
    operator.drop_into_inbox("second.txt", ids)
    first = operator.start_run("collect/collect", inbox=str(operator.inbox))
    operator.wait_for(lambda: plant.gateway.total_calls >= before + 16, "some requests")
    operator.cancel(first)
    assert operator.end_of(first) == "Cancelled"
    assert plant.gateway.total_calls - before < len(ids)
    second = operator.start_run("collect/collect", inbox=str(operator.inbox))
    assert operator.end_of(second) == "Completed"
    answers = [row for row in rows(operator.published, "observations") if row["task_id"] in set(ids)]
    assert {row["task_id"] for row in answers} == set(ids)
    assert len(answers) == len(ids)
    assert len({row["run_id"] for row in answers}) == 2
    assert plant.gateway.total_calls - before <= len(ids) + 8
    assert operator.command("status", "--json").stdout.count('"warehouse_held_by": "nobody"') == 1


TWO_CLIENTS = """
import asyncio, sys
from prefect.client.orchestration import get_client
from flows.shared_rate import LIMIT_NAME, bucket_for, shared_rate
from gateway.client import GatewayClient

url, key, rate, *ids = sys.argv[1:]

async def fetch(some):
    async with shared_rate(print) as permission:
        assert permission is not None
        async with GatewayClient(url, key, rate=float(rate), permission=permission) as client:
            return [one async for one in client.fetch_many(some)]

async def main():
    bucket = bucket_for(float(rate))
    async with get_client() as prefect:
        await prefect.upsert_global_concurrency_limit_by_name(LIMIT_NAME, bucket.slots, bucket.per_second)
        await asyncio.gather(fetch(ids[::2]), fetch(ids[1::2]))
        await prefect.delete_global_concurrency_limit_by_name(LIMIT_NAME)

asyncio.run(main())
"""


def test_all_clients_together_keep_the_rate(plant: Plant) -> None:
    """Each of two may go that fast, and both together do not: in no second do more requests arrive than RATE."""
    rate, ids = 40, plant.gateway.world.ids[:200]
    plant.gateway.arrived.clear()
    plant.operator.python(TWO_CLIENTS, plant.base_url, KEY, str(rate), *ids)
    arrived = list(plant.gateway.arrived)
    assert len(arrived) == 200
    assert max(sum(one <= other < one + 1 for other in arrived) for one in arrived) <= rate
