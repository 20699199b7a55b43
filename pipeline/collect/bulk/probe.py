"""Before bulk answers are trusted, some of them are compared with single answers about the same tasks.

The bulk answers are archived as `probe=…` and are not loaded, because they are not trusted yet. The single answers are
archived and loaded like all others.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.collect.batches import AnswerBuffer
from pipeline.collect.bulk.comparison import bulk_task, compare, single_task
from pipeline.collect.bulk.memory import Remembered, State
from pipeline.discovery.pages import write_pages
from pipeline.threads import run_to_its_end
from transforms.pages import PROBE_QUERY, Page, read_bulk, requested_items

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gateway.client import GatewayClient
    from gateway.observation import Observation
    from pipeline.run import Run

#: The number of ids in the bulk request, and of tasks that are compared.
_IDS: Final = 20
_COMPARED: Final = 3

_OK: Final = 200

#: HTTP status codes that say nothing about whether bulk requests are offered: they come while something is wrong.
TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Probed:
    """The result of a probe; `polled` are the ids for which it requested a single answer."""

    seen: Remembered
    polled: set[str]


def page_of(seen: Observation) -> Page | None:
    """The tasks in a bulk answer; None if it is not a bulk answer."""
    return read_bulk(seen.body) if seen.http_status == _OK and not seen.body_cut and not seen.error else None


def is_transient(seen: Observation) -> bool:
    """Whether an answer without tasks leaves open if bulk requests are offered."""
    return bool(seen.error or seen.body_cut or seen.http_status in TRANSIENT)


class Probe:
    """One comparison."""

    def __init__(self, run: Run, client: GatewayClient) -> None:
        self._run, self._client = run, client
        self._version: str | None = None

    async def compare(self, ids: Sequence[str]) -> Probed:
        """Request some of the ids together, then a few of them one by one.

        Raises:
            ArchiveError: when answers cannot be written.
        """
        chosen = list(ids[:: max(len(ids) // _IDS, 1)][:_IDS])
        answer = await self._together(chosen)
        if answer is None or page_of(answer) is None:
            is_unclear = answer is None or is_transient(answer)
            return Probed(Remembered("unclear" if is_unclear else "absent"), set())
        before = _tasks(answer)
        sample = _sample(before) or chosen[:_COMPARED]
        singles = await self._one_by_one(sample)
        return Probed(Remembered(await self._state(before, singles), self._version), set(singles))

    async def _state(self, before: dict[str, dict[str, Any]], singles: dict[str, dict[str, Any] | None]) -> State:
        if not before:  # no task in the bulk answer, though the gateway may know the ids
            return "absent" if any(singles.values()) else "unclear"
        verdicts = {task_id: compare(task, before[task_id]) for task_id, task in singles.items()}
        if doubtful := [task_id for task_id, verdict in verdicts.items() if verdict != "same"]:
            answer = await self._together(doubtful)
            after = {} if answer is None else _tasks(answer)
            verdicts |= {one: compare(singles[one], before[one], after.get(one)) for one in doubtful}
        found = set(verdicts.values())
        return "other" if "other" in found else "equal" if "same" in found else "unclear"

    async def _together(self, ids: Sequence[str]) -> Observation | None:
        """The answer to one bulk request; None if the client has ended."""
        async with contextlib.aclosing(self._client.fetch_bulk([ids])) as observations:
            async for seen in observations:
                await run_to_its_end(write_pages, self._run, [seen], prefix=PROBE_QUERY)
                self._version = seen.gateway_version
                return seen
        return None

    async def _one_by_one(self, ids: Collection[str]) -> dict[str, dict[str, Any] | None]:
        """Request and archive single answers; returns the task in each, see `single_task`."""
        found: dict[str, dict[str, Any] | None] = {}
        async with AnswerBuffer(self._run) as buffer, contextlib.aclosing(self._client.fetch_many(ids)) as observations:
            async for seen in observations:
                await buffer.add(seen)
                found[seen.task_id] = None if seen.body_cut else single_task(seen.http_status, seen.body)
        return found


def _tasks(answer: Observation) -> dict[str, dict[str, Any]]:
    return {item.task_id: bulk_task(item.raw) for item in requested_items(page_of(answer), answer.task_id)}


def _sample(tasks: dict[str, dict[str, Any]]) -> list[str]:
    """A few tasks, with as many different statuses as possible: a bulk answer may be right about ended tasks only."""
    by_status: dict[str, list[str]] = {}
    for task_id, task in tasks.items():
        by_status.setdefault(str(task.get("status")), []).append(task_id)
    firsts = [ids.pop(0) for ids in by_status.values()]
    return [*firsts, *(task_id for ids in by_status.values() for task_id in ids)][:_COMPARED]
