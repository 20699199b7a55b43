"""Statuses, times, progress, reasons and classes: what a task's fields say, however they say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.transforms.answers import EXAMPLE, RULES, answer, dumps, flatten, in_one_batch, task
from transforms.failures import FailureRule
from transforms.values import STATUSES

START = datetime(2025, 1, 14, 15, 32, 41, tzinfo=UTC)
SECONDS = int(START.timestamp())


def _odd_case(word: str) -> list[str]:
    return [word.lower(), word.upper(), word.title(), f" {word.swapcase()}\n"]


STATUS_WORDS = [(said, status) for word, status in STATUSES.items() for said in _odd_case(word)]
UNKNOWN_WORDS: list[Any] = ["UNKNOWN", "unknown", "Archiving", "", " ", "succeeded!", None, 3, {"a": 1}]
words = in_one_batch(answer(task(status=word)) for word in [*(said for said, _ in STATUS_WORDS), *UNKNOWN_WORDS])


def test_the_words_are_those_of_the_documentation() -> None:
    """The gateway's seven but UNKNOWN, and the providers' nineteen."""
    assert len(STATUSES) == 6 + 4 + 6 + 3 + 6


@pytest.mark.parametrize(("said", "status"), STATUS_WORDS)
def test_every_word_for_a_status_is_understood_in_any_case(said: str, status: str) -> None:
    """And kept as it was said."""
    row = words(answer(task(status=said))).tasks.row(0, named=True)
    assert (row["status"], row["status_raw"]) == (status, said)
    assert row["is_terminal"] == (status in ("SUCCESS", "FAILURE"))


@pytest.mark.parametrize("said", UNKNOWN_WORDS)
def test_any_other_word_is_unknown_and_not_an_end(said: object) -> None:
    """Such a task is polled on: gateways behind gateways say `unknown` of tasks that later succeed."""
    row = words(answer(task(status=said))).tasks.row(0, named=True)
    assert (row["status"], row["is_terminal"], row["fail_class"]) == ("UNKNOWN", False, None)
    assert "status_unknown" in row["quality_flags"]


TIMES: list[Any] = [
    pytest.param(str(SECONDS), START, id="seconds"),
    pytest.param(str(SECONDS * 10**3 + 19), START + timedelta(milliseconds=19), id="milliseconds"),
    pytest.param(str(SECONDS * 10**6 + 19), START + timedelta(microseconds=19), id="microseconds"),
    pytest.param(str(SECONDS * 10**9), START, id="nanoseconds"),
    pytest.param(f'"{SECONDS}"', START, id="a string"),
    pytest.param(f'"{SECONDS}000"', START, id="a string of milliseconds"),
    pytest.param(f"{SECONDS}.5", START + timedelta(milliseconds=500), id="a fraction"),
    pytest.param("1736868761e0", START, id="with an exponent"),
    pytest.param("1577836800", datetime(2020, 1, 1, tzinfo=UTC), id="the first second"),
    pytest.param("1577836800000", datetime(2020, 1, 1, tzinfo=UTC), id="the first second in milliseconds"),
    *(
        pytest.param(f'"{said}"', START + timedelta(seconds=more), id=said)
        for said, more in (
            ("2025-01-14T15:32:41Z", 0), ("2025-01-14t15:32:41.250z", 0.25), ("2025-01-14 15:32:41Z", 0),
            ("2025-01-14T23:32:41+08:00", 0), ("2025-01-14T23:32:41.5+0800", 0.5), ("2025-01-14T16:32:41+01", 0),
            ("2025-01-14T10:32:41.123456789-05:00", 0.123456), (" 2025-01-14T15:32:41,5Z ", 0.5),
            ("2025-01-14 23:32:41 +0800 CST", 0), ("2025-01-14 15:32:41 UTC", 0), ("2025-01-14T15:32Z", -41),
        )
    ),
    *(
        pytest.param(odd, None, id=odd)
        for odd in (
            "0", '"0"', "null", '""', "-1", "1", "999999999", "99999999999.5e1", "1e300", "1e999", "-1736868761",
            "1e9", "1577836799", "1577836799999", "1e20", '"-1736868761"', '"1e20"',
            '"2025-01-14T15:32:41"', '"2025-01-14 15:32:41"', '"2025-01-14"', '"2025-13-14T15:32:41Z"',
            '"2025-01-14T15:32:41+99:00"', '"2019-12-31T23:59:59Z"', '"0001-01-01T00:00:00Z"',
            '"1970-01-01T00:00:00Z"', "NaN", "Infinity", '"NaN"', '"soon"', "true", "[]", "{}", "18446744073709551616",
            "123456789012345678901234567890",
        )
    ),
]  # fmt: skip


def start_time(written: str) -> dict[str, Any]:
    """The example's answer with `written`, which need not be JSON, for its start."""
    return answer(dumps(EXAMPLE).replace(b'"start_time": 0', f'"start_time": {written}'.encode()))


