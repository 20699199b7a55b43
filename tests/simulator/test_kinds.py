"""Every answer on request is reachable and is what its kind says."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import KINDS, ManualClock, SimulatedGateway, World, expected_outcome, serve
from simulator.odd.kinds import seed_example
from simulator.odd.special import ODDLY_DELIVERED
from simulator.render import body_at

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)
LIMIT_BYTES = 8 * 1024 * 1024
BY_STATUS = {
    302: "malformed", 400: "missing", 401: "denied", 403: "denied", 404: "malformed", 429: "throttled",
    500: "server_error", 502: "server_error", 503: "server_error",
}  # fmt: skip


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    app = SimulatedGateway(World.recent(seed=1, tasks=1, now=NOW, rush=0), clock=ManualClock(NOW), slow_seconds=0.2)
    with serve(app) as base_url, httpx.Client(base_url=base_url, timeout=1.0) as client:
        yield client


def fetch(client: httpx.Client, kind: str, number: int = 1) -> httpx.Response:
    return client.get(f"/avatar/task/sim_{kind}_{number}")


def document(client: httpx.Client, kind: str) -> Any:  # noqa: ANN401  (whatever JSON there is)
    return fetch(client, kind).json()


def outcome_of(client: httpx.Client, kind: str) -> str:
    """What a plain reader with three attempts makes of the kind, by status and shape."""
    try:
        answer = [fetch(client, kind) for _ in range(3)][-1]
    except httpx.TransportError:
        return "transport_error"
    if answer.status_code != 200:
        return BY_STATUS[answer.status_code]
    return "oversized" if len(answer.content) > LIMIT_BYTES else _outcome_of_body(answer.content)


def _outcome_of_body(body: bytes) -> str:
    if body.count(b"[") > 1000:
        return "task"  # too deep for Python's own reader
    try:
        found = json.loads(body.decode("utf-8-sig", "replace"))
    except ValueError:
        return "malformed"
    if not isinstance(found, dict):
        return "malformed"
    if found.get("code") == "success" and found.get("data") is None:
        return "missing"
    return "task" if {"status", "web_work_status"} & set(found.get("data") or found) else "malformed"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_what_it_is_expected_to_be(client: httpx.Client, kind: str) -> None:
    """The catalogue's outcome is what a reader of the answer finds."""
    assert outcome_of(client, kind) == expected_outcome(kind)


def test_every_kind_is_described_and_every_outcome_has_a_kind() -> None:
    """The documentation lists them from here."""
    assert all(KINDS.values())
    assert {expected_outcome(kind) for kind in KINDS} == {
        "task", "missing", "denied", "throttled", "server_error", "transport_error", "malformed", "oversized",
    }  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ODDLY_DELIVERED))
def test_an_oddly_delivered_task_is_a_plain_task(client: httpx.Client, kind: str) -> None:
    """The world knows its truth as it knows any other task's."""
    task = World.recent(seed=1, tasks=1, now=NOW, rush=0).find(f"sim_{kind}_9")
    assert task is not None
    arrived = [fetch(client, kind, 9).content for _ in range(3)][-1]
    assert body_at(task, NOW.timestamp()) == (arrived, True)


def test_an_unknown_kind_is_an_unknown_id(client: httpx.Client) -> None:
    assert client.get("/avatar/task/sim_nonsense_1").status_code == 400
    assert client.get("/avatar/task/sim_").status_code == 400


def test_the_longest_name_wins(client: httpx.Client) -> None:
    """`sim_throttled_empty_1` is not a `throttled` one of the name `empty_1`."""
    assert fetch(client, "throttled_empty").content == b""
    assert fetch(client, "throttled").content != b""
    assert client.get("/avatar/task/sim_throttled").status_code == 429


def test_the_documents_own_example_comes_byte_for_byte(client: httpx.Client) -> None:
    """Whatever is built must read it; its task_id is its own, not the one that was asked for."""
    answer = fetch(client, "seed_example")
    assert answer.content == seed_example()
    assert answer.json()["data"]["task_id"] == "57b9ba07db5e4ed5bf18ebb4179a826d"
    assert (Path(__file__).parents[2] / "simulator/seed_example.json").read_bytes() == answer.content


