"""Collect shares of a large list of ids in Prefect flow runs; the run that split it waits and merges the summaries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flows._prefect.share_run import DEPLOYMENT, LateError, final_state
from pipeline import load as loading
from pipeline.collect.shards import ShareEnd, ids_of, merge_summaries
from pipeline.run import write_run
from pipeline.threads import run_to_its_end
from warehouse.backends.choose import reader
from warehouse.errors import WarehouseError
from warehouse.plan import PollRequest, answered_by_runs, progress, summaries_of_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipeline.collect.accept import Accepted
    from pipeline.collect.request import CollectRequest
    from pipeline.collect.summary import Summary
    from pipeline.run import Run
    from warehouse.plan import Progress

#: How often a share is run at most, if its process dies.
_ATTEMPTS: Final = 3

#: How often the lake is queried for the progress of the shares.
_PROGRESS_SECONDS: Final = 5.0


class FanOut:
    """Collects accepted ids in `of` flow runs.

    Args:
        run: the run that split the ids.
        request: how to collect them.
        accepted: the ids.
        of: how many shares there are.
    """

    def __init__(self, run: Run, request: CollectRequest, accepted: Accepted, of: int) -> None:
        self._run = run
        self._request = request
        self._accepted = accepted
        self._of = of
        self._ids = ids_of(accepted)
        self._run_ids: list[str] = []

    async def collect(self) -> Summary:
        """Start a flow run for each share, wait for all, and merge their summaries.

        Raises:
            ObjectNotFound: when the Prefect server has no deployment for shares.
            WarehouseError: when the lake cannot be read at the end.
        """
        self._run.reporter.info(f"split into {self._of} shares, each a run of {DEPLOYMENT} on the work pool")
        watching = asyncio.create_task(self._keep_showing_progress())
        try:
            ends = await asyncio.gather(*map(self._collect_share, range(self._of)))
        finally:
            watching.cancel()
        await self._show_progress()
        return await run_to_its_end(self._merge, ends)

    async def _keep_showing_progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            await self._show_progress()

    async def _show_progress(self) -> None:
        """Report how many of the accepted ids are answered, as far as the shares have loaded them."""
        with contextlib.suppress(WarehouseError):  # reported when the summaries are merged
            answered = await asyncio.to_thread(self._answered)
            self._run.reporter.progress(min(answered, self._ids), self._ids)

    def _answered(self) -> int:
        with reader(self._run.paths) as con:
            return answered_by_runs(con, list(self._run_ids), self._run.started_at)

    async def _collect_share(self, number: int) -> ShareEnd:
        """Run a share, and run it again if its process dies."""
        run_id = ""
        for attempt in range(1, _ATTEMPTS + 1):
            run_id = uuid.uuid4().hex[:12]
            self._run_ids.append(run_id)
            name = f"share {number + 1} of {self._of} for {self._run.run_id}, attempt {attempt}"
            if (end := await self._run_share(name, number, run_id)) is not None:
                return end
            self._run.reporter.warn(f"{name}, died; its answers are kept")
        return ShareEnd(number, run_id, f"its run died {_ATTEMPTS} times")

    async def _run_share(self, name: str, number: int, run_id: str) -> ShareEnd | None:
        """How the run of a share ended; None if its process died."""
        from prefect.exceptions import ObjectNotFound

        try:
            state = await final_state(self._run, name, self._parameters(number, run_id), self._request.deadline_seconds)
        except ObjectNotFound:
            raise
        except LateError as late:
            return ShareEnd(number, run_id, str(late), has_started=late.has_started)
        except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises; the share itself may continue
            return ShareEnd(number, run_id, f"Prefect's server did not return how it ended ({error})")
        if state is not None and state.is_completed():
            self._run.reporter.info(f"share {number + 1} of {self._of} has ended")
            return ShareEnd(number, run_id)
        if state is not None and not state.is_crashed():
            self._run.reporter.warn(f"{name}, failed: {state.message or state.name}")
            return ShareEnd(number, run_id, state.message or state.name)
        return None

    def _parameters(self, number: int, run_id: str) -> dict[str, object]:
        """The parameters of the flow. The deadline is a point in time, as a worker may start the share much later."""
        seconds = self._request.deadline_seconds
        return {
            "accepted_by": self._run.run_id,
            "number": number,
            "of": self._of,
            "run_id": run_id,
            "refresh": self._request.refresh,
            "follow": self._request.follow,
            "again": self._request.again,
            **({"source": self._run.settings.source} if self._request.sources > 1 else {}),
            "ends_at": None if seconds is None else (self._run.started_at + timedelta(seconds=seconds)).isoformat(),
        }

    def _merge(self, ends: Sequence[ShareEnd]) -> Summary:
        """One summary of all shares, also of those that left none; see `merge_summaries`."""
        run = self._run
        with loading.writer(run, run.settings.lock_wait) as writer, writer.open_loaded() as con:
            summaries = summaries_of_runs(con, [one.run_id for one in ends])
            parts = {part["run_id"]: part for part in map(json.loads, summaries)}
            lost = {one: self._progress_of(con, one) for one in ends if one.run_id not in parts}
            summary = merge_summaries(run, self._accepted, list(parts.values()), lost, self._of)
            loading.load_segments(run, con, [write_run(run, summary.exit_code, summary.as_dict())])
        return summary

    def _progress_of(self, con: duckdb.DuckDBPyConnection, share: ShareEnd) -> Progress:
        ids = PollRequest(self._run.settings.source, self._accepted.segments, share=(share.number, self._of))
        return progress(con, ids, self._run.clock.now())
