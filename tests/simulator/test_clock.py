"""Simulated time: behind at first, faster, never ahead."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator import ManualClock, SimClock

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)


def after(clock: ManualClock, simulated: SimClock, seconds: float) -> float:
    """Seconds from NOW to the simulated time, `seconds` of real time later."""
    clock.at = NOW + timedelta(seconds=seconds)
    return (simulated() - NOW).total_seconds()


def test_it_starts_behind_and_catches_up_and_then_runs_with_the_real_clock() -> None:
    """Ten minutes behind at eleven times the speed is made up in a minute."""
    real = ManualClock(NOW)
    simulated = SimClock(lag_seconds=600, speed=11, real=real)
    assert [after(real, simulated, seconds) for seconds in (0, 30, 60, 61, 90)] == [-600, -270, 60, 61, 90]
    assert simulated.caught_up_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(("lag", "speed"), [(0, 1), (0, 50), (10, 1), (3600, 60), (5, 1.001)])
def test_it_is_never_in_the_future_and_never_goes_back(lag: float, speed: float) -> None:
    """An observer who records the real time never sees a task end after that."""
    real = ManualClock(NOW)
    simulated = SimClock(lag, speed, real=real)
    seen = [after(real, simulated, step / 7) for step in range(700)]
    assert seen == sorted(seen)
    assert all(instant <= step / 7 + 1e-6 for step, instant in enumerate(seen))


@pytest.mark.parametrize("simulated_seconds", [-500, -1, 59, 60, 100])
def test_when_tells_the_real_instant_of_a_simulated_one(simulated_seconds: float) -> None:
    """So that a deadline can be set by what will have happened."""
    real = ManualClock(NOW)
    simulated = SimClock(lag_seconds=600, speed=11, real=real)
    real.at = simulated.when(NOW + timedelta(seconds=simulated_seconds))
    assert (simulated() - NOW).total_seconds() == pytest.approx(simulated_seconds, abs=1e-4)


def test_at_speed_one_a_lag_is_never_made_up() -> None:
    """It then stays behind for good."""
    real = ManualClock(NOW)
    simulated = SimClock(lag_seconds=10, real=real)
    assert after(real, simulated, 1000) == 990
    assert simulated.caught_up_at is None


def test_without_a_lag_both_clocks_agree_from_the_start() -> None:
    """Speed has nothing to make up."""
    assert SimClock(speed=5, real=ManualClock(NOW)).caught_up_at == NOW


@pytest.mark.parametrize(("lag", "speed"), [(-1, 1), (0, 0.5), (0, -3)])
def test_a_clock_that_would_run_ahead_or_backwards_is_refused(lag: float, speed: float) -> None:
    with pytest.raises(ValueError, match="lag_seconds must be 0 or more and speed 1 or more"):
        SimClock(lag, speed)


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock(NOW)
    clock.advance(1.5)
    assert clock() == NOW + timedelta(seconds=1.5)
