"""Pages of the gateway's list: requested, archived as they came, and only then read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import polars as pl

from pipeline.collect.batches import FLUSH_BYTES, received
from pipeline.threads import run_to_its_end
from transforms.pages import Page, error_message, read_page
from transforms.schema import LIST_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.client import GatewayClient
    from gateway.observation import Observation
    from pipeline.discovery.coverage import Span
    from pipeline.run import Run

#: The most that gateways give; old ones give ten, whatever is requested.
PAGE_SIZE: Final = 100


class ListPages:
    """Requests pages and keeps them.

    Attributes:
        requested: pages that were requested, with any result.
        last_refusal: the message of the last answer that said `success: false`.
        is_list: whether an answer has shown that there is a list.
        size: tasks requested in one page; half as many after one that was longer than MAX_BODY_BYTES.
        cut: pages that were.
    """

    def __init__(self, run: Run, client: GatewayClient, action: str | None) -> None:
        self.requested = 0
        self.last_refusal: str | None = None
        self.is_list = False
        self.size = PAGE_SIZE
        self.cut = 0
        self._run, self._client, self._action = run, client, action

    @property
    def has_ended(self) -> bool:
        """Whether the client sends nothing more."""
        return self._client.ended is not None

    async def fetch(self, span: Span, numbers: Iterable[int]) -> dict[int, Page]:
        """The pages of `span` with these numbers that could be read.

        Raises:
            ArchiveError: when they cannot be written.
        """
        parameters = {number: self._parameters(span, number) for number in numbers}
        found: dict[int, Page] = {}
        waiting: list[Observation] = []
        async with contextlib.aclosing(self._client.fetch_pages(parameters.values())) as observations:
            async for seen in observations:
                waiting.append(seen)
                if sum(len(one.body or b"") for one in waiting) >= FLUSH_BYTES:
                    found |= await self._keep(waiting)
                    waiting = []
        return found | await self._keep(waiting)

    def _parameters(self, span: Span, number: int) -> dict[str, str | int]:
        wanted: dict[str, str | int] = {"p": number, "page_size": self.size}
        wanted |= {"start_timestamp": span.start, "end_timestamp": span.end}
        return wanted | ({"action": self._action} if self._action else {})

    async def _keep(self, observations: Sequence[Observation]) -> dict[int, Page]:
        """Archive, then read: what is concluded from a page can be derived again from the archive."""
        if not observations:
            return {}
        await run_to_its_end(write_pages, self._run, observations, action=self._action)
        self.requested += len(observations)
        found = {_parameter(seen.task_id, "p"): self._read(seen) for seen in observations}
        return {number: page for number, page in found.items() if page is not None}

    def _read(self, seen: Observation) -> Page | None:
        if seen.body_cut:
            self.cut += 1
            self.size = min(self.size, max(_parameter(seen.task_id, "page_size") // 2, 1))
        if seen.http_status != 200 or seen.body_cut or seen.error:  # noqa: PLR2004 - OK
            return None
        page = read_page(seen.body)
        self.is_list = self.is_list or page is not None
        self.last_refusal = error_message(seen.body) if page is None else self.last_refusal
        return page


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
