"""The family's other endpoints: the list in both pagings with its traps, many ids in one request, the status."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from simulator import Account, ManualClock, SimulatedGateway, WindowLimit, World, serve
from simulator.account import Paging

START = datetime(2026, 1, 20, 3, tzinfo=UTC)
KEY = "sk-simulated-0123456789abcdef"
TOKEN = {"Authorization": "token-of-an-account", "New-Api-User": "7"}
LIST = "/api/task/self"


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7, tasks=230, start=START, end=START + timedelta(days=1))


@contextmanager
def client_of(account: Account, world: World, clock: ManualClock | None = None) -> Iterator[httpx.Client]:
    app = SimulatedGateway(world, key=KEY, clock=clock or ManualClock(world.all_terminal_at()), account=account)
    with serve(app) as base_url, httpx.Client(base_url=base_url, headers=TOKEN, timeout=10) as client:
        yield client


def new_account(paging: Paging = "new", **options: Any) -> Account:  # noqa: ANN401 - those of Account
    return Account(TOKEN["Authorization"], TOKEN["New-Api-User"], paging, **options)


def ids(answer: httpx.Response) -> list[str]:
    data = answer.json()["data"]
    return [item["task_id"] for item in (data if isinstance(data, list) else data["items"])]


def test_new_paging_counts_from_one_says_the_total_and_gives_a_hundred_at_most(world: World) -> None:
    """And page 0 is the first page, too."""
    with client_of(new_account(), world) as client:
        pages = [client.get(LIST, params={"p": p, "page_size": 500}) for p in (0, 1, 2, 3, 4)]
    assert [len(ids(page)) for page in pages] == [100, 100, 100, 30, 0]
    assert {page.json()["data"]["total"] for page in pages} == {230}
    assert ids(pages[0]) == ids(pages[1])
    assert [one for page in pages[1:] for one in ids(page)] == world.ids[::-1]


def test_old_paging_counts_from_zero_and_gives_a_bare_list_of_ten(world: World) -> None:
    with client_of(new_account("old"), world) as client:
        pages = [client.get(LIST, params={"p": p, "page_size": 100}) for p in range(24)]
    assert [len(ids(page)) for page in pages] == [10] * 23 + [0]
    assert [one for page in pages for one in ids(page)] == world.ids[::-1]


@pytest.mark.parametrize("paging", ["old", "new"])
def test_both_ends_of_a_time_range_are_inclusive(world: World, paging: Paging) -> None:
    task = world.tasks[100]
    with client_of(new_account(paging), world) as client:
        found = client.get(LIST, params={"start_timestamp": task.submit, "end_timestamp": task.submit})
    assert task.id in ids(found)


@pytest.mark.parametrize("name", ["action", "platform", "status", "task_id"])
def test_each_filter_keeps_what_has_its_value(world: World, name: str) -> None:
    with client_of(new_account(), world) as client:
        items = client.get(LIST, params={"page_size": 100}).json()["data"]["items"]
        item = next(one for one in items if one.get(name))
        found = client.get(LIST, params={"page_size": 100, name: item[name]}).json()["data"]
    assert {one[name] for one in found["items"] if name in one} == {item[name]}
    assert 0 < found["total"] < 230


def test_an_item_is_what_the_single_answer_has_in_data() -> None:
    """Byte for byte in new versions, where the envelope is the plain one."""
    plain = World(seed=7, tasks=20, start=START, end=START + timedelta(days=1), odd_share=0)
    with client_of(new_account(), plain) as client:
        items = {one["task_id"]: one for one in client.get(LIST, params={"page_size": 100}).json()["data"]["items"]}
        single = client.get(f"/avatar/task/{plain.ids[0]}", headers={"Authorization": f"Bearer {KEY}"})
    assert items[plain.ids[0]] == single.json()["data"]


def test_pages_drift_while_tasks_arrive(world: World) -> None:
    """With an offset from the newest, what arrives between two pages moves the rest on."""
    clock = ManualClock(datetime.fromtimestamp(world.tasks[150].submit, UTC))
    with client_of(new_account(), world, clock) as client:
        first = ids(client.get(LIST, params={"p": 1, "page_size": 50}))
        clock.at = datetime.fromtimestamp(world.tasks[155].submit, UTC)
        second = ids(client.get(LIST, params={"p": 2, "page_size": 50}))
    assert len(set(first) & set(second)) == 5


@pytest.mark.parametrize("paging", ["old", "new"])
@pytest.mark.parametrize("header", ["Authorization", "New-Api-User"])
def test_a_wrong_token_is_refused_and_by_old_versions_with_200(world: World, paging: Paging, header: str) -> None:
    with client_of(new_account(paging), world) as client:
        answer = client.get(LIST, headers={header: "999"})
    assert answer.status_code == (200 if paging == "old" else 401)
    assert answer.json()["success"] is False


def test_a_swallowed_error_looks_like_an_empty_success(world: World) -> None:
    with client_of(new_account(page_fault_share=1, page_faults=("swallowed",)), world) as client:
        answer = client.get(LIST)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert (answer.json()["data"]["total"], ids(answer)) == (0, [])


def test_faults_come_at_their_share_and_in_each_of_their_ways(world: World) -> None:
    with client_of(new_account(page_fault_share=0.3), world) as client:
        seen = [_kind(client) for _ in range(80)]
    assert set(seen) == {"whole", "swallowed", "unsuccessful", "transient"}
    assert 40 < seen.count("whole") < 72


def _kind(client: httpx.Client) -> str:
    try:
        answer = client.get(LIST)
    except httpx.TransportError:
        return "transient"
    if answer.status_code != 200:
        return "transient"
    if not answer.json()["success"]:
        return "unsuccessful"
    return "whole" if ids(answer) else "swallowed"


def test_the_limit_refuses_with_an_empty_429_until_the_span_has_passed(world: World) -> None:
    """180 requests in 180 s, for the status as well."""
    seconds = [0.0]
    with client_of(new_account(limit=WindowLimit(3, 180, lambda: seconds[0])), world) as client:
        answers = [client.get(path) for path in (LIST, "/api/status", LIST, LIST)]
        seconds[0] = 181
        later = client.get(LIST)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (answers[-1].content, later.status_code) == (b"", 200)


def test_many_ids_in_one_request_and_unknown_ones_are_left_out(world: World) -> None:
    """It wants the key, not the token; if no id is known, data is null."""
    key = {"Authorization": f"Bearer {KEY}"}
    with client_of(new_account(), world) as client:
        some = client.post("/suno/fetch", json={"ids": [*world.ids[:5], "nobody"]}, headers=key)
        none = client.post("/suno/fetch", json={"ids": ["nobody"]}, headers=key)
        refused = client.post("/suno/fetch", json={"ids": world.ids[:5]})
    assert {one["task_id"] for one in some.json()["data"]} == set(world.ids[:5])
    assert (none.json()["data"], refused.status_code) == (None, 401)


def test_an_answer_to_many_ids_may_have_gaps(world: World) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    with client_of(new_account(bulk_gap_share=0.3), world) as client:
        found = client.post("/suno/fetch", json={"ids": world.ids[:100]}, headers=key).json()["data"]
    assert 50 < len(found) < 90


def test_the_status_needs_no_key_and_names_version_and_unit(world: World) -> None:
    with client_of(new_account(), world) as client:
        data = client.get("/api/status", headers={"Authorization": ""}).json()["data"]
    assert (data["version"], data["quota_per_unit"]) == ("v1.0.0-sim", 500_000)
