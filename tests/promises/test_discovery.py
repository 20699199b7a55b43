"""Discovery under attack: killed at any step, while tasks arrive, the list drifts and pages fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from simulator import Account, SimulatedGateway, World, serve
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY
from tests.pipeline.discovery.lists import TOKEN, USER, plain_world
from tests.promises.child import Command
from tests.promises.steps import Survey, Trap, read_survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from simulator.account import Paging
    from tests.promises.conftest import Figures


@dataclass
class Moving:
    """The gateway's clock, which moves on with every request."""

    at: datetime
    step: timedelta

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


@dataclass
class Listed:
    """A gateway whose tasks are still being submitted, and commands that discover them."""

    folder: Path
    base_url: str
    world: World
    account: Account
    clock: Moving
    killed: int = field(default=0)

    def discover(self, folder: Path, *set_up: Any) -> int:  # noqa: ANN401 - of `Command`
        folder.mkdir(exist_ok=True)
        environment = {"BASE_URL": self.base_url, "API_KEY": KEY, "ACCESS_TOKEN": TOKEN, "USER_ID": USER}
        named = {f"AVATAR_TASKS_{name}": value for name, value in environment.items()}
        code = Command(("collect", "--discover"), folder, named, tuple(set_up)).run()
        self.killed += code < 0
        return code

    def settle(self) -> None:
        """From now on no task is submitted, all have ended, and no page fails."""
        self.clock.at, self.clock.step = self.world.all_terminal_at(), timedelta(0)
        self.account.page_fault_share = 0


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Any]:
    from contextlib import ExitStack  # noqa: PLC0415

    with ExitStack() as stack:

        def make(tasks: int, paging: Paging) -> Listed:
            world = plain_world(tasks, days=3)
            clock = Moving(
                datetime.fromtimestamp(world.tasks[-1].submit, tz=world.all_terminal_at().tzinfo), timedelta()
            )
            clock.at -= timedelta(hours=12)
            account = Account(TOKEN, USER, paging=paging, page_fault_share=0.15)
            app = SimulatedGateway(world, key=KEY, clock=clock, account=account)
            served: AbstractContextManager[str] = serve(app)
            return Listed(tmp_path, stack.enter_context(served), world, account, clock)

        yield make


def steps_of_discovery(site: Listed) -> list[str]:
    """The steps that only discovery has, and how it comes by them, in the order of the first time."""
    path = site.folder / "survey.json"
    assert site.discover(site.folder / "survey", Survey(path)) == 0
    return [step for step in read_survey(path) if step.startswith("pipeline/discovery")]


def kill_and_compare(site: Listed, steps: list[str], chosen: list[str]) -> None:
    """Kill discovery at each of these steps, then let it end; nothing is missing, and nothing was walked in vain."""
    folder = site.folder / "killed"
    site.clock.step = timedelta(hours=12) / (12 * len(chosen))
    for step in chosen:
        site.discover(folder, Trap(step))
    assert site.killed >= len(chosen) / 2  # some steps are only those of a page that fails
    assert len(steps) > 100
    site.settle()
    assert site.discover(folder) == 0
    pages = len(site.account.pages)
    assert site.discover(folder) == 0
    assert len(site.account.pages) - pages <= 12  # what is newer than the newest window, once more
    assert_equal_to_truth(published(folder), site.world.truth(site.clock()))


@pytest.mark.parametrize("paging", ["old", pytest.param("new", marks=pytest.mark.soak)])
def test_killed_at_some_steps_the_tables_are_the_worlds_truth(serving: Any, paging: Paging) -> None:  # noqa: ANN401
    """Three kills; `make soak` does it at every step there is."""
    site = serving(60, paging)
    steps = steps_of_discovery(site)
    kill_and_compare(site, steps, Random(3).sample(steps, 3))


@pytest.mark.soak
@pytest.mark.parametrize("paging", ["old", "new"])
def test_killed_at_every_step(serving: Any, paging: Paging, figures: Figures) -> None:  # noqa: ANN401
    site = serving(600, paging)
    steps = steps_of_discovery(site)
    kill_and_compare(site, steps, steps)
    figures(f"kill -9 at each of the {len(steps)} steps of discovery, {paging} paging", f"{site.killed} killed")