def test_variants_of_a_kind_differ_in_detail(client: httpx.Client) -> None:
    """The rest of the id is the seed of what does not matter."""
    one, other = (fetch(client, "success", number).json()["data"]["data"] for number in (1, 2))
    assert one["id"] != other["id"]
    assert one.keys() == other.keys()


def test_shapes_around_the_work(client: httpx.Client) -> None:
    """Where the work is found in each of them."""
    assert document(client, "work_envelope")["code"] == 200
    assert document(client, "work_envelope")["data"]["web_work_status"] == 200
    assert document(client, "work_running")["data"]["web_work_status"] == 100
    assert "code" not in document(client, "bare_work")
    assert document(client, "nested_gateway")["data"]["data"]["data"]["web_work_status"] == 200
    inner = document(client, "nested_gateway_task")["data"]["data"]["data"]
    assert inner["status"] == "succeeded"
    assert inner["data"]["web_work_status"] == 200


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("submitted", None), ("empty_text_payload", ""), ("empty_object_payload", {}), ("empty_list_payload", [])],
)
def test_there_are_many_ways_to_say_that_no_work_exists(client: httpx.Client, kind: str, payload: object) -> None:
    assert document(client, kind)["data"]["data"] == payload


def test_oddities_of_the_task(client: httpx.Client) -> None:
    """Each kind shows its own."""
    tasks = {
        kind: document(client, kind)["data"] for kind in KINDS if expected_outcome(kind) == "task" and _plain(kind)
    }
    assert json.loads(tasks["payload_string"]["data"])["web_work_status"] == 200
    assert tasks["provider_words"]["status"] in ("succeeded", "Succeed", "COMPLETED", "done")
    assert tasks["unknown_status"]["status"] == "Archiving"
    assert tasks["millisecond_times"]["finish_time"] == 1000 * tasks["success"]["finish_time"]
    assert tasks["string_numbers"]["finish_time"] == str(tasks["success"]["finish_time"])
    assert [tasks[kind]["progress"] for kind in ("success", "numeric_progress", "bare_text_progress")] == [
        "100%", 100, "100",
    ]  # fmt: skip
    assert tasks["empty_progress"]["progress"] == ""
    assert tasks["url_in_fail_reason"]["fail_reason"].startswith("https://")
    assert tasks["finish_time_missing"]["finish_time"] == 0
    assert tasks["upstream_model_only"]["properties"]["origin_model_name"] == ""
    assert tasks["failure_provider"]["result_url"] == tasks["failure_provider"]["fail_reason"] != ""
    assert tasks["failure_gateway_timeout"]["data"]["web_work_status"] == 100
    assert tasks["failure_input"]["data"] is None
    assert "priority" in tasks["unknown_field"]


def _plain(kind: str) -> bool:
    return kind not in ("bare_work", "byte_order_mark", "deep_nesting", "flaky", "flaky_throttled", "invalid_utf8")


def test_oddities_of_the_parameters(client: httpx.Client) -> None:
    """A string, a string in a string, an object, nothing, or half of it."""
    kinds = ("success", "double_encoded_params", "object_params", "empty_params", "broken_params")
    plain, double, parsed, empty, broken = (
        document(client, kind)["data"]["data"]["animate_params_str"] for kind in kinds
    )
    assert "pt_infos" in json.loads(plain)
    assert "pt_infos" in json.loads(json.loads(double))
    assert "pt_infos" in parsed
    assert empty == ""
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        json.loads(broken)


def test_retry_after_comes_in_both_forms(client: httpx.Client) -> None:
    assert fetch(client, "throttled_seconds").headers["retry-after"] == "1"
    assert fetch(client, "throttled_date").headers["retry-after"].endswith("GMT")
    assert "retry-after" not in fetch(client, "throttled").headers


def test_a_flaky_task_heals_at_the_third_attempt(client: httpx.Client) -> None:
    """Per id."""
    assert [fetch(client, "flaky", 7).status_code for _ in range(4)] == [503, 503, 200, 200]
    assert [fetch(client, "flaky_throttled", 7).status_code for _ in range(3)] == [429, 429, 200]


def test_a_length_is_missing_only_where_that_is_the_point(client: httpx.Client) -> None:
    assert "content-length" not in fetch(client, "chunked").headers
    assert "content-length" not in fetch(client, "oversized_chunked").headers
    assert int(fetch(client, "gzip_bomb").headers["content-length"]) < 100_000
