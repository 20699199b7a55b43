"""Answers without a task: missing only by a known word or by nothing at all, else an error that can be read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transforms.answers import EXAMPLE, answer, dumps, flatten, in_one_batch
from tests.transforms.test_shapes import error, wrapped

TASK = EXAMPLE["data"]
WORK = TASK["data"]


def renamed_fields() -> dict[str, Any]:
    return {"TaskId": "x", "Status": "SUCCESS", "SubmitTime": 1}


REPLIES: list[Any] = [
    # known words
    pytest.param(
        {"code": "task_not_exist", "message": "", "data": None}, "missing", None, "task_not_exist", id="the code"
    ),
    pytest.param(
        {"code": 40004, "message": "Task not found.", "data": None},
        "missing",
        None,
        "Task not found.",
        id="the message",
    ),
    pytest.param(
        {"success": False, "message": "任务不存在", "data": None}, "missing", None, "任务不存在", id="in Chinese"
    ),
    pytest.param(
        error("task_not_exist") | {"x": 1}, "missing", None, "task_not_exist (request id: 7)", id="in an error"
    ),
    pytest.param(
        wrapped({"code": "task_not_exist", "message": "", "data": None}),
        "missing",
        None,
        "task_not_exist",
        id="from the gateway behind",
    ),
    pytest.param({"code": "record not found", "data": None}, "missing", None, "record not found", id="the row"),
    pytest.param(
        {"code": "x", "message": "record not found"}, "malformed", "error_answer", "record not found", id="any row"
    ),
    # nothing at all
    pytest.param({"data": None}, "missing", None, None, id="only empty data"),
    pytest.param(
        {"success": True, "message": "ok", "data": {}, "request_id": "7"},
        "missing",
        None,
        None,
        id="success, and no task",
    ),
    pytest.param(
        {"code": 0, "msg": "success", "data": [], "time": 1790000000}, "missing", None, None, id="an empty list"
    ),
    pytest.param({"code": "success", "message": "", "data": "null"}, "missing", None, None, id="null in a string"),
    # errors of the gateway
    pytest.param(
        {"success": False, "message": "database is locked", "data": None},
        "server_error",
        None,
        "database is locked",
        id="success false",
    ),
    pytest.param({"success": False, "data": None}, "server_error", None, None, id="success false without a word"),
    pytest.param({"success": "false", "msg": "busy"}, "server_error", None, "busy", id="success false as text"),
    pytest.param({"Success": False, "Message": "busy", "Data": None}, "server_error", None, "busy", id="in capitals"),
    pytest.param(
        {"status": "error", "message": "no such table", "data": None},
        "server_error",
        None,
        "no such table",
        id="status error",
    ),
    pytest.param(
        {"status_code": "50001", "status_msg": "overload", "data": None},
        "server_error",
        None,
        "overload",
        id="status_code",
    ),
    pytest.param(
        {"base_resp": {"status_code": 1004, "status_msg": "login fail"}},
        "server_error",
        None,
        "login fail",
        id="base_resp",
    ),
    pytest.param({"data": None, "errors": [{"message": "timeout"}]}, "server_error", None, "timeout", id="errors"),
    pytest.param({"data": None, "errors": ["timeout"]}, "server_error", None, "timeout", id="errors in words"),
    pytest.param({"data": None, "errors": []}, "missing", None, None, id="no errors"),
    pytest.param(
        wrapped({"code": "get_task_failed", "message": "", "data": None}),
        "server_error",
        None,
        "get_task_failed",
        id="the gateway behind failed",
    ),
    # something else
    pytest.param(
        {"code": "success", "message": "server busy", "data": None},
        "malformed",
        "error_answer",
        "server busy",
        id="a message",
    ),
    pytest.param(
        wrapped({"code": "quota", "message": "no quota", "data": None}),
        "malformed",
        "error_answer",
        "no quota",
        id="an error of the gateway behind",
    ),
    pytest.param(
        {"code": "success", "data": None, "total": 0}, "malformed", "unknown_shape", None, id="a number nobody knows"
    ),
    pytest.param(
        {"code": "success", "data": None, "hint": "moved"}, "malformed", "unknown_shape", None, id="a word nobody knows"
    ),
    *(
        pytest.param({"code": "success", "data": broken}, "malformed", "unknown_shape", None, id=f"data is {broken!r}")
        for broken in ('{"task_id"', "{'task_id': 'x'}", '"', "[")
    ),
    pytest.param({"code": "success", "data": False}, "malformed", "unknown_shape", None, id="data is false"),
    pytest.param({"code": "success", "data": 0}, "malformed", "unknown_shape", None, id="data is 0"),
    pytest.param(b'{"code":"success","data":null,"data":{"x":1}}', "malformed", "unknown_shape", None, id="data twice"),
]
RENAMED: list[Any] = [
    pytest.param({"code": 0, "result": TASK}, "$.result", id="result"),
    pytest.param({"code": "success", "Data": TASK}, "$.Data", id="Data"),
    pytest.param({"code": 0, "data": None, "payload": TASK}, "$.payload", id="payload beside data"),
    pytest.param({"response": {"code": 0, "data": TASK}}, "$.response.data", id="an envelope in response"),
    pytest.param({"success": True, "task": TASK}, "$.task", id="task"),
    pytest.param({"code": 0, "result": WORK}, "$.result", id="a work"),
    pytest.param({"code": 0, "result": dumps(TASK).decode()}, "$.result", id="JSON in a string"),
    pytest.param({"code": 0, "data": [TASK]}, "$.data[*]", id="a list of one"),
    pytest.param({"code": 0, "data": renamed_fields()}, "$.data", id="fields of other names"),
    pytest.param(renamed_fields(), "$", id="the same alone"),
    pytest.param({"code": 0, "data": {"items": [TASK]}}, "$.data.items[*]", id="a page of a list"),
]
judged = in_one_batch(answer(case.values[0]) for case in [*REPLIES, *RENAMED])


@pytest.mark.parametrize(("body", "outcome", "reason", "message"), REPLIES)
def test_an_answer_without_a_task_is_missing_only_if_it_says_so(
    body: object, outcome: str, reason: str | None, message: str | None
) -> None:
    """By a known word, or by `data` that is empty beside nothing else; what else was said is in a column."""
    frames = judged(answer(body))
    assert frames.observations.select("outcome", "message").rows() == [(outcome, message)]
    assert frames.quarantine["reason"].to_list() == ([reason] if reason else [])
    assert frames.tasks.is_empty()


@pytest.mark.parametrize(("body", "path"), RENAMED)
def test_a_task_under_other_names_is_in_quarantine_and_drift(body: object, path: str) -> None:
    """With a reason of its own, which says where the task stands."""
    frames = flatten(answer(body))
    assert frames.observations["outcome"].to_list() == ["malformed"]
    assert frames.quarantine["reason"].to_list() == ["renamed_envelope"]
    assert frames.quarantine["detail"].item().startswith(f"a task under unexpected keys is at {path}")
    drift = frames.schema_drift.select("json_path", "kind", "json_type", "example_task_id")
    assert drift.rows() == [(path, "unknown_field", "OBJECT", TASK["task_id"])]


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_error_status_is_in_quarantine_with_what_was_said(status: int) -> None:
    """A retry may help, so it is polled again."""
    frames = flatten(answer({"success": False, "message": "busy"}, http_status=status))
    assert frames.observations.select("outcome", "message").rows() == [("malformed", "busy")]
    assert frames.quarantine["detail"].to_list() == ["busy"]


REFUSALS: list[Any] = [
    pytest.param(error("no quota"), 403, "denied", None, id="403 by the gateway"),
    pytest.param(error("bad key"), 401, "denied", None, id="401 by the gateway"),
    pytest.param(b"<!DOCTYPE html>", 401, "denied", None, id="401 by whomever"),
    pytest.param(b"<!DOCTYPE html>", 403, "malformed", "html", id="403 with a page"),
    pytest.param({"error": "forbidden"}, 403, "denied", None, id="403 with a word"),
    pytest.param({"code": "forbidden", "message": ""}, 403, "denied", None, id="403 with a code"),
    pytest.param({"code": "forbidden"}, 403, "malformed", "http_error", id="403 with nothing but a code"),
    pytest.param({"success": False, "message": "forbidden"}, 403, "malformed", "http_error", id="403 by another"),
    pytest.param({"error": {"message": "x"}}, 403, "denied", None, id="403 without a type"),
    pytest.param({"error": {"status": 403}}, 403, "malformed", "http_error", id="403 without a message"),
    pytest.param(b"Forbidden", 403, "malformed", "http_error", id="403 with a text"),
    pytest.param(b"", 403, "malformed", "empty_body", id="403 with nothing"),
    pytest.param(EXAMPLE, 403, "malformed", "http_error", id="403 with a task"),
]
refused = in_one_batch(answer(case.values[0], http_status=case.values[1]) for case in REFUSALS)


@pytest.mark.parametrize(("body", "status", "outcome", "reason"), REFUSALS)
def test_only_the_gateway_itself_refuses_a_key(body: object, status: int, outcome: str, reason: str | None) -> None:
    """By 401, or by 403 with its own error envelope; a proxy's 403 is a row in quarantine."""
    frames = refused(answer(body, http_status=status))
    assert frames.observations["outcome"].to_list() == [outcome]
    assert frames.quarantine["reason"].to_list() == ([reason] if reason else [])


def test_a_message_is_cut_at_500_characters() -> None:
    """A column is no place for a megabyte; the archive has it all."""
    frames = flatten(answer({"success": False, "message": "x" * 10_000}))
    assert frames.observations["message"].to_list() == ["x" * 500]


def test_an_answer_too_deep_to_follow_is_in_quarantine() -> None:
    """Half a million levels beside a code."""
    deep = b'{"code":"odd","x":' + b"[" * 500_000 + b"]" * 500_000 + b"}"
    frames = flatten(answer(deep))
    assert frames.observations["outcome"].to_list() == ["malformed"]
