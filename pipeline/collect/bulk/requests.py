"""Many ids in one request, if the gateway supports it; an id that is missing in the answer gets its own request.

A missing id says nothing about its task. The setting `FETCH` says whether to try: `bulk` always, until an answer shows
that it is not offered; `auto` if a run has enough ids and `Probe` has found, in this run or an earlier one, that bulk
answers say the same as single ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from gateway.wire.endpoints import BULK_ENDPOINT
from pipeline.collect.bulk.memory import BulkMemory, Remembered, State
from pipeline.collect.bulk.probe import Probe, is_transient, page_of
from pipeline.discovery.pages import archived
from transforms.pages import BULK_QUERY, requested_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.client import GatewayClient
    from gateway.observation import Observation
    from pipeline.run import Run

#: Ids in one request; gateways have no limit in their code.
MOST_IDS: Final = 100

#: Not tried with fewer ids: a failed request costs as much as a successful one would save.
FEWEST_IDS: Final = {"bulk": 2, "auto": 20}

#: After this many requests in a row without any of the tasks requested, this run stops trying.
_MOST_WITHOUT_IDS: Final = 3
_OK: Final = 200

#: What a run reports after a comparison. That bulk requests are not offered is the usual case, and not reported.
_WORDS: Final[dict[State, str]] = {
    "equal": "answers many ids at once, with the same answers as for single ids: up to a hundred go into a request",
    "other": "answers many ids at once differently from single ids: each gets its own request",
}


class Bulk:
    """The requests for many ids of one run.

    Attributes:
        found: number of ids answered by bulk requests.
    """

    def __init__(self, run: Run, client: GatewayClient) -> None:
        self.found = 0
        self._run, self._client = run, client
        self._setting = run.settings.fetch
        self._memory = BulkMemory(run)
        self._remembered: Remembered | None = None
        self._is_on = self._setting != "single"
        self._is_proven = False
        self._without_ids = 0
        self._size = MOST_IDS
        self._proving = asyncio.Lock()

    async def fetch(self, ids: Sequence[str]) -> list[str]:
        """Send bulk requests if they are in use, archive the answers, and return the ids that were not answered.

        Raises:
            ArchiveError: when answers cannot be written.
        """
        if not self._is_on or len(ids) < FEWEST_IDS[self._setting]:
            return list(ids)
        answered: set[str] = set()
        polled: set[str] = set()
        async with self._proving:
            if self._setting == "auto" and self._remembered is None:
                polled = await self._decide(ids)
            rest = [one for one in ids if one not in polled]
            while rest and self._is_unproven():
                chunk, rest = rest[: self._size], rest[self._size :]
                answered |= await self._request([chunk])
        if self._is_on:
            answered |= await self._request(
                [rest[start : start + self._size] for start in range(0, len(rest), self._size)]
            )
        return [one for one in ids if one not in answered | polled]

    async def _decide(self, ids: Sequence[str]) -> set[str]:
        """Decide for `auto` whether to use bulk requests; returns the ids that were polled to find out."""
        remembered, polled = self._memory.read(), set[str]()
        if remembered is None:
            probed = await Probe(self._run, self._client).compare(ids)
            remembered, polled = probed.seen, probed.polled
            self._memory.write(remembered)
            if words := _WORDS.get(remembered.state):
                self._run.reporter.info(f"the gateway {words} (POST {BULK_ENDPOINT})")
        self._remembered = remembered
        self._is_on = self._is_proven = remembered.state == "equal"
        return polled

    def _is_unproven(self) -> bool:
        return self._is_on and not self._is_proven

    async def _request(self, chunks: list[list[str]]) -> set[str]:
        """Send bulk requests and archive the answers; returns the ids that were answered."""
        answered: set[str] = set()
        observations = self._client.fetch_bulk(chunks)
        async with contextlib.aclosing(archived(self._run, observations, prefix=BULK_QUERY)) as answers:
            async for seen in answers:
                answered |= self._judge(seen)
        return answered

    def _judge(self, seen: Observation) -> set[str]:
        """The ids in an answer; also turns bulk requests off if the answer shows that they do not work."""
        if seen.body_cut:
            self._size = max(self._size // 2, 1)
        page = page_of(seen)
        found = {item.task_id for item in requested_items(page, seen.task_id)}
        self.found += len(found)
        self._is_proven = self._is_proven or bool(found)
        self._without_ids = 0 if found else self._without_ids + 1
        if self._remembered is not None and seen.gateway_version not in {None, self._remembered.version}:
            self._memory.forget()  # another version of the gateway: the next run compares again
        is_refused = page is None and not is_transient(seen)
        if self._is_on and (is_refused or self._without_ids >= _MOST_WITHOUT_IDS):
            self._turn_off(seen)
        return found

    def _turn_off(self, seen: Observation) -> None:
        self._is_on = False
        last = seen.error or f"HTTP {seen.http_status}" + (" without any of the ids" if seen.http_status == _OK else "")
        line = f"the gateway does not answer many ids at POST {BULK_ENDPOINT} ({last}): each gets its own request"
        if self._setting == "bulk":
            self._run.warn_once(line)
            return
        self._run.reporter.info(line)
        self._memory.write(Remembered("unclear" if is_transient(seen) else "absent"))
