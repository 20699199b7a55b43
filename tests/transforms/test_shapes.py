"""Every shape of an answer and every answer that is not a task, each with the row it must become."""

import json
from typing import Any

import pytest

from tests.transforms.answers import (
    EXAMPLE,
    EXAMPLE_ID,
    answer,
    dumps,
    flatten,
    in_one_batch,
    outcome,
    quarantined,
    task,
    task_row,
    without,
    work,
)

TASK = EXAMPLE["data"]
WORK = TASK["data"]
EMPTY_PAYLOADS: list[Any] = [None, "", {}, [], "null", "{}", " "]
INNER_TASK = TASK | {"task_id": "f" * 32, "status": "succeeded", "action": "other", "submit_time": 1736868742}


def wrapped(data: object, code: object = "success") -> dict[str, object]:
    return {"code": code, "message": "", "data": data}


def layers(count: int, inside: object) -> object:
    """`inside` in so many envelopes."""
    return inside if count == 0 else wrapped(layers(count - 1, inside))


SHAPES: list[Any] = [
    pytest.param(EXAMPLE, "task_envelope", "avatar-generate", True, id="task envelope"),
    pytest.param(wrapped(TASK, 200), "task_envelope", "avatar-generate", True, id="numeric code"),
    pytest.param(wrapped(TASK, "200"), "task_envelope", "avatar-generate", True, id="numeric code as text"),
    pytest.param(without(EXAMPLE, "code"), "task_envelope", "avatar-generate", True, id="no code"),
    pytest.param(TASK, "task_envelope", "avatar-generate", True, id="the task alone"),
    pytest.param(task(data=json.dumps(WORK)), "task_envelope", "avatar-generate", True, id="payload as a JSON string"),
    pytest.param(
        task(data=json.dumps(json.dumps(WORK))), "task_envelope", "avatar-generate", True, id="payload encoded twice"
    ),
    pytest.param(
        task(data=json.dumps(json.dumps(json.dumps(WORK)))),
        "task_envelope",
        "avatar-generate",
        True,
        id="payload encoded three times",
    ),
    pytest.param(json.dumps(EXAMPLE), "task_envelope", "avatar-generate", True, id="the whole as a JSON string"),
    *(
        pytest.param(task(data=nothing), "task_envelope", "avatar-generate", False, id=f"payload {nothing!r}")
        for nothing in EMPTY_PAYLOADS
    ),
    pytest.param(without(EXAMPLE, "data", "data"), "task_envelope", "avatar-generate", False, id="no payload"),
    pytest.param(wrapped(WORK, 0), "work_envelope", None, True, id="work envelope"),
    pytest.param(WORK, "bare_work", None, True, id="bare work"),
    pytest.param(task(data=wrapped(WORK)), "nested_gateway", "avatar-generate", True, id="gateway behind, work"),
    pytest.param(task(data=wrapped(INNER_TASK)), "nested_gateway", "avatar-generate", True, id="gateway behind, task"),
    pytest.param(
        task(data=json.dumps(wrapped(INNER_TASK))),
        "nested_gateway",
        "avatar-generate",
        True,
        id="gateway behind, as a string",
    ),
    pytest.param(
        task(data=wrapped(INNER_TASK | {"data": wrapped(INNER_TASK | {"data": wrapped(WORK)})})),
        "nested_gateway",
        "avatar-generate",
        True,
        id="three gateways behind one",
    ),
    pytest.param(layers(6, TASK), "nested_gateway", "avatar-generate", True, id="six envelopes around the task"),
]


shaped = in_one_batch(answer(case.values[0]) for case in SHAPES)


@pytest.mark.parametrize(("body", "shape", "action", "has_work"), SHAPES)
def test_every_shape_is_recognised(body: object, shape: str, action: str | None, *, has_work: bool) -> None:
    """The outermost task speaks; the work comes from wherever it stands."""
    frames = shaped(answer(body))
    row = frames.tasks.row(0, named=True)
    assert (row["task_id"], row["shape"], row["action"]) == (EXAMPLE_ID, shape, action)
    assert (row["status"], row["is_terminal"]) == ("SUCCESS", True)
    assert frames.works["id"].to_list() == ([WORK["id"]] if has_work else [])
    assert frames.pt_infos.height == has_work
    assert frames.observations["outcome"].to_list() == ["task"]
    assert frames.quarantine.is_empty()