times = in_one_batch(start_time(case.values[0]) for case in TIMES)


@pytest.mark.parametrize(("written", "expected"), TIMES)
def test_the_unit_of_a_time_is_known_by_its_magnitude(written: str, expected: datetime | None) -> None:
    """0 means never recorded; what is no time is none, and its neighbours are read all the same."""
    row = times(start_time(written)).tasks.row(0, named=True)
    assert row["start_time"] == expected
    assert row["latency_seconds"] == 53.0


DURATIONS: list[Any] = [
    pytest.param((100, 130, 160), (30.0, 30.0, 60.0), id="all known"),
    pytest.param((100, None, 160), (None, None, 60.0), id="no start"),
    pytest.param((100, 130, None), (30.0, None, None), id="no end"),
    pytest.param((None, 130, 160), (None, 30.0, None), id="no submission"),
    pytest.param((100, 100, 100), (0.0, 0.0, 0.0), id="at once"),
    pytest.param((100, 90, 160), (None, 70.0, 60.0), id="started before it was submitted"),
    pytest.param((100, 130, 90), (30.0, None, None), id="finished before it was submitted"),
]


def spanning(instants: tuple[int | None, ...]) -> dict[str, Any]:
    found = [0 if at is None else SECONDS + at for at in instants]
    return answer(task(submit_time=found[0], start_time=found[1], finish_time=found[2]))


spans = in_one_batch(spanning(case.values[0]) for case in DURATIONS)


@pytest.mark.parametrize(("instants", "expected"), DURATIONS)
def test_a_duration_needs_both_ends_in_order(
    instants: tuple[int | None, ...], expected: tuple[float | None, ...]
) -> None:
    """Queue, run and latency; otherwise there is none."""
    row = spans(spanning(instants)).tasks.row(0, named=True)
    assert tuple(row[f"{name}_seconds"] for name in ("queue", "run", "latency")) == expected


PROGRESS: list[Any] = [
    *(pytest.param(said, 42.0, id=repr(said)) for said in ("42%", "42", " 42 % ", 42, 42.0, "42.0%")),
    *(
        pytest.param(said, number, id=repr(said))
        for said, number in (
            ("0%", 0.0),
            (100, 100.0),
            (33.5, 33.5),
            ("0.42%", 0.42),
            (1, 1.0),
            ("1%", 1.0),
            (0.0, 0.0),
            (1.5, 1.5),
        )
    ),
    *(
        pytest.param(said, None, id=repr(said))
        for said in (
            0.42,
            "0.42",
            ".5",
            0.99,
            1.0,
            "1.0",
            "4.2e-1",
            1e-9,
            "",
            "%",
            "101%",
            -1,
            "half",
            None,
            "1e3",
            float("nan"),
            True,
            [42],
            {"p": 1},
            "42%%",
        )
    ),
]
progress = in_one_batch(answer(task(status="IN_PROGRESS", progress=case.values[0])) for case in PROGRESS)


@pytest.mark.parametrize(("said", "expected"), PROGRESS)
def test_progress_is_a_number_from_0_to_100(said: object, expected: float | None) -> None:
    """With or without the sign, as text or as a number; anything else is none, and so is what may be a part of 1."""
    frames = progress(answer(task(status="IN_PROGRESS", progress=said)))
    assert frames.tasks["progress_pct"].to_list() == [expected]
    assert frames.observations["progress_pct"].to_list() == [expected]


