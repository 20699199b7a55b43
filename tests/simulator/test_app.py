"""The simulated gateway's manners: keys, paths, limits, faults, counts."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from simulator import Faults, ManualClock, RateLimit, SimulatedGateway, World, serve

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)
KEY = "sk-simulated-0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def world() -> World:
    return World.recent(seed=7, tasks=120, now=NOW)


@contextmanager
def client_of(app: SimulatedGateway) -> Iterator[httpx.Client]:
    with serve(app) as base_url, httpx.Client(base_url=base_url, headers=AUTHORIZED, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[httpx.Client]:
    with client_of(SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()))) as client:
        yield client


def test_every_answer_names_its_request_and_its_gateway(client: httpx.Client, world: World) -> None:
    """Support asks for the one, drift is told by the other."""
    paths = (f"/avatar/task/{world.ids[0]}", "/avatar/task/nobody", "/", "/v1/x", "/avatar/task/sim_html_1")
    found = [client.get(path).headers for path in paths]
    assert len({headers["x-oneapi-request-id"] for headers in found}) == len(paths)
    assert {headers["x-new-api-version"] for headers in found} == {"v1.0.0-sim"}


def test_an_unknown_id_is_answered_with_400(client: httpx.Client) -> None:
    answer = client.get(f"/avatar/task/{'0' * 32}")
    assert answer.status_code == 400
    assert answer.json() == {"code": "task_not_exist", "message": "task_not_exist", "data": None}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no key"),
        pytest.param("Bearer sk-somebody-elses-key-0000", id="another key"),
        pytest.param(KEY, id="the key without Bearer"),
        pytest.param("Bearer short", id="a short key"),
    ],
)
def test_a_wrong_key_is_refused_and_never_echoed(client: httpx.Client, world: World, header: str | None) -> None:
    """Not even one that is nearly right."""
    del client.headers["Authorization"]
    try:
        answer = client.get(f"/avatar/task/{world.ids[0]}", headers={"Authorization": header} if header else {})
    finally:
        client.headers.update(AUTHORIZED)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "new_api_error"
    assert answer.headers["x-oneapi-request-id"] in answer.json()["error"]["message"]
    assert header is None or header.removeprefix("Bearer ") not in answer.text


def test_without_a_key_everyone_is_let_in(world: World) -> None:
    with serve(SimulatedGateway(world)) as base_url:
        assert httpx.get(f"{base_url}/avatar/task/sim_success_1").status_code == 200


@pytest.mark.parametrize("path", ["/", "/avatar/task", "/avatar/task/", "/avatars/task/1"])
def test_a_wrong_path_shows_the_dashboard(client: httpx.Client, path: str) -> None:
    """As a wrong base URL does: 200, and not JSON."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/v1/avatar/task/1", "/api/avatar"])
