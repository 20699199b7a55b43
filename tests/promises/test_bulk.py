"""Many ids in one request under attack: killed at any step, while answers lack some of the ids."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from simulator import Account, ManualClock, SimulatedGateway, World, serve
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published, write_ids
from tests.command_line import KEY
from tests.pipeline.discovery.lists import TOKEN, plain_world
from tests.pipeline.tables import contents
from tests.promises.child import Command
from tests.promises.steps import Survey, Trap, read_survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.promises.conftest import Figures

#: What a run of many ids at once alone goes through.
OF_BULK = ("pipeline/collect/bulk/", "pipeline/discovery/pages.py")


@dataclass
class Bulky:
    """A gateway that answers many ids at once, but for a fifth of them, and commands that request all of its tasks."""

    folder: Path
    base_url: str
    world: World
    clock: ManualClock
    killed: int = field(default=0)

    def collect(self, folder: Path, *set_up: Any, command: tuple[str, ...] = ()) -> int:  # noqa: ANN401 - of `Command`
        """Every task is requested once more, whatever is known of it, so that each run comes to every step."""
        folder.mkdir(exist_ok=True)
        settings = {"BASE_URL": self.base_url, "API_KEY": KEY, "FETCH": "bulk"}
        environment = {f"AVATAR_TASKS_{name}": value for name, value in settings.items()}
        arguments = command or ("collect", "--again", "--ids-file", write_ids(folder, self.world.ids))
        code = Command(arguments, folder, environment, tuple(set_up)).run()
        self.killed += code < 0
        return code


@contextmanager
def served(folder: Path, tasks: int) -> Iterator[Bulky]:
    world = plain_world(tasks, days=2)
    clock = ManualClock(world.all_terminal_at())
    account = Account(TOKEN, bulk_gap_share=0.2)
    with serve(SimulatedGateway(world, key=KEY, clock=clock, account=account)) as base_url:
        yield Bulky(folder, base_url, world, clock)


def steps_of_bulk(site: Bulky) -> list[str]:
    """In the order of the first time."""
    path = site.folder / "survey.json"
    assert site.collect(site.folder / "survey", Survey(path)) == 0
    return [step for step in read_survey(path) if step.startswith(OF_BULK)]


def kill_and_compare(site: Bulky, chosen: list[str]) -> None:
    """Kill a run at each of these steps, then let one end: nothing is missing or there twice, also after a rebuild."""
    folder = site.folder / "killed"
    for step in chosen:
        assert site.collect(folder, Trap(step)) < 0, step
    assert site.collect(folder) == 0
    before = contents(published(folder))
    assert_equal_to_truth(published(folder), site.world.truth(site.clock()))
    keys = [(one["task_id"], one["observed_at"], one["segment_id"]) for one in before["observations"]]
    assert len(keys) == len(set(keys))
    assert site.collect(folder, command=("rebuild",)) == 0
    assert contents(published(folder)) == before


def test_killed_at_some_steps_of_bulk_the_tables_are_the_worlds_truth(tmp_path: Path) -> None:
    """Two kills; `make soak` does it at every step there is."""
    with served(tmp_path, 40) as site:
        steps = steps_of_bulk(site)
        assert len(steps) > 30
        kill_and_compare(site, Random(5).sample(steps, 2))


@pytest.mark.soak
def test_killed_at_every_step_of_bulk(tmp_path: Path, figures: Figures) -> None:
    with served(tmp_path, 300) as site:
        steps = steps_of_bulk(site)
        kill_and_compare(site, steps)
        figures(f"kill -9 at each of the {len(steps)} steps of many ids in one request", f"{site.killed} killed")