URL, VIDEO = "https://files.example/v/1.mp4", EXAMPLE["data"]["data"]["work_video_path"]
WORK = EXAMPLE["data"]["data"]
RESULTS: list[Any] = [
    pytest.param({}, VIDEO, None, id="the work's own"),
    pytest.param({"fail_reason": URL}, URL, None, id="old: in fail_reason"),
    pytest.param({"result_url": URL}, URL, None, id="new: in result_url"),
    pytest.param({"result_url": URL, "fail_reason": "https://other.example"}, URL, None, id="both"),
    pytest.param({"result_url": "HTTPS://X.example/a"}, "HTTPS://X.example/a", None, id="in capitals"),
    pytest.param({"result_url": "done"}, VIDEO, None, id="no URL"),
    pytest.param({"data": WORK | {"work_video_path": ""}}, WORK["no_wm_work_video_path"], None, id="without watermark"),
    pytest.param({"data": None}, None, None, id="nowhere"),
    *(
        pytest.param({"data": None, field: came}, kept, None, id=f"{came[:40]!r} in {field}")
        for field in ("result_url", "fail_reason")
        for came, kept in (
            ("/v1/videos/x/content", "/v1/videos/x/content"),
            ("//cdn.example/a.mp4", "//cdn.example/a.mp4"),
            ("oss://bucket/a.mp4", "oss://bucket/a.mp4"),
            (f"\n {URL}\t", URL),
            ("https://cdn.example/My video (1).mp4", "https://cdn.example/My video (1).mp4"),
            ("data:video/mp4;base64," + "A" * 200, "data:video/mp4;base64 (222 characters)"),
            ("DATA:,x", "DATA: (7 characters)"),
            (f'["{URL}"]', URL),
            (f'[ "{URL}" ]'.replace("/", "\\/"), URL),
            (f'"{URL}"', URL),
        )
    ),
    *(
        pytest.param({"data": None, "result_url": came}, came, None, id=f"{came!r} in result_url")
        for came in (f'["{URL}", "{URL}"]', '{"url": "x"}', "videos/x.mp4", "a1b2c3")
    ),
    pytest.param({"data": None, "result_url": [URL]}, URL, None, id="in a list"),
    *(
        pytest.param({"data": None, "result_url": said}, None, None, id=f"{said!r} is nothing")
        for said in ("null", "None", "[]", "{}", "undefined", "N/A", "success", '""', " ")
    ),
    *(
        pytest.param({"fail_reason": said}, VIDEO, None, id=f"{said!r} is no reason")
        for said in ("SUCCEED", "success", "ok", "null")
    ),
    pytest.param({"status": "FAILURE", "result_url": "/v1/x"}, "/v1/x", None, id="failed with a relative address"),
    pytest.param(
        {"status": "FAILURE", "result_url": "https://x.example timed out"},
        None,
        "https://x.example timed out",
        id="failed, a sentence that begins with an address",
    ),
    pytest.param({"status": "FAILURE", "fail_reason": "failed"}, None, "failed", id="failed, in one word"),
    pytest.param(
        {"status": "FAILURE", "fail_reason": "error", "result_url": "bad"}, None, "bad", id="better in result_url"
    ),
    pytest.param({"status": "FAILURE", "fail_reason": "bad", "result_url": "bad"}, None, "bad", id="failed, repeated"),
    pytest.param({"status": "FAILURE", "result_url": "bad"}, None, "bad", id="failed, only in result_url"),
    pytest.param({"status": "FAILURE", "fail_reason": "bad", "result_url": URL}, URL, "bad", id="failed with a URL"),
    pytest.param({"status": "FAILURE", "fail_reason": URL}, None, URL, id="failed for a URL"),
    pytest.param({"status": "FAILURE"}, None, None, id="failed without a word"),
    pytest.param({"status": "FAILURE", "fail_reason": " "}, None, None, id="failed with a blank"),
    pytest.param({"status": "IN_PROGRESS", "fail_reason": "retrying"}, None, "retrying", id="running with a reason"),
]
results = in_one_batch(answer(task(**case.values[0])) for case in RESULTS)