def test_no_shape_is_a_surprise() -> None:
    """What a gateway is known to send is no drift, wherever it stands."""
    assert flatten(*(answer(case.values[0]) for case in SHAPES)).schema_drift.is_empty()


def test_a_gateway_behind_a_gateway_does_not_lend_its_times_or_its_status() -> None:
    """Only the work is taken from inside; that the two disagree is a flag."""
    inner = INNER_TASK | {"status": "processing", "finish_time": 0, "progress": "30%"}
    row = task_row(task(data=wrapped(inner)))
    assert (row["status"], row["latency_seconds"], row["progress_pct"]) == ("SUCCESS", 53.0, 100.0)
    assert row["provider_latency_seconds"] == 172.981
    assert "outer_inner_disagree" in row["quality_flags"]


@pytest.mark.parametrize("levels", [20, 400])
def test_too_many_gateways_are_no_task_but_no_error_either(levels: int) -> None:
    """No gateway nests that deep; such an answer goes to quarantine."""
    assert quarantined(layers(levels, TASK)) == "unknown_shape"


def test_a_payload_too_deep_to_follow_is_drift_and_the_task_stands() -> None:
    """Encoded over and over: the task is read, what is in the string is not, and that is said."""
    payload = json.dumps(WORK)
    for _ in range(6):
        payload = json.dumps(payload)
    frames = flatten(answer(task(data=payload)))
    assert frames.tasks["status"].to_list() == ["SUCCESS"]
    assert frames.works.is_empty()
    assert frames.schema_drift["json_path"].to_list() == ["$.data.data"]


@pytest.mark.parametrize(
    ("payload", "json_type"),
    [
        pytest.param("queued", "VARCHAR", id="a word"),
        pytest.param({"state": 2}, "OBJECT", id="an object that is no work"),
        pytest.param({"error": {"message": "upstream"}}, "OBJECT", id="an error"),
        pytest.param([1], "ARRAY", id="a list"),
        pytest.param(7, "UBIGINT", id="a number"),
        pytest.param("[1]", "ARRAY", id="a list in a string"),
        pytest.param('{"cut', "VARCHAR", id="a string that holds half of something"),
    ],
)
def test_a_payload_that_is_not_a_work_is_drift(payload: object, json_type: str) -> None:
    """The task stands without a work."""
    frames = flatten(answer(task(data=payload)))
    assert frames.tasks.height == 1
    assert frames.works.is_empty()
    [row] = frames.schema_drift.rows(named=True)
    assert (row["json_path"], row["kind"], row["json_type"]) == ("$.data.data", "type_mismatch", json_type)


WORKS_ALONE: list[Any] = [
    pytest.param(200, "SUCCESS", "200", id="200"),
    pytest.param("200", "SUCCESS", "200", id="200 as text"),
    pytest.param(200.0, "SUCCESS", "200", id="200 with a point"),
    pytest.param(100, "UNKNOWN", "100", id="100"),
    pytest.param(0, "IN_PROGRESS", "0", id="0"),
    pytest.param(-1, "FAILURE", "-1", id="-1"),
    pytest.param("-2", "FAILURE", "-2", id="-2 as text"),
    pytest.param("done", "UNKNOWN", None, id="a word"),
    pytest.param(None, "UNKNOWN", None, id="null"),
]


def alone(web_work_status: object, *, in_envelope: bool) -> object:
    bare = work(web_work_status=web_work_status)["data"]["data"]
    return wrapped(bare, 200) if in_envelope else bare


works_alone = in_one_batch(
    answer(alone(case.values[0], in_envelope=wrap)) for case in WORKS_ALONE for wrap in (True, False)
)


@pytest.mark.parametrize(("web_work_status", "status", "raw"), WORKS_ALONE)
@pytest.mark.parametrize("in_envelope", [True, False])
def test_a_work_alone_speaks_through_its_own_status(
    web_work_status: object, status: str, raw: str | None, *, in_envelope: bool
) -> None:
    """200 is SUCCESS, below 0 is FAILURE, 0 still runs, and anything else is unknown and never an end."""
    row = works_alone(answer(alone(web_work_status, in_envelope=in_envelope))).tasks.row(0, named=True)
    assert (row["status"], row["status_raw"], row["is_terminal"]) == (status, raw, status in ("SUCCESS", "FAILURE"))
    assert row["submit_time"] is row["latency_seconds"] is row["fail_reason"] is None
    assert (row["result_url"] is not None) == (status == "SUCCESS")


