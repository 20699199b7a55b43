"""The flow `collect` for several gateways: each has its own process, and its own flow run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.states import Completed

from flows._prefect.artifacts import prefect_reporter
from pipeline.errors import ExitCode, error_for
from pipeline.sources.children import Children

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect import State

    from pipeline.collect.request import CollectRequest
    from pipeline.sources.file import Source


async def collect_each(sources: Sequence[Source], request: CollectRequest) -> State[dict[str, Any]]:
    """Collect for all gateways, and fail if the worst of their exit codes means failure.

    Each has its own flow run on the server, with its artifacts and alerts. The data folder must exist already.

    Raises:
        AvatarTasksError: the error for that exit code; what was collected is kept.
    """
    reporter = prefect_reporter()
    children = Children(
        sources,
        request,
        {"prefect": True, "first_start": False},
        notify=lambda source, line: reporter.info(f"{source}: {line}"),
        on_end=lambda end: reporter.info(end.as_line()),
    )
    summary = await children.collect()
    if summary.exit_code not in {ExitCode.DONE, ExitCode.NOT_LOADED}:
        raise error_for(summary.exit_code)(summary.problem)
    return Completed(message=summary.problem or f"{len(sources)} sources are done", data=summary.as_dict())
