"""The filter by action, however the gateway understands it, and ids of the list that are none."""

# ruff: noqa: ANN401 - pages are JSON of any kind

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from simulator import Account, World
from tests.pipeline.discovery.test_walk import ids_in, walking

__all__ = ["walking"]


def test_an_action_in_another_case_is_the_same_as_for_the_gateways_database(walking: Any) -> None:
    """MySQL compares without regard to case: what it finds is not dropped and called complete."""
    site = walking(120, kind=AnyCase)
    action = site.world.tasks[0].action
    wanted = {task.id for task in site.world.tasks if task.action == action}
    summary = site.collect(action=f"{action.upper()} ")
    assert ids_in(site.folder) == wanted
    assert summary.discovered.tasks == len(wanted)


class AnyCase(Account):
    """Its filter by action is without regard to case and to spaces at the end."""

    def _page(self, world: World, request: Any, now: float) -> Any:
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        action = query.get("action", "").strip().lower()
        found = next((task.action for task in world.tasks if task.action.lower() == action), "")
        return super()._page(world, replace(request, query=urlencode(query | {"action": found})), now)


def test_a_list_that_does_not_filter_by_action_gives_only_tasks_of_it(walking: Any) -> None:
    """And the run counts no others; a walk without the filter then has the rest."""
    site = walking(120, kind=Unfiltered)
    action = site.world.tasks[0].action
    wanted = {task.id for task in site.world.tasks if task.action == action}
    assert site.collect(action=action).discovered.tasks == len(wanted) < 120
    assert ids_in(site.folder) == wanted
    site.finish()


class Unfiltered(Account):
    """It ignores the filter by action."""

    def _page(self, world: World, request: Any, now: float) -> Any:
        query = {name: values[0] for name, values in parse_qs(request.query).items() if name != "action"}
        return super()._page(world, replace(request, query=urlencode(query)), now)


def test_tasks_known_from_a_walk_without_filter_are_not_expected_with_one(walking: Any) -> None:
    """The newest of them has another action: an empty answer is not taken for a failure, over and over."""
    site = walking(120)
    site.collect()
    pages = len(site.account.pages)
    site.collect(action="no-such-action")
    assert len(site.account.pages) - pages <= 3


@pytest.mark.parametrize("task_id", ["null", "sk-abcdefghijklmnopqrstuvwx", "NaN"])
def test_an_id_of_the_list_that_cannot_be_polled_ends_no_run(walking: Any, task_id: str) -> None:
    """What the list says of it is kept; it is named, and the others are polled."""
    site = walking(20)
    running = next(one for one in site.world.tasks if one.seen_running and (one.seen_end or 0) > one.seen_running + 60)
    site.clock.at = datetime.fromtimestamp((running.seen_running or 0) + 30, UTC)
    site.world.tasks = [replace(one, id=task_id) if one is running else one for one in site.world.tasks]
    for discover in (True, False):
        summary = site.collect(discover=discover)
        assert (summary.exit_code, summary.problem) == (0, None)
        assert task_id in ids_in(site.folder)
        site.clock.at += timedelta(seconds=25)  # then it is due
    assert any("cannot be polled" in line for line in site.warnings)