@pytest.mark.parametrize(("changes", "url", "reason"), RESULTS)
def test_result_and_reason_are_distinguished(changes: dict[str, Any], url: str | None, reason: str | None) -> None:
    """By the status and by what looks like a URL, whichever field they come in."""
    row = results(answer(task(**changes))).tasks.row(0, named=True)
    assert (row["result_url"], row["fail_reason"]) == (url, reason)


CLASSES = [
    ("任务超时（30分钟）", "gateway_timeout"),
    ("任务超时", "gateway_timeout"),
    ("Task timed out", "gateway_timeout"),
    ("upstream returned error", "gateway"),
    ("Upstream returned unrecognized message", "gateway"),
    ("upstream returned empty status", "gateway"),
    ("获取渠道信息失败，请联系管理员，渠道ID：12", "gateway"),
    ("Failed to get channel info, channel ID: 12", "gateway"),
    ("content policy violation: rejected", "content_policy"),
    ("内容审核未通过：图片包含敏感信息", "content_policy"),
    ("no face detected in the uploaded image", "input"),
    ("audio duration 412s exceeds the limit of 300s", "input"),
    ("未检测到人脸，请更换图片", "input"),
    ("GPU worker lost while rendering", "provider"),
    ("生成失败，请稍后重试", "provider"),
    ("", "unknown"),
]
failures = in_one_batch(answer(task(status="failed", fail_reason=reason)) for reason, _ in CLASSES)


@pytest.mark.parametrize(("reason", "expected"), CLASSES)
def test_the_shipped_rules_say_whose_fault_it_is(reason: str, expected: str) -> None:
    """The first rule that matches; unknown without a reason."""
    frames = failures(answer(task(status="failed", fail_reason=reason)))
    assert frames.tasks["fail_class"].to_list() == [expected]


def test_only_failures_have_a_class() -> None:
    frames = flatten(answer(), answer(task(status="QUEUED", fail_reason="任务超时")))
    assert frames.tasks["fail_class"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("pattern", "fail_class", "complaint"),
    [
        pytest.param("x", "ours", "known are provider", id="unknown class"),
        pytest.param("(", "input", "not a regular expression", id="not closed"),
        pytest.param(r"(?<=a)b", "input", "not a regular expression", id="only Python knows it"),
        pytest.param(r"\p{Han}", "input", "not a regular expression", id="only the other knows it"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_made(pattern: str, fail_class: str, complaint: str) -> None:
    """Rather than in the middle of a load."""
    with pytest.raises(ValueError, match=complaint):
        FailureRule(pattern, fail_class)


def test_the_first_rule_that_matches_decides() -> None:
    assert RULES[0].fail_class == "gateway_timeout"
    frames = flatten(answer(task(status="failed", fail_reason="task timed out: upstream returned error")))
    assert frames.tasks["fail_class"].to_list() == ["gateway_timeout"]


MODELS: list[Any] = [
    pytest.param({"origin_model_name": "a", "upstream_model_name": "b"}, "a", id="asked for"),
    pytest.param({"origin_model_name": "", "upstream_model_name": "b"}, "b", id="upstream's"),
    pytest.param({}, None, id="neither"),
    pytest.param(None, None, id="null"),
    pytest.param("a", None, id="no object"),
]
models = in_one_batch(answer(task(properties=case.values[0])) for case in MODELS)


@pytest.mark.parametrize(("properties", "expected"), MODELS)
def test_the_model_is_the_one_that_was_asked_for(properties: object, expected: str | None) -> None:
    """The upstream's own name stands in where it is not told."""
    assert models(answer(task(properties=properties))).tasks["model"].to_list() == [expected]


QUOTAS: list[Any] = [
    (500, 500), ("500", 500), (500.0, 500), (0, 0), (-3, -3), (2**63 - 1, 2**63 - 1), (2**53 + 1, 2**53 + 1),
    (2**63, None), (-(2**63) - 1, None), (12.5, None), (1e308, None), ("many", None), (None, None), (True, None),
]  # fmt: skip
quotas = in_one_batch(answer(task(quota=said)) for said, _ in QUOTAS)


@pytest.mark.parametrize(("said", "expected"), QUOTAS)
def test_a_quota_is_a_whole_number_of_64_bits(said: object, expected: int | None) -> None:
    """Exact to the last digit, or none."""
    assert quotas(answer(task(quota=said))).tasks["quota"].to_list() == [expected]