def test_a_wrong_path_of_the_api_is_an_invalid_url(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert f"Invalid URL (GET {path})" in answer.json()["error"]["message"]


def test_the_endpoint_can_stand_under_a_prefix(world: World) -> None:
    """Every reseller has its own."""
    app = SimulatedGateway(world, prefix="/reseller/", clock=ManualClock(NOW))
    with client_of(app) as client:
        assert client.get("/reseller/avatar/task/sim_success_1").json()["data"]["status"] == "SUCCESS"
        assert client.get("/avatar/task/sim_success_1").headers["content-type"].startswith("text/html")


def test_only_get_is_answered(client: httpx.Client) -> None:
    """There is no other form of the endpoint."""
    assert client.post("/avatar/task/sim_success_1").headers["content-type"].startswith("text/html")


def test_a_task_moves_with_the_clock(world: World) -> None:
    """The same id, later: from nobody to its end."""
    clock = ManualClock(NOW - timedelta(days=30))
    with client_of(SimulatedGateway(world, clock=clock)) as client:
        path = f"/avatar/task/{world.ids[-1]}"
        assert client.get(path).status_code == 400
        clock.at = datetime.fromtimestamp(world.tasks[-1].submit, UTC)
        assert client.get(path).json()["data"]["status"] in ("NOT_START", "created", "pending")
        clock.at = world.all_terminal_at()
        assert client.get(path).json()["data"]["status"] in ("SUCCESS", "FAILURE")


def test_calls_are_counted_as_they_come(world: World) -> None:
    """Per id, in all, and by what they were answered with."""
    app = SimulatedGateway(world, clock=ManualClock(world.all_terminal_at()))
    with client_of(app) as client:
        for task_id in (world.ids[0], world.ids[0], "nobody", "sim_overload_1"):
            client.get(f"/avatar/task/{task_id}")
        client.get("/")
    assert app.calls == Counter({world.ids[0]: 2, "nobody": 1, "sim_overload_1": 1})
    assert app.total_calls == 4
    assert app.statuses == Counter({200: 3, 400: 1, 503: 1})


def test_prerendered_answers_are_the_same_answers(world: World) -> None:
    """Rendering ahead saves time and changes nothing."""
    clock = ManualClock(world.all_terminal_at())
    ready, fresh = SimulatedGateway(world, clock=clock), SimulatedGateway(world, clock=clock, cache_size=0)
    assert ready.prerender() == len(world)
    with client_of(ready) as one, client_of(fresh) as other:
        for task_id in world.ids[:20]:
            assert one.get(f"/avatar/task/{task_id}").content == other.get(f"/avatar/task/{task_id}").content


def test_a_rate_limit_refuses_what_is_beyond_it(world: World) -> None:
    """A burst passes, the rest is told to slow down, and time heals."""
    seconds = [0.0]
    limit = RateLimit(per_second=2, burst=3, says_retry_after=True, monotonic=lambda: seconds[0])
    with client_of(SimulatedGateway(world, rate_limit=limit)) as client:
        answers = [client.get("/avatar/task/sim_success_1") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == "1"
        seconds[0] += 1
        assert [client.get("/avatar/task/sim_success_1").status_code for _ in range(3)] == [200, 200, 429]


def test_a_rate_limit_need_not_say_when_to_come_back(world: World) -> None:
    """Gateways before 2026-07 do not."""
    limit = RateLimit(per_second=0.001)
    with client_of(SimulatedGateway(world, rate_limit=limit)) as client:
        refused = [client.get("/avatar/task/sim_success_1") for _ in range(2)][-1]
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers


def test_faults_heal_within_three_attempts_and_come_at_their_share(world: World) -> None:
    """A retry gets the true answer, byte for byte."""
    clock = ManualClock(world.all_terminal_at())
    truth = SimulatedGateway(world, clock=clock)
    app = SimulatedGateway(world, clock=clock, faults=Faults(0.3, seed=1, slow_seconds=0.01))
    with client_of(truth) as sure, client_of(app) as unsure:
        for task_id in world.ids:
            path = f"/avatar/task/{task_id}"
            assert _first_task(unsure, path) == sure.get(path).content
    retries = app.total_calls - len(world)
    assert 0.15 * len(world) < retries < 0.6 * len(world)


def _first_task(client: httpx.Client, path: str) -> bytes:
    for _ in range(3):
        try:
            answer = client.get(path)
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            return answer.content
    pytest.fail(f"{path} did not heal")


def test_faults_are_the_same_in_every_run(world: World) -> None:
    """Drawn by id and attempt, not by the order of requests."""
    one, other = Faults(0.5, seed=3), Faults(0.5, seed=3)
    drawn = [(task_id, attempt) for task_id in world.ids for attempt in (1, 2, 3)]
    assert [one.draw(*pair) for pair in drawn] == [other.draw(*pair) for pair in reversed(drawn)][::-1]
    assert {one.draw(*pair) for pair in drawn} == {None, *one.kinds}


def test_latency_passes_before_every_answer(world: World) -> None:
    """And two requests wait side by side."""
    app = SimulatedGateway(world, latency_seconds=0.1, latency_jitter=0.5)
    with client_of(app) as client:
        began = time.monotonic()
        client.get("/avatar/task/sim_success_1")
        assert 0.05 <= time.monotonic() - began < 0.5
    assert app.peak_in_flight == 1


def test_an_id_may_hold_any_character(client: httpx.Client) -> None:
    """It comes percent-encoded and goes back as JSON."""
    answer = client.get("/avatar/task/sim_success_%E4%BB%BB%E5%8A%A1%20%2F%22")
    assert json.loads(answer.content)["data"]["task_id"] == 'sim_success_任务 /"'
