"""Walking the list while it drifts and fails: no window is skipped, none is walked twice without need."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from gateway.clock import Clock
from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.discovery.coverage import Coverage, Span, read_coverage
from pipeline.settings import Settings
from simulator import Account, SimulatedGateway, World, serve
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY
from tests.pipeline.discovery.lists import TOKEN, USER
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.collect.summary import Summary
    from simulator.account import PageFault, Paging

START = datetime(2026, 1, 20, 3, tzinfo=UTC)


@dataclass
class Moving:
    """A clock that moves on with every request of the gateway."""

    at: datetime
    step: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


@dataclass
class Walked:
    """A gateway, and runs against it in this process."""

    folder: Path
    base_url: str
    world: World
    account: Account
    clock: Moving
    ahead: timedelta = timedelta(0)
    sleeps: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def collect(self, max_body_bytes: int = 8_388_608, **request: Any) -> Summary:  # noqa: ANN401 - of CollectRequest
        settings = Settings(
            max_body_bytes=max_body_bytes,
            base_url=self.base_url,
            api_key=SecretStr(KEY),
            access_token=SecretStr(TOKEN),
            user_id=SecretStr(USER),
            data_dir=self.folder / "data",
        )
        clock = Clock(now=lambda: self.clock.at + self.ahead, sleep=self._sleep)
        run = runs.begin(settings, "collect", clock=clock, reporter=runs.Reporter(warn=self.warnings.append))
        wanted: dict[str, Any] = {"discover": True, "since": "9 days", **request}
        return asyncio.run(CollectRun(run, CollectRequest(**wanted)).collect())

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await asyncio.sleep(0)

    @property
    def coverage(self) -> Coverage:
        settings = Settings(data_dir=self.folder / "data")
        return read_coverage(runs.begin(settings, "test"), None)

    def finish(self) -> None:
        """When all tasks have ended, polls what is still running, and compares with the truth."""
        self.clock.at, self.clock.step = self.world.all_terminal_at() + timedelta(days=1), timedelta(0)
        self.account.page_fault_share = 0
        assert self.collect().exit_code == 0
        assert_equal_to_truth(published(self.folder), self.world.truth(self.clock()))


@pytest.fixture
def walking(tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as stack:

        def make(
            tasks: int,
            *,
            seed: int = 5,
            step_seconds: float = 0,
            kind: type[Account] = Account,
            **account: Any,  # noqa: ANN401
        ) -> Walked:
            world = World(seed=seed, tasks=tasks, start=START, end=START + timedelta(days=4), odd_share=0.0)
            clock = Moving(START + timedelta(days=4), timedelta(seconds=step_seconds))
            one = kind(TOKEN, USER, **account)
            base_url = stack.enter_context(serve(SimulatedGateway(world, key=KEY, clock=clock, account=one)))
            return Walked(tmp_path, base_url, world, one, clock)

        yield make


def ids_in(folder: Path) -> set[str]:
    return {row["task_id"] for row in rows(published(folder), "tasks", ["task_id"])}


@pytest.mark.parametrize("paging", ["old", "new"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 8))])
def test_tables_equal_the_truth_while_tasks_arrive_and_pages_fail(walking: Any, paging: Paging, seed: int) -> None:  # noqa: ANN401
    """Half a day passes while the list is walked, our clock is an hour ahead, and 5% of pages fail in each way."""
    step = 43_200 / (60 if paging == "old" else 12)
    site = walking(300, seed=seed, step_seconds=step, paging=paging, page_fault_share=0.15)
    site.clock.at, site.ahead = START + timedelta(days=3.5), timedelta(hours=1)
    began = site.clock.at
    summary = site.collect()
    assert (summary.exit_code, summary.discovered.windows_open) == (0, 0), summary.problem
    due = {task.id for task in site.world.tasks if task.submit <= began.timestamp()}
    assert due <= ids_in(site.folder)
    site.ahead = timedelta(0)
    site.finish()


@pytest.mark.parametrize(
    ("paging", "fault"),
    [
        ("old", "swallowed"),
        ("new", "swallowed"),
        *(
            pytest.param(*one, marks=pytest.mark.soak)
            for one in itertools.product(("old", "new"), ("unsuccessful", "transient"))
        ),
    ],
)
def test_each_kind_of_failure_alone_leaves_no_gap(walking: Any, paging: Paging, fault: PageFault) -> None:  # noqa: ANN401
    """Three pages of ten fail; everything is seen, and what was not seen completely is not written down as such."""
    site = walking(230, paging=paging, page_fault_share=0.3, page_faults=(fault,))
    site.collect()
    covered = site.coverage.spans
    known = ids_in(site.folder)
    for span in covered:
        assert {task.id for task in site.world.tasks if span.start <= task.submit <= span.end} <= known
    site.finish()


def test_a_second_run_walks_only_what_is_new(walking: Any) -> None:  # noqa: ANN401
    """And the ten minutes before the newest task, in which another may appear."""
    site = walking(900)
    first = site.collect()
    pages = len(site.account.pages)
    again = site.collect()
    assert first.discovered.pages == 9
    assert (again.discovered.pages, len(site.account.pages) - pages) == (1, 1)
    newest = max(task.submit for task in site.world.tasks)
    [span] = site.coverage.spans
    assert (span.start, span.end) == (int(START.timestamp()) - 5 * 86_400, newest - 600)


@pytest.mark.parametrize(
    ("tasks", "most"), [(3_000, 30), pytest.param(20_000, 250, marks=pytest.mark.soak)], ids=["3,000", "20,000"]
)
def test_a_hundred_tasks_come_in_one_request(walking: Any, tasks: int, most: int) -> None:  # noqa: ANN401
    """But for the first of all where not everything fits into a window, and windows that turn out too large."""
    summary = walking(tasks).collect(load=False, refresh=False)
    assert summary.discovered.tasks == tasks
    assert summary.discovered.pages <= most


@pytest.mark.parametrize("tasks", [3, 26])
def test_a_list_with_fewer_on_a_page_than_usual_is_seen_whole(walking: Any, tasks: int) -> None:  # noqa: ANN401
    """A page with four tasks is the last one only where another had more."""
    site = walking(tasks, paging="old", old_page_size=4)
    assert site.collect(load=False, refresh=False).discovered.tasks == tasks


def test_where_a_page_is_too_large_smaller_ones_are_requested(walking: Any) -> None:  # noqa: ANN401
    """And what cannot be read even so is named, with the setting."""
    site = walking(230)
    summary = site.collect(max_body_bytes=65_536, load=False, refresh=False)
    assert (summary.discovered.tasks, summary.discovered.windows_open, summary.problem) == (230, 0, None)
    summary = site.collect(max_body_bytes=1024, load=False, refresh=False)
    assert "AVATAR_TASKS_MAX_BODY_BYTES" in str(summary.problem)


@pytest.mark.parametrize("paging", ["old", "new"])
def test_an_empty_list_is_never_written_down_as_seen(walking: Any, paging: Paging) -> None:  # noqa: ANN401
    """For a database error looks the same."""
    site = walking(50, paging=paging, page_fault_share=1.0, page_faults=("swallowed",))
    assert site.collect().discovered.tasks == 0
    assert site.coverage.spans == ()
    site.finish()


@pytest.mark.parametrize("paging", ["old", "new"])
def test_only_tasks_of_the_action_come_in(walking: Any, paging: Paging) -> None:  # noqa: ANN401
    """A list is of the account, which may do other things as well; a later run without the filter sees those."""
    site = walking(120, paging=paging)
    action = site.world.tasks[0].action
    wanted = {task.id for task in site.world.tasks if task.action == action}
    site.collect(action=action)
    assert ids_in(site.folder) == wanted
    assert len(wanted) < 120
    site.finish()


@pytest.mark.parametrize("paging", ["old", "new"])
def test_more_tasks_of_one_second_than_fit_on_a_page_are_all_seen(walking: Any, paging: Paging) -> None:  # noqa: ANN401
    site = walking(330, paging=paging)
    site.world.tasks = [_at(task, START.timestamp() + 60) for task in site.world.tasks]
    site.collect()
    assert len(ids_in(site.folder)) == 330


def _at(task: Any, submit: float) -> Any:  # noqa: ANN401
    return replace(task, submit=int(submit))


@pytest.mark.parametrize(
    ("spans", "gaps"),
    [
        pytest.param([], [(10, 90)], id="nothing seen"),
        pytest.param([(10, 90)], [], id="all seen"),
        pytest.param([(0, 30), (50, 60)], [(30, 50), (60, 90)], id="a hole and the end"),
        pytest.param([(20, 40)], [(10, 20), (40, 90)], id="before and after"),
        pytest.param([(95, 99)], [(10, 90)], id="seen later"),
    ],
)
def test_gaps_are_what_was_not_seen_whole(spans: list[tuple[int, int]], gaps: list[tuple[int, int]]) -> None:
    coverage = Coverage(tuple(Span(*one) for one in spans))
    assert coverage.gaps(Span(10, 90)) == [Span(*one) for one in gaps]
