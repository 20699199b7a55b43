"""Which answers are retried."""

import random
from datetime import UTC, datetime

import pytest

from gateway.pace.retries import Retries, Verdict, judge, pause_seconds

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "fault", "retry_after", "verdict"),
    [
        pytest.param(200, None, None, Verdict.TAKEN, id="an answer"),
        pytest.param(400, None, "9", Verdict.TAKEN, id="an unknown id"),
        pytest.param(404, None, None, Verdict.TAKEN, id="never another 4xx"),
        pytest.param(501, None, None, Verdict.TAKEN, id="a 5xx that will stay"),
        pytest.param(302, "redirect", None, Verdict.TAKEN, id="a redirect"),
        pytest.param(200, "encoding", None, Verdict.TAKEN, id="a wrong encoding"),
        pytest.param(401, None, None, Verdict.DENIED, id="a wrong key"),
        pytest.param(403, None, None, Verdict.TAKEN, id="a 403 that is not in the gateway's words"),
        pytest.param(429, None, None, Verdict.REFUSED, id="too many"),
        pytest.param(429, "truncated", "x", Verdict.REFUSED, id="too many, cut"),
        pytest.param(503, None, "1", Verdict.REFUSED, id="a 503 that throttles"),
        pytest.param(503, None, None, Verdict.FAILED, id="a 503 that does not"),
        pytest.param(408, None, None, Verdict.FAILED, id="408"),
        pytest.param(500, "encoding", None, Verdict.FAILED, id="a 500 in a wrong encoding"),
        pytest.param(200, "truncated", None, Verdict.FAILED, id="half an answer"),
        pytest.param(None, "timeout", None, Verdict.FAILED, id="no answer in time"),
        pytest.param(None, "dns", None, Verdict.FAILED, id="no such host"),
        pytest.param(None, "tls", None, Verdict.HOPELESS, id="a wrong certificate"),
        pytest.param(None, "protocol", None, Verdict.HOPELESS, id="no HTTP"),
        pytest.param(200, "unexpected", None, Verdict.HOPELESS, id="a bug"),
    ],
)
def test_verdicts(status: int | None, fault: str | None, retry_after: str | None, verdict: Verdict) -> None:
    """Each kind of answer has one consequence."""
    assert judge(status, fault, retry_after, None) is verdict


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="at once"),
        pytest.param("9" * 4000, 999_999_999_999.0, id="for ever"),
        pytest.param("Thu, 01 Jan 2026 12:01:30 GMT", 90.0, id="a date"),
        pytest.param("Thu, 01 Jan 2026 12:01:30 -0000", 90.0, id="a date of no zone"),
        pytest.param("Thu, 01 Jan 2026 11:00:00 GMT", 0.0, id="a date that has passed"),
        pytest.param("Thu, 99 Jan 2026 11:00:00 GMT", None, id="a date that is none"),
        pytest.param("soon", None, id="words"),
        pytest.param("-5", None, id="a negative number"),
        pytest.param("²", None, id="a digit that is no number"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="no header"),
    ],
)
def test_retry_after_in_all_its_forms(text: str | None, seconds: float | None) -> None:
    """What cannot be read says nothing."""
    assert pause_seconds(text, NOON) == seconds


def test_three_retries_and_no_more() -> None:
    """However much budget there is."""
    retries = Retries(random.Random(1))
    retries.first_attempts = 1000
    assert [retries.grant(attempts) for attempts in (1, 2, 3, 4)] == [True, True, True, False]


@pytest.mark.parametrize("first_attempts", [0, 1, 9, 10, 1000, 12_345])
def test_in_total_a_tenth_of_the_first_attempts_plus_ten(first_attempts: int) -> None:
    """The budget's last retry is granted and the one after it is not."""
    retries = Retries(random.Random(1))
    retries.first_attempts = first_attempts
    assert sum(retries.grant(1) for _ in range(20_000)) == 10 + first_attempts // 10


def test_backoff_is_drawn_from_nothing_to_a_doubling_bound() -> None:
    """Half a second, one, two; never above twenty."""
    retries = Retries(random.Random(1))
    for attempts, bound in [(1, 0.5), (2, 1.0), (3, 2.0), (9, 20.0)]:
        drawn = [retries.backoff_seconds(attempts) for _ in range(2000)]
        assert 0 <= min(drawn) < 0.05 * bound
        assert 0.95 * bound < max(drawn) <= bound