MISSING = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
FAILED = {"code": "get_task_failed", "message": "get_task_failed", "data": None}


def error(message: str, kind: str = "new_api_error") -> dict[str, Any]:
    return {"error": {"message": f"{message} (request id: 7)", "type": kind}}


NON_ANSWERS: list[Any] = [
    pytest.param(MISSING, {"http_status": 400}, "missing", None, id="unknown id"),
    pytest.param(MISSING, {"http_status": 404}, "missing", None, id="unknown id with 404"),
    pytest.param(MISSING, {}, "missing", None, id="unknown id with 200"),
    pytest.param(wrapped(None), {}, "missing", None, id="nothing known"),
    pytest.param(wrapped({}), {}, "missing", None, id="nothing known, empty object"),
    pytest.param(wrapped(wrapped(None)), {}, "missing", None, id="the gateway behind knows nothing"),
    pytest.param({"code": "success"}, {}, "malformed", "unknown_shape", id="no data, so nothing is said of it"),
    pytest.param(wrapped(None, 0), {}, "missing", None, id="nothing known, code 0"),
    pytest.param(FAILED, {"http_status": 500}, "server_error", None, id="database failed"),
    pytest.param(FAILED, {}, "server_error", None, id="database failed with 200"),
    pytest.param(error("Panic detected"), {"http_status": 500}, "server_error", None, id="panic"),
    pytest.param(error("overloaded"), {"http_status": 503}, "server_error", None, id="overload"),
    pytest.param(b"<html>nginx</html>", {"http_status": 502}, "server_error", None, id="the proxy's page"),
    pytest.param(b"", {"http_status": 504}, "server_error", None, id="504 without a body"),
    pytest.param(error("slow"), {"http_status": 408}, "server_error", None, id="request timeout"),
    pytest.param(error("Invalid token"), {"http_status": 401}, "denied", None, id="bad key"),
    pytest.param(error("IP"), {"http_status": 403}, "denied", None, id="wrong address"),
    pytest.param(b"", {"http_status": 401}, "denied", None, id="bad key without a body"),
    pytest.param(error("Too many"), {"http_status": 429}, "throttled", None, id="rate limit"),
    pytest.param(b"", {"http_status": 429}, "throttled", None, id="rate limit with an empty body"),
    pytest.param(None, {"http_status": None, "error": "connect: refused"}, "transport_error", None, id="no connection"),
    pytest.param(None, {"http_status": None}, "transport_error", None, id="nothing at all"),
    pytest.param(b'{"co', {"error": "truncated: 4 of 9 bytes"}, "transport_error", None, id="cut on the way"),
    pytest.param(None, {"error": "timeout: 30 s"}, "transport_error", None, id="headers, then silence"),
    pytest.param(dumps(EXAMPLE), {"body_cut": True}, "oversized", "oversized", id="longer than the limit"),
    pytest.param(
        None, {"error": "redirect: to /login", "http_status": 302}, "malformed", "redirect", id="a redirect refused"
    ),
    pytest.param(b"", {"http_status": 302}, "malformed", "empty_body", id="a redirect"),
    pytest.param(None, {"error": "encoding: not gzip"}, "malformed", "wrong_encoding", id="not the encoding it says"),
    pytest.param(
        b"<!doctype html><html></html>", {"content_type": "text/html"}, "malformed", "html", id="the dashboard"
    ),
    pytest.param(
        b"\n <HTML>", {"content_type": "text/html", "http_status": 404}, "malformed", "html", id="a page with 404"
    ),
    pytest.param(error("Invalid URL (GET /v1/x)"), {"http_status": 404}, "malformed", "wrong_path", id="wrong path"),
    pytest.param(error("odd"), {"http_status": 418}, "malformed", "http_error", id="another status"),
    pytest.param(EXAMPLE, {"http_status": 418}, "malformed", "http_error", id="a task with another status"),
    pytest.param(error("odd"), {}, "malformed", "error_answer", id="an error with 200"),
    pytest.param({"error": "odd"}, {}, "malformed", "error_answer", id="an error in a word with 200"),
    pytest.param(wrapped(None, "quota_exceeded"), {}, "malformed", "error_answer", id="another code"),
    pytest.param(b"", {}, "malformed", "empty_body", id="empty"),
    pytest.param(None, {}, "malformed", "empty_body", id="no body"),
    pytest.param(b"OK", {"content_type": "text/plain"}, "malformed", "not_json", id="a word"),
    pytest.param(b"   ", {}, "malformed", "not_json", id="blanks"),
    pytest.param(dumps(EXAMPLE)[:1000], {}, "malformed", "not_json", id="cut short"),
    pytest.param(dumps(EXAMPLE) + b"}", {}, "malformed", "not_json", id="something behind"),
    pytest.param(b"null", {}, "malformed", "unknown_shape", id="null"),
    pytest.param(b"[]", {}, "malformed", "unknown_shape", id="a list"),
    pytest.param(b"{}", {}, "malformed", "unknown_shape", id="an empty object"),
    pytest.param(b'"task"', {}, "malformed", "unknown_shape", id="a string"),
    pytest.param(b"17", {}, "malformed", "unknown_shape", id="a number"),
    pytest.param(dumps([EXAMPLE]), {}, "malformed", "unknown_shape", id="a list with the task in it"),
    pytest.param(b'{"result":{"state":2}}', {}, "malformed", "unknown_shape", id="an object nobody knows"),
]


