"""When the client stops asking a gateway that only fails."""

import math

from gateway.pace.breaker import PATIENCE_SECONDS, Breaker


def opened(at: float) -> Breaker:
    breaker = Breaker()
    for _ in range(10):
        breaker.sent()
        breaker.failed(at, is_probe=False)
    return breaker


def test_ten_in_a_row_open_it() -> None:
    """And not nine, however often, with a success between."""
    breaker = Breaker()
    for _ in range(100):
        assert not any(breaker.failed(0.0, is_probe=False) for _ in range(9))
        breaker.succeeded(0.0, is_probe=False)
    assert [breaker.failed(0.0, is_probe=False) for _ in range(10)] == [False] * 9 + [True]


def test_a_gateway_that_is_up_most_of_the_time_may_fail_now_and_then_for_ever() -> None:
    """A second closed makes up for a second open; one that is down more than up does not get away with it."""
    for up_seconds, lasts in ((60.0, True), (20.0, False)):
        breaker, now, longest = Breaker(), 0.0, 0.0
        for _ in range(100):
            for _ in range(10):
                breaker.failed(now, is_probe=False)
            now += breaker.wait(now)
            longest = max(longest, breaker.seconds_open(now))
            breaker.succeeded(now, is_probe=breaker.sent())
            now += up_seconds
        assert (longest < PATIENCE_SECONDS) == lasts


def test_one_probe_is_sent_after_thirty_seconds_and_nothing_else() -> None:
    """Until it is back."""
    breaker = opened(at=100.0)
    assert breaker.wait(100.0) == 30.0
    assert breaker.wait(130.0) == 0.0
    assert breaker.sent()
    assert breaker.wait(131.0) == math.inf


def test_a_probe_that_is_answered_closes_it() -> None:
    """With a clean slate."""
    breaker = opened(at=0.0)
    breaker.sent()
    assert breaker.succeeded(31.0, is_probe=True)
    assert breaker.wait(31.0) == 0.0
    assert not breaker.failed(31.0, is_probe=False)


def test_a_probe_that_was_cancelled_is_replaced() -> None:
    """The next request is one."""
    breaker = opened(at=0.0)
    breaker.sent()
    breaker.lost()
    assert breaker.wait(31.0) == 0.0
    assert breaker.sent()


def test_pauses_double_up_to_five_minutes_and_end_after_ten() -> None:
    """The last is cut short, so that ten minutes end with a probe."""
    breaker, now, pauses = opened(at=0.0), 0.0, []
    while breaker.seconds_open(now) < 600:
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        assert breaker.sent()
        breaker.failed(now, is_probe=True)
    assert pauses == [30, 60, 120, 240, 150]


def test_requests_sent_before_it_opened_change_nothing() -> None:
    """Neither late failures nor late successes."""
    breaker = opened(at=0.0)
    assert not breaker.failed(1.0, is_probe=False)
    assert not breaker.succeeded(1.0, is_probe=False)
    assert breaker.wait(1.0) == 29.0


def opened_for_tasks() -> Breaker:
    breaker = Breaker()
    for _ in range(40):
        breaker.sent()
        breaker.failed(0.0, is_probe=False, is_about_task=True)
    return breaker


def test_a_gateway_that_fails_for_each_task_closes_the_breaker_after_fifteen_seconds() -> None:
    """Four short pauses, then it is closed, and forty more of them do not open it for a while."""
    breaker, now, pauses = opened_for_tasks(), 0.0, []
    while breaker.is_open:
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        assert breaker.sent()
        breaker.failed(now, is_probe=True, is_about_task=True)
    assert pauses == [1, 2, 4, 8]
    assert breaker.is_all_failing
    assert not any(breaker.failed(now + 299, is_probe=False, is_about_task=True) for _ in range(1000))
    assert any(breaker.failed(now + 301, is_probe=False, is_about_task=True) for _ in range(40))


def test_a_gateway_that_fails_for_each_task_may_still_go_down() -> None:
    """Ten failures that are not its own word open the breaker as ever, and not one less."""
    breaker, now = opened_for_tasks(), 0.0
    while breaker.is_open:
        now += breaker.wait(now)
        breaker.failed(now, is_probe=breaker.sent(), is_about_task=True)
    breaker.failed(now, is_probe=False, is_about_task=True)
    assert [breaker.failed(now, is_probe=False) for _ in range(10)] == [False] * 9 + [True]
    assert breaker.wait(now) == 30.0


def test_a_pause_for_tasks_becomes_an_outage_when_the_probe_fails_otherwise() -> None:
    """The database was down, and now the gateway is."""
    breaker = opened_for_tasks()
    assert breaker.wait(0.0) == 1.0
    breaker.failed(1.0, is_probe=breaker.sent())
    assert breaker.wait(1.0) == 30.0
    assert breaker.is_disproved_by_task()
