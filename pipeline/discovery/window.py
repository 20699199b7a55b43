"""Reads one window of the gateway's list, page by page, until it was seen completely. An empty page proves nothing.

The list is newest first, and a page is an offset into it. Normally no task is added to a span in the past. If one is,
tasks not read yet move to later pages, so that some are seen twice and none is missed. A gateway's database error looks
like an empty success, therefore a span counts as seen completely only if

- new paging: as many distinct tasks were seen as the total on every page says; or fewer, and reading all pages a second
  time showed no other. If more were seen, the total is wrong, and the rule for old paging applies;
- old paging: a page has tasks, but fewer than another page had. If no page had more, the span up to the oldest task
  seen is requested: that task has to be in the answer, and no older one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from pipeline.discovery.coverage import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.discovery.pages import ListPages
    from pipeline.run import Run
    from transforms.pages import Page

State = Literal["whole", "empty", "open", "too_many"]

#: How often to request a page that cannot be read, or is empty and should not be; and one that may be empty.
ATTEMPTS: Final = 6
EMPTY_ATTEMPTS: Final = 3

#: How often to read a window until as many tasks were seen as the gateway says there are.
PASSES: Final = 3

_BACKOFF_SECONDS: Final = 0.1


@dataclass(slots=True)
class Window:
    """What was seen of a window: `submit_times` by task id, and the number of `unusable` items without a usable id."""

    state: State = "open"
    submit_times: dict[str, float | None] = field(default_factory=dict)
    unusable: int = 0

    def add(self, pages: Iterable[Page]) -> None:
        for page in pages:
            self.submit_times |= {item.task_id: item.submit_time for item in page.items}

    def has(self, total: int) -> bool:
        """Whether as many items were seen as the total that the gateway says."""
        return len(self.submit_times) + self.unusable >= total

    @property
    def oldest(self) -> float | None:
        return min((one for one in self.submit_times.values() if one is not None), default=None)


class WindowReader:
    """Reads windows.

    Args:
        run: for its clock.
        pages: requests the pages.
        most_tasks: a window with more tasks is split, if it may be.
    """

    def __init__(self, run: Run, pages: ListPages, most_tasks: int) -> None:
        self._run, self._pages, self._most_tasks = run, pages, most_tasks
        self._most_on_page = 0

    async def read(self, span: Span, *, is_known_full: bool, may_split: bool, first: Page | None = None) -> Window:
        """Read a window.

        Args:
            span: the window.
            is_known_full: a task in it is known, so that an empty answer is wrong.
            may_split: whether a window with more tasks than `most_tasks` is left unread, to be split.
            first: its first page, if it was already read.
        """
        first = first or await self.first(span, is_known_full=is_known_full)
        if first is None or not first.items:
            return Window("open" if first is None else "empty")
        if first.total is None:
            return await self._in_order(span, first)
        if may_split and first.total > self._most_tasks:
            return Window("too_many")
        return await self._by_total(span, first)

    async def first(self, span: Span, *, is_known_full: bool) -> Page | None:
        """The first page, requested as page 0, which new paging treats as page 1; None if it could not be read."""
        return await self._page(span, 0, ATTEMPTS if is_known_full else EMPTY_ATTEMPTS)

    async def _page(self, span: Span, number: int, empty_attempts: int) -> Page | None:
        """A page with tasks; an empty one if it stays empty; None if it cannot be read."""
        empty: list[Page] = []
        for attempt in range(ATTEMPTS):
            await self._back_off(attempt)
            page = (await self._pages.fetch(span, [number])).get(number)
            if page is not None and (page.items or page.unusable):
                self._most_on_page = max(self._most_on_page, len(page.items) + page.unusable)
                return page
            empty += [] if page is None else [page]
            if len(empty) >= empty_attempts or self._pages.has_ended:
                break
        return empty[-1] if len(empty) >= min(empty_attempts, EMPTY_ATTEMPTS) else None

    async def _by_total(self, span: Span, first: Page | None) -> Window:
        window, passes = Window(), 0
        while passes < PASSES and window.state == "open":
            first = first or await self.first(span, is_known_full=True)
            if first is None or not first.items or first.total is None:
                break
            known = len(window.submit_times)
            window.add([first])
            if passes and window.has(first.total):  # a task was added while the pages were read, and is on the first
                window.state = "whole"
                break
            requested, start, size = self._pages.size, first, _size(first)
            numbers = range(2, math.ceil(first.total / size) + 1)
            pages = [first, *(await self._full_pages(span, numbers)).values()]
            first = None
            if self._pages.size < requested:  # a page was too large: with smaller pages all numbers change
                continue
            passes += 1
            window.add(pages)
            window.unusable = sum(page.unusable for page in pages)
            total = max(page.total or 0 for page in pages)
            if len(window.submit_times) + window.unusable > total:
                return await self._in_order(span, start)
            are_full = sum(_size(page) >= size for page in pages) >= len(numbers)
            is_second_pass = passes > 1 and are_full and len(window.submit_times) == known
            if len(pages) > len(numbers) and (window.has(total) or is_second_pass):
                window.state = "whole"
        return window

    async def _full_pages(self, span: Span, numbers: Iterable[int]) -> dict[int, Page]:
        """Request pages that cannot be empty according to the total, several at a time."""
        found: dict[int, Page] = {}
        requested = self._pages.size
        for attempt in range(ATTEMPTS):
            missing = [number for number in numbers if number not in found]
            if not missing or self._pages.has_ended or self._pages.size < requested:
                break
            await self._back_off(attempt)
            pages = await self._pages.fetch(span, missing)
            found |= {number: page for number, page in pages.items() if page.items or page.unusable}
        return found

    async def _in_order(self, span: Span, page: Page) -> Window:
        window, number = Window(), 0 if page.paging == "old" else 1
        while True:
            window.add([page])
            window.unusable += page.unusable
            if len(page.items) + page.unusable < self._most_on_page:
                window.state = "whole"
                return window
            number += 1
            following = await self._page(span, number, EMPTY_ATTEMPTS)
            if following is not None and not following.items and window.oldest is not None:
                narrow = Span(span.start, int(window.oldest))
                if narrow == span:  # all tasks are of one second, and the next page stays empty
                    window.state = "whole"
                    return window
                span, number = narrow, 0 if page.paging == "old" else 1
                following = await self.first(span, is_known_full=True)
            if following is None or not following.items:
                return window
            page = following

    async def _back_off(self, attempt: int) -> None:
        if attempt:
            await self._run.clock.sleep(_BACKOFF_SECONDS * 2**attempt)


def _size(page: Page) -> int:
    """The number of distinct tasks on a page."""
    return max(len({item.task_id for item in page.items}) + page.unusable, 1)
