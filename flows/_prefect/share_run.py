"""The flow run of one share: start it on the work pool, and wait for it, with or without a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Final

from pipeline.threads import run_to_its_end

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun, State

    from pipeline.run import Run

#: The deployment that collects one share; see prefect.yaml.
DEPLOYMENT: Final = "collect-shard/collect-shard"

#: Seconds between two requests for the state of a share.
_POLL_SECONDS: Final = 2.0

#: Seconds after the deadline in which a running share may load its answers and end.
_LAST_SECONDS: Final = 30.0

#: Seconds after which there is a warning if no worker has started a share.
_WAITING_SECONDS: Final = 60.0


class LateError(Exception):
    """A share has not ended at the deadline: why, and whether a worker has started it."""

    def __init__(self, why: str, *, has_started: bool) -> None:
        super().__init__(why)
        self.has_started = has_started


async def final_state(
    run: Run, name: str, parameters: dict[str, object], deadline_seconds: float | None
) -> State | None:
    """Start the flow run of a share and wait until it ends; if this wait is cancelled or late, cancel the flow run.

    Args:
        run: the run that has split the ids.
        name: the name of the flow run.
        parameters: the parameters of the flow run.
        deadline_seconds: seconds from the start of `run`; None for no deadline.

    Raises:
        LateError: no worker has started it at the deadline, or it still runs `_LAST_SECONDS` later.
    """
    from prefect.deployments import arun_deployment

    share = await arun_deployment(
        DEPLOYMENT, parameters=parameters, flow_run_name=name, timeout=0, tags=["avatar-tasks"]
    )
    try:
        return await _wait(run, share, math.inf if deadline_seconds is None else run.began + deadline_seconds)
    except (asyncio.CancelledError, LateError):
        await run_to_its_end(_cancel, share.id)
        raise


async def _wait(run: Run, share: FlowRun, deadline: float) -> State | None:
    from prefect.client.orchestration import get_client

    began = run.clock.monotonic()
    start = f"start one (`prefect worker start --pool {share.work_pool_name}`)"
    async with get_client() as client:
        while (state := (await client.read_flow_run(share.id)).state) is not None and not state.is_final():
            now = run.clock.monotonic()
            if now >= deadline and state.is_scheduled():
                raise LateError(f"no worker started it before the deadline: {start}", has_started=False)
            if now >= deadline + _LAST_SECONDS:
                raise LateError("it was still running long after the deadline, and was cancelled", has_started=True)
            if state.is_scheduled() and now >= began + _WAITING_SECONDS:
                run.warn_once(f"no worker has started a share for a minute. If none is running, {start}")
            await asyncio.sleep(min(_POLL_SECONDS, max(deadline - now, 0.1)))
    return state


def _cancel(share: UUID) -> None:
    """Ask Prefect's server to cancel a flow run; one that no worker has started is cancelled at once."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    with contextlib.suppress(Exception), get_client(sync_client=True) as client:  # the waiting run ends anyway
        client.set_flow_run_state(share, Cancelling())
