"""Days of the scheduler's loop in one process: nothing grows but the day's segments, which `maintain` compacts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

import pytest

from simulator import SimulatedGateway, World, serve
from tests.forked import start
from tests.promises.child import shared_seconds
from tests.promises.clocks import SharedClock
from tests.promises.rounds import RETAIN_DAYS, Plan, Size, go_round
from tests.promises.siege import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.promises.child import SetUp
    from tests.promises.conftest import Figures

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
PATIENCE_SECONDS = 7200

#: Descriptors and threads that may be on their way out when they are counted; what leaks leaks each round.
SLACK = 2


def go_round_and_round(folder: Path, days: int, rounds_a_day: int, tasks: int, *set_up: SetUp) -> list[Size]:
    """What the process and its files came to after each round."""
    world = World(11, tasks, start=BEGIN, end=BEGIN + timedelta(days=days), stuck_share=0.02)
    clock = SharedClock(shared_seconds(BEGIN.timestamp()))
    submitted = sorted((float(task.submit), task.id) for task in world.tasks)
    with serve(SimulatedGateway(world, key=KEY, clock=clock)) as base_url:
        rounds = days * rounds_a_day
        plan = Plan(folder, base_url, clock, submitted, rounds, 24 * 60 / rounds_a_day, set_up)
        process = start(go_round, plan)
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0
    return plan.grown()


def check(sizes: list[Size], warm: int, memory_mb: float) -> None:
    """Nothing has grown since `warm` rounds were over; after `maintain`, old days have a file per kind."""
    half = (len(sizes) - warm) // 2
    earlier, later = sizes[warm : warm + half], sizes[-half:]
    assert most(later)[0] < most(earlier)[0] + SLACK
    assert most(later)[1] < most(earlier)[1] + SLACK
    assert memory_of(later) - memory_of(earlier) < memory_mb
    maintained = [one.files for one in sizes if one.files]
    assert {files["most of a kind and day"] for files in maintained} == {1}
    assert max(files["days"] for files in maintained) <= 2 * RETAIN_DAYS
    assert len({files["other"] for files in maintained}) == 1


def most(sizes: list[Size]) -> tuple[int, int]:
    """Descriptors and threads."""
    return max(one.descriptors for one in sizes), max(one.threads for one in sizes)


def memory_of(sizes: list[Size]) -> float:
    return median(one.memory_mb for one in sizes)


@pytest.mark.soak
def test_a_loop_that_runs_for_days_does_not_grow(tmp_path: Path) -> None:
    """A few days of few rounds; `make soak` does thousands."""
    check(go_round_and_round(tmp_path, days=4, rounds_a_day=2, tasks=60), warm=2, memory_mb=40)


@pytest.mark.soak
def test_thousands_of_rounds(tmp_path: Path, figures: Figures) -> None:
    """Two weeks with a round every ten minutes; from the fourth day on the warehouse is as large as it gets."""
    sizes = go_round_and_round(tmp_path, days=14, rounds_a_day=144, tasks=14_000)
    by_day = [[one for one in sizes if one.day == day] for day in range(14)]
    maintained = [one.files for one in sizes if one.files]
    figures(
        "a loop that goes on and on",
        f"{len(sizes):,} rounds in 14 days of the gateway's time, {len(maintained)} times `maintain`, "
        f"{sizes[-1].ids:,} ids, {sizes[-1].answers:,} answers; MB of memory, the median of each day: "
        f"{[round(memory_of(day)) for day in by_day]}; most descriptors {[most(day)[0] for day in by_day]}; most "
        f"threads {[most(day)[1] for day in by_day]}; files after `maintain`, the first and the last time: "
        f"{maintained[0]} and {maintained[-1]}",
    )
    check(sizes, warm=4 * 144, memory_mb=40)
