"""Shares of a large list of ids as Prefect flow runs on the work pool; the run that cut them waits and sums them up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from flows import loading
from flows.run import write_run
from flows.shards import ids_of, together
from warehouse import connection
from warehouse.errors import WarehouseError
from warehouse.plan import answered_by_runs, summaries_of_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.accepting import Accepted
    from flows.collecting import Options
    from flows.run import Run
    from flows.summary import Summary

#: The deployment that collects one share; see prefect.yaml.
DEPLOYMENT: Final = "collect-shard/collect-shard"

#: A share whose run dies is run again, this often at most.
_ATTEMPTS: Final = 3

_LOOK_SECONDS: Final = 2.0

#: How often the lake is asked how far the shares are.
_PROGRESS_SECONDS: Final = 5.0


async def fan_out(run: Run, accepted: Accepted, options: Options, of: int) -> Summary:
    """Collect accepted ids by `of` flow runs, and say how they went together.

    Raises:
        ObjectNotFound: when the Prefect server has no deployment for it.
        WarehouseError: when the lake cannot be read at the end.
    """
    run.voice.say(f"cut into {of} shares, each a run of {DEPLOYMENT} on the work pool")
    started: list[str] = []
    watching = asyncio.create_task(_show_progress(run, started, ids_of(accepted)))
    try:
        ended = await asyncio.gather(*(_collect_share(run, number, of, options, started) for number in range(of)))
    finally:
        watching.cancel()
    await _tell(run, started, ids_of(accepted))
    lost = [number for number, run_id in enumerate(ended) if run_id is None]
    return await asyncio.to_thread(_sum_up, run, accepted, [one for one in ended if one], lost)


async def _show_progress(run: Run, run_ids: Sequence[str], total: int) -> None:
    """Ids answered, of all that were accepted, as the shares load them."""
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        await _tell(run, run_ids, total)


async def _tell(run: Run, run_ids: Sequence[str], total: int) -> None:
    with contextlib.suppress(WarehouseError):  # the end of the run tells of it
        answered = await asyncio.to_thread(_answered, run, list(run_ids))
        run.voice.progress(min(answered, total), total)


def _answered(run: Run, run_ids: list[str]) -> int:
    with connection.reader(run.paths) as con:
        return answered_by_runs(con, run_ids, run.started_at)


async def _collect_share(run: Run, number: int, of: int, options: Options, started: list[str]) -> str | None:
    """The id of the run that came to an end; None when all that were tried died. `started` gets the id of each."""
    from prefect.deployments import arun_deployment

    for attempt in range(1, _ATTEMPTS + 1):
        run_id = uuid.uuid4().hex[:12]
        started.append(run_id)
        parameters = {
            "accepted_by": run.run_id,
            "number": number,
            "of": of,
            "run_id": run_id,
            "refresh": options.refresh and number == 0,
            "follow": options.follow,
            "deadline_seconds": options.deadline_seconds,
        }
        name = f"share {number + 1} of {of} for {run.run_id}, attempt {attempt}"
        ended = await arun_deployment(
            DEPLOYMENT, parameters=parameters, flow_run_name=name, poll_interval=_LOOK_SECONDS, tags=["avatar-tasks"]
        )
        if ended.state is not None and not ended.state.is_crashed():
            run.voice.say(f"share {number + 1} of {of} has ended")
            return run_id
        run.voice.warn(f"{name}, died; its answers are kept")
    return None


def _sum_up(run: Run, accepted: Accepted, run_ids: list[str], lost: list[int]) -> Summary:
    with loading.writer(run, run.settings.lock_wait) as writer, writer.open() as con:
        writer.load_waiting(con)
        parts: list[dict[str, Any]] = [json.loads(one) for one in summaries_of_runs(con, run_ids)]
        summary = together(run, accepted, parts, lost)
        loading.load_segments(run, con, [write_run(run, summary.exit_code, summary.as_dict())])
    return summary
