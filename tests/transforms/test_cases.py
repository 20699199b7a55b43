"""Answers that real gateways gave, one file each in `cases/`, with the values that a careful person expects of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.transforms.answers import answer, flatten, in_one_batch

CASES = Path(__file__).parent / "cases"
SEEN_AT = datetime(2026, 9, 22, tzinfo=UTC)
SUBMITTED = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
INLINE = "data:video/mp4;base64 (182 characters)"

#: By file: what the row in `tasks` says, with the flags it must not have behind a minus.
TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "01-kling-failed-message-succeed": (
        {"status": "FAILURE", "fail_reason": "Image pixel is invalid", "fail_class": "input"}, "",
    ),
    "03-hailuo-inner-fail": ({"status": "FAILURE", "fail_class": "content_policy"}, "-outer_inner_disagree"),
    "05-hailuo-outer-Fail": ({"status": "FAILURE", "status_raw": "Fail", "fail_class": "content_policy"}, ""),
    "06-hailuo-outer-Preparing": ({"status": "QUEUED", "status_raw": "Preparing"}, "-status_unknown"),
    "10-sora-failed-error-in-payload": (
        {"fail_reason": "Your request was blocked by our moderation system.", "fail_class": "content_policy"}, "",
    ),
    "11-veo-data-url-in-fail_reason": (
        {"result_url": INLINE, "fail_reason": None}, "-result_missing -reason_on_success",
    ),
    "12-veo-data-url-in-result_url": ({"status": "SUCCESS", "result_url": INLINE}, "-result_missing"),
    "13-relative-result_url": ({"result_url": "/v1/videos/field-a13/content"}, "-result_missing"),
    "21-work-status-minus-1": ({"status": "FAILURE", "status_raw": "-1", "is_terminal": True}, ""),
    "24-outer-failure-inner-minus-1": ({"status": "FAILURE"}, "-outer_inner_disagree"),
    "26-iso-times": ({"submit_time": SUBMITTED, "finish_time": None, "latency_seconds": None}, "finish_missing"),
    "27-progress-fraction-1.0": ({"progress_pct": None}, ""),
    "31-lone-surrogate": ({"status": "SUCCESS", "result_url": "https://f.example/a.mp4"}, "text_repaired"),
    "53-result_url-space-around": ({"result_url": "https://cdn.example/a.mp4"}, "-result_missing"),
    "54-result_url-space-inside": ({"result_url": "https://cdn.example/My video (1).mp4"}, "-result_missing"),
    "58-result_url-json-list": ({"result_url": "https://cdn.example/a.mp4"}, "-result_missing"),
    "74-other-tasks-answer": ({"status": "SUCCESS", "result_url": "https://a.example/b.mp4"}, "task_id_differs"),
    "61-fail_reason-null-literal": ({"status": "FAILURE", "fail_reason": None, "fail_class": "unknown"}, ""),
}  # fmt: skip

#: By file: outcome, what the gateway said, the reason for quarantine.
OTHERS: dict[str, tuple[str, str | None, str | None]] = {
    "17-success-false-db-error": ("server_error", "database is locked (5) (SQLITE_BUSY)", None),
    "18-success-false-not-logged-in": ("server_error", "无权进行此操作，未登录且未提供 access token", None),
    "37-cloudflare-challenge-403": ("malformed", None, "html"),
    "42-quota-403": ("denied", "用户额度不足, 剩余额度: ＄0.000000 (request id: 2026)", None),
    "46-code-5-msg-field": ("malformed", "The uploaded audio could not be processed", "renamed_envelope"),
    "49-success-false-busy": ("server_error", "server busy, try again later", None),
}

#: By file: the paths of what is reported as drift.
DRIFT = {
    "26-iso-times": ["$.data.finish_time", "$.data.submit_time"],
    "27-progress-fraction-1.0": ["$.data.progress"],
    "46-code-5-msg-field": ["$.data"],
}


def answer_of(name: str) -> dict[str, Any]:
    case = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return answer(
        case["body"].encode(),
        task_id=case["task_id"],
        http_status=case["status"],
        content_type=case["headers"]["Content-Type"],
        observed_at=SEEN_AT,
    )


of_case = in_one_batch(answer_of(name) for name in (*TASKS, *OTHERS))


def test_every_case_has_its_expectation() -> None:
    """None lies here unread."""
    assert {path.stem for path in CASES.glob("*.json")} == TASKS.keys() | OTHERS.keys()


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_read_as_a_careful_person_would(name: str) -> None:
    """Its values and its flags, and no row in quarantine."""
    values, flags = TASKS[name]
    frames = of_case(answer_of(name))
    row = frames.tasks.row(0, named=True)
    assert {column: row[column] for column in values} == values
    for flag in flags.split():
        assert (flag.removeprefix("-") in row["quality_flags"]) != flag.startswith("-"), flag
    assert frames.quarantine.is_empty()


@pytest.mark.parametrize("name", OTHERS)
def test_an_answer_without_a_task_says_why(name: str) -> None:
    """By its outcome, with the gateway's own words in a column; `missing` is none of them."""
    outcome, message, reason = OTHERS[name]
    frames = of_case(answer_of(name))
    assert frames.observations.select("outcome", "message").rows() == [(outcome, message)]
    assert frames.quarantine["reason"].to_list() == ([reason] if reason else [])
    if reason and message:
        assert message in frames.quarantine["detail"].item()
    assert frames.tasks.is_empty()


@pytest.mark.parametrize("name", DRIFT)
def test_an_unexpected_field_is_reported(name: str) -> None:
    """By its path."""
    assert sorted(flatten(answer_of(name)).schema_drift["json_path"]) == DRIFT[name]


def test_half_a_character_is_replaced_and_the_rest_of_the_text_stands() -> None:
    """The archive keeps the bytes."""
    assert of_case(answer_of("31-lone-surrogate")).works["work_name"].to_list() == ["hello \ufffd"]
