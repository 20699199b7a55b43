"""Pages of the gateway's list: requested, archived as they came, and only then read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import polars as pl

from pipeline.collect.batches import FLUSH_BYTES, FLUSH_SECONDS, received
from pipeline.threads import run_to_its_end
from transforms.pages import Page, error_message, read_page, wanted_items
from transforms.schema import LIST_PAGES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from gateway.client import GatewayClient
    from gateway.observation import Observation
    from pipeline.discovery.coverage import Span
    from pipeline.run import Run

#: The most that gateways give; old ones give ten, whatever is requested.
PAGE_SIZE: Final = 100

#: So many refusals in a row are no failures of a database.
MOST_REFUSALS: Final = 12


class ListPages:
    """Requests pages and keeps them.

    Attributes:
        requested: pages that were requested, with any result.
        last_refusal: the message of the last answer that said `success: false`.
        refused: how many in a row said so.
        is_list: whether an answer has shown that there is a list.
        size: tasks requested in one page; half as many after one that was longer than MAX_BODY_BYTES.
        cut: pages that were.
        items: tasks on the pages that are archived.
        left_out: ids of tasks of another action, from a list that does not filter by it.
    """

    def __init__(self, run: Run, client: GatewayClient, action: str | None) -> None:
        self.requested = self.refused = 0
        self.last_refusal: str | None = None
        self.is_list = False
        self.size = PAGE_SIZE
        self.cut = self.items = 0
        self.left_out: set[str] = set()
        self._run, self._client, self._action = run, client, action

    @property
    def has_ended(self) -> bool:
        """Whether the client sends nothing more."""
        return self._client.ended is not None or self.is_refused

    @property
    def is_refused(self) -> bool:
        """Whether the gateway says so again and again, as old ones do of a token that is no longer valid."""
        return self.refused >= MOST_REFUSALS

    async def fetch(self, span: Span, numbers: Iterable[int]) -> dict[int, Page]:
        """The pages of `span` with these numbers that could be read.

        Raises:
            ArchiveError: when they cannot be written.
        """
        parameters = {number: self._parameters(span, number) for number in numbers}
        found: dict[int, Page] = {}
        observations = self._client.fetch_pages(parameters.values())
        async with contextlib.aclosing(archived(self._run, observations, action=self._action)) as answers:
            async for seen in answers:
                self.requested += 1
                if (page := self._read(seen)) is not None:
                    found[_parameter(seen.task_id, "p")] = page
        return found

    def _parameters(self, span: Span, number: int) -> dict[str, str | int]:
        wanted: dict[str, str | int] = {"p": number, "page_size": self.size}
        wanted |= {"start_timestamp": span.start, "end_timestamp": span.end}
        return wanted | ({"action": self._action} if self._action else {})

    def _read(self, seen: Observation) -> Page | None:
        """The page, without the bytes of its items: those are in the archive, and windows are large."""
        if seen.body_cut:
            self.cut += 1
            self.size = min(self.size, max(_parameter(seen.task_id, "page_size") // 2, 1))
        if seen.http_status != 200 or seen.body_cut or seen.error:  # noqa: PLR2004 - OK
            return None
        page = read_page(seen.body)
        self.is_list = self.is_list or page is not None
        self.last_refusal = error_message(seen.body) if page is None else None
        self.refused = self.refused + 1 if self.last_refusal else 0
        if page is None:
            return None
        self.items += len(page.items)
        if len(wanted := wanted_items(page, seen.task_id, self._action)) < len(page.items):
            self.left_out |= {one.task_id for one in page.items} - {one.task_id for one in wanted}
        return page._replace(items=[item._replace(raw=b"") for item in page.items])


async def archived(
    run: Run, observations: AsyncGenerator[Observation, None], *, prefix: str = "", action: str | None = None
) -> AsyncGenerator[Observation, None]:
    """Pages as they come, each once it is in the archive: what is concluded from one can be derived from there.

    They are written after a few megabytes or seconds. When this is left early, those that came are written.

    Args:
        run: as for `write_pages`.
        observations: of the requests; they are closed with this.
        prefix: as for `write_pages`.
        action: likewise.

    Raises:
        ArchiveError: when they cannot be written.
    """
    waiting: list[Observation] = []
    size, since = 0, run.clock.monotonic()
    try:
        async with contextlib.aclosing(observations):
            async for seen in observations:
                waiting.append(seen)
                size += len(seen.body or b"")
                if size >= FLUSH_BYTES or run.clock.monotonic() - since >= FLUSH_SECONDS:
                    await run_to_its_end(write_pages, run, written := waiting, prefix=prefix, action=action)
                    waiting, size, since = [], 0, run.clock.monotonic()
                    for one in written:
                        yield one
    finally:
        if waiting:
            await run_to_its_end(write_pages, run, waiting, prefix=prefix, action=action)
    for one in waiting:
        yield one


def write_pages(run: Run, observations: Sequence[Observation], *, prefix: str = "", action: str | None = None) -> None:
    """Archive pages as they came.

    Args:
        run: the run that requested them.
        observations: of the requests, whatever their result.
        prefix: of what was requested, to make their `query`.
        action: the filter in it.

    Raises:
        ArchiveError: when they cannot be written.
    """
    segment_id = next(run.segment_ids)
    rows = [
        (seen.source, prefix + seen.task_id, action, run.started_at, *received(seen, segment_id, run.run_id))
        for seen in observations
    ]
    frame = pl.DataFrame(rows, schema=LIST_PAGES, orient="row")
    run.store.write("list_pages", frame, segment_id=segment_id, at=run.clock.now())


def _parameter(query: str, name: str) -> int:
    return int(parse_qs(query.removeprefix("?"))[name][0])
