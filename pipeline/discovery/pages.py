"""Pages of the gateway's list: requested, archived unchanged, and only then parsed."""

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

#: The largest page size of gateways; old versions always return ten tasks.
PAGE_SIZE: Final = 100

#: This many refusals in a row are not caused by database errors.
MOST_REFUSALS: Final = 12


class ListPages:
    """Requests pages, archives them and counts.

    Attributes:
        requested: pages requested, with any result.
        last_refusal: the message of the last complete answer, if it said `success: false`; otherwise None.
        refused: how many answers in a row said so.
        is_list: whether an answer has shown that there is a list.
        size: tasks requested per page; halved after a page that was longer than MAX_BODY_BYTES.
        cut: number of pages that were longer.
        items: tasks on the pages read so far.
        left_out: ids of tasks of another action, if the gateway does not filter by action.
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
        """Whether no further page will be requested."""
        return self._client.ended is not None or self.is_refused

    @property
    def is_refused(self) -> bool:
        """Whether the gateway keeps answering `success: false`, as old versions do if a token is no longer valid."""
        return self.refused >= MOST_REFUSALS

    async def fetch(self, span: Span, numbers: Iterable[int]) -> dict[int, Page]:
        """Request the pages of `span` with these numbers; returns those that could be read, by number.

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
        """The page without the raw bytes of its items: these are in the archive, and would need much memory."""
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
    """Yields pages, each only after it is archived, so that every conclusion from it can be derived again.

    They are written after `FLUSH_BYTES` or `FLUSH_SECONDS`, and also if the caller stops early.

    Args:
        run: as for `write_pages`.
        observations: the answers; this generator closes them.
        prefix: as for `write_pages`.
        action: as for `write_pages`.

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
    """Archive pages unchanged.

    Args:
        run: the run that requested them.
        observations: the answers, with any result.
        prefix: put before what was requested, to form the column `query`.
        action: the action that the request filtered by.

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
