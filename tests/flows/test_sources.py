"""Several gateways on Prefect: a deployment, a schedule, limits and an automation for each, as sources.toml says."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows._prefect.limits import Limits
from flows._prefect.of_sources import with_automations, with_deployments, with_values
from pipeline.sources.file import Source
from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY
from tests.flows.operator import ROOT, Operator
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLUG = "schedules.every-five-minutes"
URL = "https://gateway.example"
PLAIN = Source(name="plain", base_url=URL)
HOURLY = Source(name="hourly", base_url=URL, interval=3600)
NIGHTLY = Source(name="nightly", base_url=URL, cron="0 2 * * *", active=False)


@pytest.fixture(scope="module")
def declared() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return found


def test_a_gateways_deployment_is_that_of_collect_for_it_alone(declared: list[dict[str, Any]]) -> None:
    """With a slot of its own, so that one that is down cancels no run of another."""
    *before, one = with_deployments(declared, [PLAIN])
    assert before == declared
    assert (one["name"], one["parameters"]) == ("collect-plain", {"inbox": "inbox", "refresh": True, "source": "plain"})
    assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert "source:plain" in one["tags"]


def test_schedules_are_those_of_the_file_over_those_of_collect(declared: list[dict[str, Any]]) -> None:
    """And what deployments.toml says of one gateway is over both. `collect` itself runs by hand only."""
    own = {
        "collect": {f"{SLUG}.interval": 600, "parameters.refresh": False},
        "collect-hourly": {f"{SLUG}.interval": 900},
    }
    found = with_values(own, declared, [PLAIN, HOURLY, NIGHTLY])
    assert found["collect"] == own["collect"] | {f"{SLUG}.active": False}
    assert found["collect-plain"] == own["collect"]
    assert found["collect-hourly"] == {"parameters.refresh": False, f"{SLUG}.interval": 900}
    nightly = {f"{SLUG}.cron": "0 2 * * *", f"{SLUG}.timezone": "UTC", f"{SLUG}.active": False}
    assert found["collect-nightly"] == {"parameters.refresh": False} | nightly
    assert with_values(own, declared, []) == own


def test_that_no_run_has_completed_is_said_of_each_gateway_by_itself() -> None:
    automations = yaml.safe_load((ROOT / "automations.yaml").read_text(encoding="utf-8"))["automations"]
    assert with_automations(automations, []) == automations
    found = with_automations(automations, [PLAIN, HOURLY, NIGHTLY])
    about = {one["name"]: one["trigger"] for one in found if "no collect" in one["name"]}
    assert {name: one["within"] for name, one in about.items()} == {
        "avatar-tasks: no collect of plain has completed": 3600,
        "avatar-tasks: no collect of hourly has completed": 10_800,
    }
    assert len(found) == len(automations) + 1


@pytest.fixture
def operator(server_home: tuple[Path, dict[str, str]], quick_prefect: list[str], tmp_path: Path) -> Iterator[Operator]:
    """In a folder with the declarations, as the checkout has them, and two gateways, one of which is down."""
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    world = World(seed=5, tasks=30, start=end - timedelta(days=1), end=end, odd_share=0)
    for name in ("prefect.yaml", "automations.yaml", "flows"):
        (tmp_path / name).symlink_to(ROOT / name)
    with serve(SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()))) as url:
        tables = {
            "well": (url, 'api_key_env = "WELL_KEY"\nrate = 50\ninterval = 600'),
            "down": ("http://127.0.0.1:9", ""),
        }
        (tmp_path / "sources.toml").write_text(
            "".join(f'[[source]]\nname = "{name}"\nbase_url = "{at}"\n{more}\n' for name, (at, more) in tables.items())
        )
        one = Operator(server_home[0], tmp_path, server_home[1] | {"WELL_KEY": KEY}, quick_prefect)
        one.inbox.mkdir()
        for name in tables:
            (one.inbox / name).mkdir()
            one.drop_into_inbox(f"{name}/ids.txt", world.ids)
        yield one


def set_up(operator: Operator, *options: str) -> str:
    done = operator.command("setup-prefect", "--json", *options)
    assert done.returncode == 0, done.stderr
    return "\n".join(json.loads(done.stdout)["changes"])


def test_a_dry_run_names_what_each_gateway_gets(operator: Operator) -> None:
    said = set_up(operator, "--dry-run", "--in-flight", "12")
    assert {"deployment collect-well: new", "deployment collect-down: new"} <= set(said.splitlines())
    assert "global limit avatar-tasks-requests-well: at most 50 requests per second over all workers" in said
    assert "global limit avatar-tasks-in-flight-down: at most 12 requests in flight over all workers" in said
    assert "automation 'avatar-tasks: no collect of well has completed': new" in said
    assert KEY not in said


@pytest.mark.soak
def test_set_up_makes_what_each_gateway_needs_and_removes_it_with_the_file(operator: Operator) -> None:
    """A run of one gateway and one of all do what the command line does; one that is down fails its own run."""
    deployments = "select name from deployment where name like 'collect-%' and name != 'collect-shard' order by 1"
    limits = "select name from concurrency_limit_v2 where name like 'avatar-tasks%' order by 1"
    schedules = "from deployment_schedule join deployment on deployment.id = deployment_id where deployment.name = ?"
    set_up(operator, "--in-flight", "12")
    assert operator.ask(deployments) == [("collect-down",), ("collect-well",)]
    own = {f"avatar-tasks-in-flight-{name}" for name in ("down", "well")} | {"avatar-tasks-requests-well"}
    assert own <= {name for (name,) in operator.ask(limits)}
    assert operator.ask(f"select schedule ->> 'interval' {schedules}", "collect-well") == [(600.0,)]
    assert operator.ask(f"select active {schedules}", "collect") == [(0,)]
    assert "well" not in set_up(operator, "--dry-run", "--in-flight", "12")
    with operator.worker():
        assert operator.end_of(operator.start_run("collect/collect-well")) == "Completed", operator.history()
        found = {(row["source"], row["task_id"]) for row in rows(operator.published, "tasks", ["source", "task_id"])}
        assert {source for source, _ in found} == {"well"}
        assert operator.end_of(operator.start_run("collect/collect", inbox="inbox")) == "Failed", operator.history()
        assert "1 of 2 sources are done; down ended with 5" in operator.history()
    assert {row["source"] for row in rows(operator.published, "runs", ["source"])} == {"well", "down"}
    keys = {key for (key,) in operator.ask("select distinct key from artifact")}
    assert {"collect-well", "collect-down", "collect-well-failures"} <= keys
    file = operator.folder / "sources.toml"
    file.write_text(file.read_text().replace("rate = 50\n", ""))
    assert "global limit avatar-tasks-requests-well: removed" in set_up(operator)
    file.unlink()
    assert "deployment collect-down: removed" in set_up(operator)
    assert operator.ask(deployments) == []
    assert operator.ask(f"select active {schedules}", "collect") == [(1,)]


def test_a_limit_that_left_the_file_leaves_the_server_but_for_one_that_somebody_changed(
    server_home: tuple[Path, dict[str, str]],
) -> None:
    """And what setup-prefect's own options set stays, whatever the file has."""
    said: list[str] = []
    everywhere: list[list[int]] = []

    async def set_up(*sources: Source) -> dict[str, int]:
        with temporary_settings({PREFECT_API_URL: server_home[1]["PREFECT_API_URL"]}):
            async with get_client() as client:
                await Limits(client, said.append, dry_run=False).set(sources, None, None)
                found = await client.read_global_concurrency_limits(limit=200, offset=0)
                everywhere.append([one.limit for one in found if one.name == "avatar-tasks-in-flight"])
                return {one.name: one.limit for one in found if one.name.rpartition("-")[2] in {"fast", "own"}}

    async def changed_by_hand() -> None:
        with temporary_settings({PREFECT_API_URL: server_home[1]["PREFECT_API_URL"]}):
            async with get_client() as client:
                await client.upsert_global_concurrency_limit_by_name("avatar-tasks-in-flight-own", 3)
                await client.upsert_global_concurrency_limit_by_name("avatar-tasks-in-flight", 12)

    fast = Source(name="fast", base_url=URL, rate=50, in_flight=8)
    own = Source(name="own", base_url=URL, in_flight=9)
    put = asyncio.run(set_up(fast, own))
    names = {"avatar-tasks-in-flight-fast", "avatar-tasks-in-flight-own", "avatar-tasks-requests-fast"}
    assert put.keys() == names
    asyncio.run(changed_by_hand())
    assert asyncio.run(set_up(Source(name="fast", base_url=URL, in_flight=8), Source(name="own", base_url=URL))) == {
        "avatar-tasks-in-flight-fast": 8,
        "avatar-tasks-in-flight-own": 3,
    }
    assert said[-1] == "global limit avatar-tasks-requests-fast: removed, because sources.toml no longer has it"
    assert asyncio.run(set_up()) == {"avatar-tasks-in-flight-own": 3}
    assert everywhere[1:] == [[12], [12]]
