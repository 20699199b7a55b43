"""Other paths of the family: the same tasks, at one of them as video objects, come out as what they mean."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.settings import Settings
from simulator import ManualClock, SimulatedGateway, serve
from simulator.odd.videos import PATH
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY
from tests.pipeline.discovery.lists import plain_world
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

#: What a video object says of a task.
SAID = ("task_id", "status", "is_terminal", "fail_reason", "submit_time", "finish_time", "latency_seconds")


@pytest.mark.parametrize("path", ["/suno/fetch/", PATH])
def test_tasks_at_another_path_are_what_the_gateway_knows(tmp_path: Path, path: str) -> None:
    world = plain_world(60)
    clock = ManualClock(world.all_terminal_at())
    with serve(SimulatedGateway(world, key=KEY, clock=clock, path=path)) as url:
        settings = Settings(base_url=url, api_key=SecretStr(KEY), data_dir=tmp_path / "data", task_path=f"{path}{{id}}")
        run = runs.begin(settings, "collect")
        begin_folder(run, scheduled=False)
        summary = asyncio.run(CollectRun(run, CollectRequest(world.ids)).collect())
    assert (summary.exit_code, summary.outcomes) == (0, {"task": 60})
    truth = world.truth(clock())
    if path != PATH:
        assert_equal_to_truth(published(tmp_path), truth)
        return
    expected: list[dict[str, Any]] = [{name: row[name] for name in SAID} for row in truth.tasks]
    assert rows(published(tmp_path), "tasks", SAID) == sorted(expected, key=lambda row: row["task_id"])
    assert {row["shape"] for row in rows(published(tmp_path), "tasks", ["shape"])} == {"openai_video"}
