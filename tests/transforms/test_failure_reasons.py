"""Why a task failed, wherever in its answer that is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transforms.answers import EXAMPLE, answer, dumps, in_one_batch, task

NO_REASONS = ["", " ", "SUCCEED", "success", "Ok", "null", "None", "succeeded", "成功", None]
WORK = EXAMPLE["data"]["data"]
WHY = "face is covered"
DEEPER: list[Any] = [
    pytest.param({"task_status": "failed", "task_status_msg": WHY}, WHY, id="task_status_msg"),
    pytest.param({"code": 0, "message": "SUCCEED", "data": {"task_status_msg": WHY}}, WHY, id="of the inner object"),
    pytest.param({"message": "outer", "data": {"data": {"msg": WHY}}}, WHY, id="the innermost one speaks"),
    pytest.param({"error": {"code": "x", "message": WHY}}, WHY, id="error.message"),
    pytest.param({"error": WHY}, WHY, id="error in a word"),
    pytest.param({"errors": [{"message": WHY}, {"message": "more"}]}, WHY, id="the first of several errors"),
    pytest.param({"base_resp": {"status_code": 1027, "status_msg": WHY}}, WHY, id="status_msg"),
    pytest.param({"err_msg": WHY}, WHY, id="err_msg"),
    pytest.param({"failMsg": WHY, "state": "fail"}, WHY, id="failMsg"),
    pytest.param({"msg": "ok", "message": WHY}, WHY, id="ok is no reason there either"),
    pytest.param(dumps({"data": {"msg": WHY}}).decode(), WHY, id="JSON in a string"),
    pytest.param([{"message": WHY}], WHY, id="in a list"),
    pytest.param({"message": "half \ud83d"}, "half \ufffd", id="with half a character"),
    pytest.param({"status": "processing", "message": "3rd in the queue"}, None, id="an object that still runs"),
    pytest.param({"status": "succeeded", "message": "rendered"}, None, id="an object that succeeded"),
    pytest.param({"input": {"message": "say hello"}}, None, id="what the user wrote"),
    pytest.param(WORK, None, id="a work"),
    pytest.param(None, None, id="nothing"),
    pytest.param({"message": {"text": WHY}}, None, id="no text"),
]


def failed(payload: object, reason: object = "") -> dict[str, Any]:
    return answer(task(status="FAILURE", fail_reason=reason, data=payload))


deeper = in_one_batch(failed(case.values[0]) for case in DEEPER)
no_reasons = in_one_batch(failed({"error": {"message": WHY}}, reason) for reason in NO_REASONS)


@pytest.mark.parametrize(("payload", "expected"), DEEPER)
def test_the_reason_is_what_the_innermost_object_that_failed_says(payload: object, expected: str | None) -> None:
    """And none where no object that failed says any."""
    assert deeper(failed(payload)).tasks["fail_reason"].to_list() == [expected]


@pytest.mark.parametrize("reason", NO_REASONS)
def test_a_word_for_success_is_not_a_reason(reason: object) -> None:
    """The true one is looked for deeper."""
    assert no_reasons(failed({"error": {"message": WHY}}, reason)).tasks["fail_reason"].to_list() == [WHY]


def test_a_reason_of_the_task_itself_stands() -> None:
    """Whatever its payload says."""
    frames = in_one_batch([failed({"message": WHY}, "bad audio")])(failed({"message": WHY}, "bad audio"))
    assert frames.tasks["fail_reason"].to_list() == ["bad audio"]


def test_a_work_alone_that_failed_has_the_reason_of_its_envelope() -> None:
    """It has no task to say one."""
    body = {"code": 500, "message": WHY, "data": WORK | {"web_work_status": -1}}
    frames = in_one_batch([answer(body)])(answer(body))
    assert frames.tasks.select("status", "fail_reason", "is_terminal").rows() == [("FAILURE", WHY, True)]


def test_a_payload_too_deep_to_follow_has_no_reason() -> None:
    """And harms nothing."""
    body = dumps(task(status="FAILURE", fail_reason="", data="@"))
    deep = answer(body.replace(b'"@"', b'{"data":' * 50_000 + b'{"message":"x"}' + b"}" * 50_000))
    assert in_one_batch([deep])(deep).tasks["fail_reason"].to_list() == [None]
