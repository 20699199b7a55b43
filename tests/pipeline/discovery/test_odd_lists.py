"""Lists that lie, change or end while they are walked: nothing is missing, and nothing counts as seen that was not."""

# ruff: noqa: ANN401 - pages are JSON of any kind

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from simulator import Account
from simulator.answers import dashboard
from tests.pipeline.discovery.lists import TOKEN
from tests.pipeline.discovery.test_walk import START, Walked, ids_in, walking

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.account import Paging
    from simulator.answers import Answer

__all__ = ["walking"]

TASKS = 230


class Odd(Account):
    """An account whose pages are changed on their way; `number` counts them from 1."""

    twist: Callable[[Any, int], Any] = staticmethod(lambda page, _number: page)
    is_web_page: Callable[[int], bool] = staticmethod(lambda _number: False)

    def _page(self, *arguments: Any) -> Any:
        return self.twist(super()._page(*arguments), len(self.pages))

    def _list(self, *arguments: Any) -> Answer:
        answer = super()._list(*arguments)
        return dashboard() if self.is_web_page(len(self.pages)) else answer


def odd(walking: Any, **changes: Any) -> Any:
    site = walking(TASKS, kind=Odd)
    for name, value in changes.items():
        setattr(site.account, name, value)
    return site


@pytest.mark.parametrize(
    ("twist", "pages"),
    [
        pytest.param(lambda page, _: page | {"total": page["total"] - 60}, 6, id="the total is too low"),
        pytest.param(lambda page, _: page | {"total": page["total"] + 7}, 6, id="the total is too high"),
        pytest.param(lambda page, _: page | {"items": page["items"] + page["items"]}, 3, id="items are repeated"),
        pytest.param(lambda page, _: page | {"items": page["items"][::-1]}, 15, id="a page is the other way round"),
        pytest.param(
            lambda page, number: page | {"total": page["total"] + (number == 3)}, 4, id="one more for a moment"
        ),
    ],
)
def test_a_list_that_lies_is_seen_whole_all_the_same(walking: Any, twist: Callable[..., Any], pages: int) -> None:
    """With no more requests than it takes to see that nothing else comes, and no second walk."""
    site = odd(walking, twist=twist)
    summary = site.collect(load=False, refresh=False)
    assert (summary.discovered.tasks, summary.discovered.windows_open, summary.problem) == (TASKS, 0, None)
    assert summary.discovered.pages <= pages
    assert site.coverage.spans


def test_a_page_size_that_changes_midway_leaves_no_gap(walking: Any) -> None:
    site = odd(walking)
    _with_size(site, lambda number: 100 if number < 3 else 50)
    summary = site.collect(load=False, refresh=False)
    assert (summary.discovered.tasks, summary.discovered.windows_open) == (TASKS, 0)


def _with_size(site: Walked, size: Callable[[int], int]) -> None:
    """The gateway gives so many tasks on a page, by the number of the request."""
    listed = site.account._page

    def page(world: Any, request: Any, now: float) -> Any:
        query = request.query.replace("page_size=100", f"page_size={size(len(site.account.pages))}")
        return listed(world, replace(request, query=query), now)

    site.account._page = page  # type: ignore[method-assign]


def test_what_has_fewer_on_later_pages_is_not_taken_for_whole(walking: Any) -> None:
    """A second look that finds no other task proves nothing then: the same tasks are left out once more."""
    site = odd(walking, twist=lambda page, _: page | ({} if page["page"] == 1 else {"items": page["items"][:50]}))
    summary = site.collect(load=False, refresh=False)
    assert (summary.discovered.tasks, summary.discovered.windows_open) == (180, 1)
    assert site.coverage.spans == ()


def test_web_pages_among_the_pages_are_requested_again(walking: Any) -> None:
    """A proxy's page says nothing about the list."""
    site = odd(walking, is_web_page=lambda number: number % 2 == 1)
    summary = site.collect(load=False, refresh=False)
    assert (summary.discovered.tasks, summary.discovered.windows_open) == (TASKS, 0)


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_gateway_whose_clock_is_hours_off_is_walked_to_its_newest_task(walking: Any, hours: int) -> None:
    """Ours may be behind, so that its newest tasks are of our future, or ahead."""
    site = walking(TASKS)
    site.ahead = timedelta(hours=hours)
    assert site.collect(load=False, refresh=False).discovered.tasks == TASKS
    newest = max(task.submit for task in site.world.tasks)
    assert site.coverage.spans[-1].end == newest - 600


@pytest.mark.parametrize("paging", ["old", "new"])
def test_a_token_that_expires_midway_is_named_and_the_next_walk_goes_on(walking: Any, paging: Paging) -> None:
    """Old versions refuse it with HTTP 200, window after window: a dozen such answers are enough."""
    site = walking(TASKS, paging=paging, kind=Odd)

    def expire(page: Any, number: int) -> Any:
        if number == 2:
            site.account.token = "another"
        return page

    site.account.twist = expire
    summary = site.collect(load=False, refresh=False)
    assert (summary.exit_code, "AVATAR_TASKS_ACCESS_TOKEN" in str(summary.problem)) == (3, True), summary.problem
    assert site.account.calls["/api/task/self"] < 20
    assert not site.coverage.spans or paging == "old"
    site.account.token, site.account.twist = TOKEN, lambda page, _number: page
    site.collect()
    assert len(ids_in(site.folder)) == TASKS


def test_hundreds_of_tasks_in_one_second_are_seen_whole_and_not_walked_again(walking: Any) -> None:
    """Their second is the newest, so that the ten minutes before it are all that is walked once more."""
    site = walking(300)
    at = int(START.timestamp()) + 3_600
    site.world.tasks = [replace(task, submit=at) for task in site.world.tasks]
    assert site.collect(load=False, refresh=False).discovered.tasks == 300
    again = site.collect(load=False, refresh=False)
    assert (again.discovered.tasks, again.discovered.pages, again.problem) == (300, 3, None)
