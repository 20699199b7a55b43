"""Shares of a large list of ids as Prefect flow runs on the work pool; the run that cut them waits and sums them up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Final

from pipeline import load as loading
from pipeline.collect.shards import ShareEnd, ids_of, together
from pipeline.run import write_run
from pipeline.threads import run_to_its_end
from warehouse.database import connection
from warehouse.errors import WarehouseError
from warehouse.plan import Question, answered_by_runs, progress, summaries_of_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    from prefect.client.schemas.objects import State

    from pipeline.collect.accept import Accepted
    from pipeline.collect.collect import Options
    from pipeline.collect.summary import Summary
    from pipeline.run import Run
    from warehouse.plan import Progress

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
    return await run_to_its_end(_sum_up, run, accepted, ended, of)


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


async def _collect_share(run: Run, number: int, of: int, options: Options, started: list[str]) -> ShareEnd:
    """Run a share, and again when its process dies. `started` gets the id of each run."""
    from prefect.exceptions import ObjectNotFound

    for attempt in range(1, _ATTEMPTS + 1):
        run_id = uuid.uuid4().hex[:12]
        started.append(run_id)
        name = f"share {number + 1} of {of} for {run.run_id}, attempt {attempt}"
        try:
            state = await _state_at_the_end(name, _parameters(run, number, of, run_id, options))
        except ObjectNotFound:
            raise
        except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises; the share itself may go on
            return ShareEnd(number, run_id, f"Prefect's server does not say what became of it ({error})")
        if state is not None and state.is_completed():
            run.voice.say(f"share {number + 1} of {of} has ended")
            return ShareEnd(number, run_id)
        if state is not None and not state.is_crashed():
            run.voice.warn(f"{name}, failed: {state.message or state.name}")
            return ShareEnd(number, run_id, state.message or state.name)
        run.voice.warn(f"{name}, died; its answers are kept")
    return ShareEnd(number, run_id, f"its run died {_ATTEMPTS} times")


async def _state_at_the_end(name: str, parameters: dict[str, object]) -> State | None:
    from prefect.deployments import arun_deployment

    ended = await arun_deployment(
        DEPLOYMENT, parameters=parameters, flow_run_name=name, poll_interval=_LOOK_SECONDS, tags=["avatar-tasks"]
    )
    return ended.state


def _parameters(run: Run, number: int, of: int, run_id: str, options: Options) -> dict[str, object]:
    spent = run.clock.monotonic() - run.began
    left = None if options.deadline_seconds is None else max(options.deadline_seconds - spent, 1.0)
    return {
        "accepted_by": run.run_id,
        "number": number,
        "of": of,
        "run_id": run_id,
        "refresh": options.refresh,
        "follow": options.follow,
        "deadline_seconds": left,
    }


def _sum_up(run: Run, accepted: Accepted, ends: Sequence[ShareEnd], of: int) -> Summary:
    """Of a share that left no summary, every id counts as not reached."""
    with loading.writer(run, run.settings.lock_wait) as writer, writer.open() as con:
        writer.load_waiting(con)
        summaries = summaries_of_runs(con, [one.run_id for one in ends])
        parts = {part["run_id"]: part for part in map(json.loads, summaries)}
        lost = {one: _ids_of_share(run, con, accepted, one.number, of) for one in ends if one.run_id not in parts}
        summary = together(run, accepted, list(parts.values()), lost, of)
        loading.load_segments(run, con, [write_run(run, summary.exit_code, summary.as_dict())])
    return summary


def _ids_of_share(run: Run, con: duckdb.DuckDBPyConnection, accepted: Accepted, number: int, of: int) -> Progress:
    question = Question(run.settings.source, accepted.segments, share=(number, of))
    return progress(con, question, run.clock.now())
