"""The Prefect flow `collect`: the same job as on the command line, with its batches as Prefect tasks.

Prefect schedules, limits and shows runs, but stores no data. A run that dies leaves its answers in the archive, and the
next run continues from there. So neither the flow nor its tasks are retried: only the gateway's client retries.
"""

from __future__ import annotations

import asyncio
import functools
from datetime import datetime  # noqa: TC003 - Prefect reads the types of parameters
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow
from pydantic import Field

from flows._prefect.artifacts import line_of_failure, prefect_reporter
from flows._prefect.each_source import collect_each
from flows._prefect.flow_run import FlowRun
from flows._prefect.server import require_server
from pipeline import interrupts
from pipeline import run as runs
from pipeline.collect.accept import check_given
from pipeline.collect.request import CollectRequest, DrawnFrom
from pipeline.collect.shards import Share
from pipeline.data_folder import begin_folder
from pipeline.errors import AvatarTasksError
from pipeline.intake.source import shown_id
from pipeline.sources.choose import chosen_sources, one_source, request_of, settings_of
from pipeline.spans import DEFAULT_SINCE
from warehouse.ducklake.lake import without_password

if TYPE_CHECKING:
    from pipeline.collect.summary import Summary
    from pipeline.run import Run
    from pipeline.sources.file import Source


