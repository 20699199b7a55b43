"""A gateway that allows so many requests of an address in any span of time, as new-api does (180 in 180 s), by default.

Its refusals are empty and do not say how long to wait; what is refused is sent again, and nothing is concluded from it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from pydantic import SecretStr

from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.settings import Settings
from simulator import Account, ManualClock, SimulatedGateway, WindowLimit, World, serve
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY
from tests.pipeline.discovery.lists import TOKEN, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.collect.summary import Summary

Way = Literal["single", "bulk", "auto", "discover"]

END: Final = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)


@dataclass
class Site:
    """A gateway with one limit for all of its paths, and runs against it."""

    folder: Path
    base_url: str
    app: SimulatedGateway

    def collect(self, way: Way, **request: Any) -> Summary:  # noqa: ANN401 - of CollectRequest
        """By single requests, many ids at once, or the list."""
        settings = Settings(
            base_url=self.base_url,
            api_key=SecretStr(KEY),
            access_token=SecretStr(TOKEN),
            user_id=SecretStr(USER),
            data_dir=self.folder / "data",
            fetch="single" if way == "discover" else way,
        )
        run = runs.begin(settings, "collect")
        begin_folder(run, scheduled=False)
        given: dict[str, Any] = (
            {"discover": True, "since": "9 days"} if way == "discover" else {"ids": self.app.world.ids}
        )
        return asyncio.run(CollectRun(run, CollectRequest(**(given | request))).collect())

    def assert_true(self, summary: Summary) -> None:
        """Every task is as it is in the world."""
        assert (summary.exit_code, summary.problem, summary.unreachable) == (0, None, 0)
        assert_equal_to_truth(published(self.folder), self.app.world.truth(self.app.clock()))

    def assert_complete(self, summary: Summary, most_refused: float = 2) -> None:
        """The same, and the run says no more of the limit than how often it was met.

        For each answer at most so many were refused: each pause is twice as long as the one before, while nothing is
        let in.
        """
        self.assert_true(summary)
        answered = self.app.statuses[200]
        refused = self.app.statuses[429]
        assert refused > 0, "the limit was never met"
        assert refused < most_refused * answered, "too many requests were in vain"
        walking = summary.discovered.refusals if summary.discovered else 0
        assert summary.refusals + walking == refused
        said = "\n".join(summary.as_lines())
        assert f"{walking:,} requests rate-limited (429)" in said or f"{summary.refusals:,} rate-limited (429)" in said


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as stack:

        def make(tasks: int, requests: int, seconds: float, page_size: int) -> Site:
            world = World(seed=5, tasks=tasks, start=END - timedelta(days=2), end=END, odd_share=0)
            limit = WindowLimit(requests, seconds)
            account = Account(TOKEN, USER, "old", page_size, bulk_gap_share=0.5, limit=limit)
            clock = ManualClock(world.all_terminal_at())
            app = SimulatedGateway(world, key=KEY, clock=clock, account=account, rate_limit=limit)
            return Site(tmp_path, stack.enter_context(serve(app)), app)

        yield make


@pytest.mark.parametrize(
    ("way", "tasks"),
    [
        ("auto", 24),
        ("discover", 14),
        *(pytest.param(one, 24, marks=pytest.mark.soak) for one in ("single", "bulk")),
    ],
)
def test_no_id_is_lost_and_no_answer_wrong(limited: Any, way: Way, tasks: int) -> None:  # noqa: ANN401
    """A scaled-down form: 6 requests in half a second."""
    site = limited(tasks, 6, 0.5, 2)
    site.assert_complete(site.collect(way))


@pytest.mark.soak
@pytest.mark.parametrize("way", ["single", "bulk", "auto", "discover"])
def test_the_pace_settles_at_what_is_allowed(limited: Any, way: Way) -> None:  # noqa: ANN401
    """180 requests in 18 s: no more than one of the client's own pauses (5 s) is lost in each span of that."""
    site = limited(1400 if way in {"bulk", "auto"} else 720, 180, 18.0, 1)
    began = time.monotonic()
    site.assert_complete(site.collect(way), 0.5)
    spans = site.app.statuses[200] / 180 - 1
    assert time.monotonic() - began < spans * (18 + 7) + site.app.statuses[200] / 50


def test_ids_that_the_deadline_finds_waiting_are_the_next_runs(limited: Any) -> None:  # noqa: ANN401
    """The run ends in time and says that it was the deadline, rather than the key or the gateway."""
    site = limited(40, 18, 1.0, 10)
    first = site.collect("single", deadline_seconds=0.6)
    assert (first.exit_code, first.unreachable) == (0, 0), first.problem
    assert first.not_polled == 40 - first.outcomes.get("task", 0) > 0
    assert str(first.problem).startswith("The deadline has passed")
    site.assert_true(site.collect("single"))