judged = in_one_batch(answer(case.values[0], **case.values[1]) for case in NON_ANSWERS)


@pytest.mark.parametrize(("body", "facts", "expected", "reason"), NON_ANSWERS)
def test_every_answer_that_is_not_a_task_has_an_outcome(
    body: object, facts: dict[str, Any], expected: str, reason: str | None
) -> None:
    """One observation, no task, and a row in quarantine exactly if nobody can read it."""
    frames = judged(answer(body, **facts))
    assert frames.observations["outcome"].to_list() == [expected]
    assert frames.quarantine["reason"].to_list() == ([reason] if reason else [])
    assert frames.tasks.is_empty()
    assert frames.works.is_empty()
    assert frames.schema_drift.is_empty()


def test_quarantine_describes_the_answer() -> None:
    """The gateway's own words if it has any, else the status and the content type; and how the body begins."""
    [row] = flatten(answer(error("Invalid URL"), http_status=404)).quarantine.rows(named=True)
    assert row["detail"] == "Invalid URL (request id: 7)"
    assert row["body_excerpt"].startswith('{"error"')
    [row] = flatten(answer(b"<html>" + b"x" * 1000, content_type="text/html")).quarantine.rows(named=True)
    assert row["detail"] == "HTTP 200, text/html"
    assert len(row["body_excerpt"]) == 300
    [row] = flatten(answer(None, error="redirect: to /login", http_status=302)).quarantine.rows(named=True)
    assert (row["detail"], row["body_excerpt"]) == ("redirect: to /login", None)
    [row] = flatten(answer(b"x", content_type=None)).quarantine.rows(named=True)
    assert row["detail"] == "HTTP 200, no content type"


def test_a_whole_task_counts_whatever_the_success_status_is() -> None:
    """Any of the 2xx."""
    assert outcome(EXAMPLE, http_status=201) == "task"


def test_one_bad_answer_among_good_ones_leaves_its_neighbours_untouched() -> None:
    """All of the above in one batch: each becomes what it becomes alone."""
    bad = [answer(*case.values[:1], **case.values[1]) | {"task_id": f"bad{n}"} for n, case in enumerate(NON_ANSWERS)]
    good = [answer(case.values[0]) | {"task_id": f"good{n}"} for n, case in enumerate(SHAPES)]
    mixed = [one for pair in zip(bad, good * 3, strict=False) for one in pair]
    together, alone = flatten(*mixed), flatten(*(one for one in mixed if one["task_id"].startswith("good")))
    assert together.tasks.equals(alone.tasks)
    assert together.works.equals(alone.works)
    assert together.pt_infos.equals(alone.pt_infos)
    outcomes = {row["task_id"]: row["outcome"] for row in together.observations.rows(named=True)}
    assert [outcomes[f"bad{n}"] for n in range(len(bad))] == [case.values[2] for case in NON_ANSWERS]
