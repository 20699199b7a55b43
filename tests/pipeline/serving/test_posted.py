"""The simulated gateway posts that tasks have ended; `serve --callbacks` takes it, and the next run polls them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.serving.app import application
from pipeline.serving.callbacks import Callbacks as Taken
from pipeline.settings import Settings
from simulator import Callbacks, ManualClock, SimulatedGateway, World
from simulator import serve as simulate
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY, CommandLine
from tests.pipeline.serving.served import serve
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e
SECRET = "0123456789abcdef"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture(scope="module")
def world() -> World:
    """Sixty tasks of a minute, after which most are running."""
    return World(seed=11, tasks=60, start=START, end=START + timedelta(minutes=1), odd_share=0)


def test_from_the_gateways_post_to_tables_equal_to_the_truth(world: World, tmp_path: Path) -> None:
    """Lost, late, repeated and forged ones among them: the tables hold what the gateway answers to the next runs."""
    clock = ManualClock(START + timedelta(minutes=1))
    with simulate(SimulatedGateway(world, key=KEY, clock=clock)) as base_url:
        environment = {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY, "AVATAR_TASKS_FETCH": "single"}
        command = CommandLine(tmp_path, environment)
        assert command("collect", *world.ids).code == 0
        running = {one["task_id"] for one in _tasks(tmp_path) if not one["is_terminal"]}
        taken = Taken(Settings(data_dir=tmp_path / "data").paths, "default", tmp_path / "inbox")
        app = application(taken.paths, ["127.0.0.1"], callbacks={"": taken}, secret=SECRET)
        with serve(app) as url:
            posting = Callbacks(world, clock, f"{url}/callbacks/{SECRET}", 0.2, 0.3, 0.3, forged=True)
            posted = posting.due(clock().timestamp(), world.all_terminal_at().timestamp() + 3_600)
            assert posting.post_due(), "what ended or was forged before"
            clock.at = world.all_terminal_at() + timedelta(hours=1)
            assert posting.post_due() == len(posted)
        assert posting.statuses.keys() == {200}
        assert taken.outcomes == {"accepted": posting.statuses.total()}
        for file in (tmp_path / "inbox").glob("*.txt"):
            os.utime(file, (time.time() - 60,) * 2)
        result = command("collect", "--inbox", "inbox", "--no-refresh", "--json")
        hinted = {one.task_id for one in posting.due(0, clock().timestamp())} & running
        assert (result.code, result.json["asked"]) == (0, len(hinted)), result.err
        assert {one["task_id"] for one in _tasks(tmp_path) if not one["is_terminal"]} == running - hinted
        assert running - hinted, "some were lost"
        assert command("collect", "--again", *sorted(running - hinted)).code == 0
    assert_equal_to_truth(published(tmp_path), world.truth(clock()))


def _tasks(folder: Path) -> list[dict[str, Any]]:
    return rows(published(folder), "tasks", ["task_id", "is_terminal"])


def test_what_is_posted_is_the_same_each_time_and_each_kind_comes(world: World) -> None:
    posting = Callbacks(world, ManualClock(START), "http://127.0.0.1:9/", 0.2, 0.3, 0.3, forged=True)
    everything = posting.due(0, 1e11)
    assert posting.due(0, 1e11) == everything
    assert {one.kind for one in everything} == {"plain", "late", "twice", "forged"}
    ended = {task.id for task in world.tasks if task.seen_end}
    plain = {one.task_id for one in everything if one.kind != "forged"}
    assert 0 < len(ended - plain) < len(ended) / 2
    middle = world.all_terminal_at().timestamp() - 300
    assert posting.due(0, middle) + posting.due(middle, 1e11) == everything
    posting.clock = ManualClock(world.all_terminal_at())
    posting.world = World(seed=11, tasks=1, start=START, end=START + timedelta(minutes=1), odd_share=0)
    posting.lost_share = 0
    posting.post_due()
    assert posting.statuses.keys() == {0}, "nobody listens there"