@flow(name="collect", persist_result=False)
async def collect(
    ids: list[str] | None = None,
    ids_file: str | None = None,
    ids_column: str | None = None,
    ids_from: str | None = None,
    inbox: str | None = None,
    *,
    refresh: bool = True,
    follow: bool = False,
    deadline_seconds: Annotated[float, Field(gt=0)] | None = None,
    load: bool = True,
    drawn_from: DrawnFrom | None = None,
    discover: bool = False,
    since: str = DEFAULT_SINCE,
    action: str | None = None,
    again: bool = False,
    where: str | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    """Fetch avatar tasks, archive every answer, load and publish the warehouse.

    Without ids, all known tasks that are due are polled. The gateway and its key are settings of the worker, in its
    environment or in a Secret block, and never parameters.

    Args:
        ids: Task ids to poll.
        ids_file: A .txt, .csv, .tsv, .json, .ndjson or .parquet file with ids, or one of these packed with gzip.
        ids_column: The column or key with the ids, also as `a.b`; if not given, the one called task_id or id.
        ids_from: A folder of exports, or SQL such as `select task_id from 'exports/*.parquet'`; known ids are skipped.
        inbox: A folder of files; each is moved to `done` once its ids are archived, or to `unusable` with the reason.
        refresh: Also poll known tasks that are due.
        follow: Continue until every task given has ended.
        deadline_seconds: Stop polling this many seconds after the start, with or without `follow`.
        load: Load and publish. Otherwise `avatar-tasks load` loads later what is archived.
        drawn_from: How the ids were drawn: `running`, from the tasks running then; `all`, from all tasks. If not given,
            the view `accepted_lists` infers it.
        discover: Also read the gateway's own list of tasks. It needs the setting ACCESS_TOKEN or ACCESS_TOKEN_BLOCK.
        since: How far back the list is read, such as `7 days`; what was read completely before is skipped.
        action: Read only tasks of this action from the list.
        again: Also poll given ids that have ended: their outcome may have changed.
        where: With `again`, also poll the tasks that match this SQL condition on the columns of `tasks`.
        source: Which gateway of sources.toml; if not given, all of them, each in a flow run of its own.
    """
    request = CollectRequest(
        ids or (),
        ids_file,
        ids_column,
        ids_from,
        inbox,
        refresh,
        follow,
        deadline_seconds,
        load,
        drawn_from,
        discover=discover,
        since=since,
        action=action,
        again=again,
        where=where,
    )
    return await _collect(source, request)


async def _collect(source: str | None, request: CollectRequest) -> dict[str, Any]:
    """Collect; with several gateways, each in its own flow run.

    Raises:
        UnusableInputError: the ids or settings cannot be used, or no gateway answers at that address.
        KeyRefusedError: the gateway refused the key; answers received before are kept.
        UnreachableError: too large a share of the ids could not be reached; the answers received are kept.
    """
    sources = await asyncio.to_thread(chosen_sources, source)
    if len(sources) > 1:
        await asyncio.to_thread(_begin_scheduled, None, request)
        return await collect_each(sources, request)  # type: ignore[return-value]  # as below
    chosen = sources[0] if sources else None
    request = request_of(chosen, request)
    run = await asyncio.to_thread(_begin_scheduled, chosen, request)
    return await FlowRun(run, request).collect()  # type: ignore[return-value]  # Prefect unpacks it


def _begin_scheduled(source: Source | None, request: CollectRequest) -> Run:
    run = runs.begin(settings_of(source), "collect", reporter=prefect_reporter())
    with line_of_failure(run):
        begin_folder(run, scheduled=True, check=lambda: check_given(run, request))
    return run


@flow(name="collect-shard", persist_result=False)
async def collect_shard(
    accepted_by: str,
    number: int,
    of: int,
    run_id: str,
    *,
    refresh: bool = False,
    follow: bool = False,
    again: bool = False,
    ends_at: datetime | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    """Collect one share of the ids that a run of `collect` has accepted, which starts this flow and sums it up.

    Args:
        accepted_by: The id of the run that has accepted the ids.
        number: The share, from 0.
        of: How many shares there are.
        run_id: The id for this run.
        refresh: Also poll known tasks that are due and whose hash belongs to this share.
        follow: Continue until every task of the share has ended.
        again: Also poll ids of the share that have ended.
        ends_at: The time at which it stops polling.
        source: The gateway of the ids, if sources.toml has several.
    """
    settings = settings_of(one_source(source))
    run = runs.begin(settings, "collect-shard", reporter=prefect_reporter(), run_id=run_id)
    left = None if ends_at is None else max((ends_at - run.started_at).total_seconds(), 0.0)
    request = CollectRequest(refresh=refresh, follow=follow, deadline_seconds=left, share=(number, of), again=again)
    accepted = await asyncio.to_thread(Share(accepted_by, number, of).accepted, run.store)
    return (await FlowRun(run, request).collect_alone(accepted)).as_dict()


def run_as_flow(run: Run, request: CollectRequest) -> Summary:
    """Run the flow in this process, with the settings and the reporter of `run`; Prefect's server sees it.

    Raises:
        AvatarTasksError, WarehouseError: see `CollectRun.collect`.
        UnusableInputError: when the server that is set does not answer; nothing was begun then.
    """
    flow_run = FlowRun(run, request, leaves_line=False)

    @flow(name=collect.name, persist_result=False)
    @functools.wraps(collect.fn)
    async def this_run(*_: Any, **__: Any) -> dict[str, Any]:  # noqa: ANN401 - Prefect only shows the parameters
        return await flow_run.collect()  # type: ignore[return-value]  # Prefect unpacks it

    try:
        interrupts.run(this_run(**_shown(request, run.settings.source if request.sources > 1 else None)))
    except AvatarTasksError:
        if flow_run.summary is None:  # otherwise the summary has the error
            raise
    except RuntimeError:  # Prefect's client raises it at its first request if there is no server
        if not flow_run.is_begun:
            interrupts.run(require_server())
        raise
    assert flow_run.summary is not None  # noqa: S101 - a flow that ends without an error has one
    return flow_run.summary


def _shown(request: CollectRequest, source: str | None) -> dict[str, Any]:
    """The flow's parameters as Prefect's server stores and shows them: without passwords and invalid ids."""
    return {
        "ids": [shown_id(one) for one in request.ids] or None,
        "ids_file": request.ids_file,
        "ids_column": request.ids_column,
        "ids_from": without_password(request.ids_from) if request.ids_from else None,
        "inbox": request.inbox,
        "refresh": request.refresh,
        "follow": request.follow,
        "deadline_seconds": request.deadline_seconds,
        "load": request.load,
        "drawn_from": request.drawn_from,
        "discover": request.discover,
        "since": request.since,
        "action": request.action,
        "again": request.again,
        "where": request.where,
        "source": source,
    }
