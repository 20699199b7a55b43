"""The Prefect flow `collect`: the same job as on the command line, with its batches as Prefect tasks.

Prefect schedules, limits and shows; it holds nothing. A run that dies leaves its answers in the archive, and the next
run goes on from there, so neither the flow nor its tasks are retried: the gateway's client is the one layer that does.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow, task
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import ObjectNotFound
from pydantic import Field, SecretStr

from flows._prefect.artifacts import never_fatal, prefect_voice, progress_told, show_summary, tell_alerts
from flows._prefect.fan_out import DEPLOYMENT, fan_out
from flows._prefect.shared_rate import shared_concurrency, shared_rate
from pipeline import interrupts
from pipeline import run as runs
from pipeline.alerts import news
from pipeline.collect.accept import accept
from pipeline.collect.batches import fetch_batch
from pipeline.collect.collect import Options
from pipeline.collect.collect import collect as collect_ids
from pipeline.collect.shards import Share, shares_of
from pipeline.data_folder import begin_folder
from pipeline.errors import AvatarTasksError, ExitCode, UnusableInputError, error_for
from pipeline.intake.feeds import Feeds
from pipeline.intake.source import IdSource, shown_id
from pipeline.run import Run, Voice
from pipeline.settings import Settings, read_settings
from warehouse.ducklake.lake import without_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.client import GatewayClient
    from pipeline.collect.accept import Accepted
    from pipeline.collect.summary import Summary

#: The run of a flow that the command line starts itself; a deployed flow reads its settings and begins its own.
_run_in_use: ContextVar[Run | None] = ContextVar("run_in_use", default=None)


#: What was typed: Prefect's server keeps a flow's parameters, and is not told what is no id, or a password in SQL.
_typed: ContextVar[tuple[IdSource, Feeds] | None] = ContextVar("typed", default=None)


#: Where a flow leaves its summary for the command line, also when it ends as failed.
_summaries: ContextVar[list[Summary] | None] = ContextVar("summaries", default=None)


class _Batch:
    """The ids of one Prefect task. No dataclass, so that Prefect does not look inside for futures."""

    def __init__(self, run: Run, client: GatewayClient, ids: list[str]) -> None:
        self.run = run
        self.client = client
        self.ids = ids

    def __repr__(self) -> str:
        return f"{len(self.ids)} ids"


@task(name="fetch-batch", cache_policy=NO_CACHE, persist_result=False)
async def fetch_batch_task(batch: _Batch) -> int:
    """One batch of ids to answers in the archive; returns the number of answers."""
    return await fetch_batch(batch.run, batch.client, batch.ids)


async def _run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
    return await fetch_batch_task(_Batch(run, client, ids))


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
) -> dict[str, Any]:
    """Fetch avatar tasks, archive every answer, load and publish the warehouse.

    Without any ids, whatever is due is asked for again. The gateway and its key are settings of the worker, in its
    environment or in a Secret block, and never parameters.

    Args:
        ids: Task ids to ask for.
        ids_file: A .txt, .csv, .tsv, .json, .ndjson or .parquet file with ids, also in gzip.
        ids_column: The column or key that holds the ids, also as `a.b`; the one called task_id or id if not given.
        ids_from: A folder of exports, or SQL for DuckDB such as `select task_id from 'exports/*.parquet'`. Ids that
            were accepted before are passed over.
        inbox: A folder. The files in it are taken, and moved on to its folder `done` once their ids are durable, or to
            `unusable` with the reason.
        refresh: Also ask for known tasks that are due.
        follow: Go on until every task given has ended.
        deadline_seconds: So long after it began it polls no more, with or without `follow`.
        load: Load and publish. Otherwise what is archived waits for `avatar-tasks load`.

    Raises:
        UnusableInputError: what answers at that address is no gateway.
        KeyRefusedError: the gateway refused the key; whatever came before is kept.
        UnreachableError: too much of the batch could not be reached; likewise.
        UnusableInputError: the ids or settings cannot be used, or there is no gateway at the address.
    """
    given, feeds = _typed.get() or (
        IdSource(tuple(ids or ()), ids_file, ids_column),
        Feeds(inbox, ids_from, ids_column),
    )
    run = _run_in_use.get()
    if run is None:
        run = await asyncio.to_thread(_begin_scheduled)
    options = Options(refresh=refresh, follow=follow, deadline_seconds=deadline_seconds, feeds=feeds, load=load)
    summary = await _collect_or_fan_out(run, given, options)
    if (summaries := _summaries.get()) is not None:
        summaries.append(summary)
    with never_fatal(run, "the summary"):
        await show_summary(run, summary)
    with never_fatal(run, "what there is to tell"):
        told = await asyncio.to_thread(news, run, summary)
        await asyncio.to_thread(told.mark_told, tell_alerts(run, told.alerts))
    if summary.exit_code not in {ExitCode.DONE, ExitCode.NOT_LOADED}:
        raise error_for(summary.exit_code)(summary.problem)
    return summary.as_dict()


async def _collect(run: Run, given: IdSource, options: Options, accepted: Accepted | None = None) -> Summary:
    """Collect with the key, the pace and the progress that Prefect's server has a part in."""
    async with (
        shared_rate(run.voice.warn) as permission,
        shared_concurrency(run.settings.concurrency) as concurrency,
        _progress_shown(run) as shown,
    ):
        run = dataclasses.replace(
            shown,
            settings=(await _with_key(run.settings)).model_copy(update={"concurrency": concurrency}),
            permission=permission,
        )
        return await collect_ids(run, given, options, _run_batch, accepted)


@contextlib.asynccontextmanager
async def _progress_shown(run: Run) -> AsyncIterator[Run]:
    """The run with a voice that tells its progress to Prefect's server, too."""
    voice = run.voice
    async with progress_told(run, "collect-progress") as tell:

        def progress(done: int, total: int) -> None:
            tell(done, total)
            voice.progress(done, total)

        yield dataclasses.replace(run, voice=Voice(voice.say, voice.warn, progress))


async def _collect_or_fan_out(run: Run, given: IdSource, options: Options) -> Summary:
    """By this run alone, or by a run for each share where there are too many ids for one and others can write, too."""
    has_ids = given.is_given or options.feeds.inbox or options.feeds.ids_from
    if run.paths.lake is None or not has_ids or not options.load:  # shares are summed up from the lake
        return await _collect(run, given, options)
    accepted = await asyncio.to_thread(accept, run, given, options.feeds)
    of = await asyncio.to_thread(shares_of, accepted, run.settings.shard_ids)
    if of > 1:
        try:
            async with _progress_shown(run) as shown:
                return await fan_out(shown, accepted, options, of)
        except ObjectNotFound:
            run.voice.warn(f"there is no {DEPLOYMENT} (see `avatar-tasks setup-prefect`): one run does it all")
    return await _collect(run, given, options, accepted)


def _begin_scheduled() -> Run:
    run = runs.begin(read_settings(), "collect", voice=prefect_voice())
    begin_folder(run, scheduled=True)
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
    deadline_seconds: Annotated[float, Field(gt=0)] | None = None,
) -> dict[str, Any]:
    """Collect one share of the ids that a run of `collect` has accepted, which starts this flow and sums it up.

    Args:
        accepted_by: The run that has accepted the ids.
        number: The share, from 0.
        of: How many shares there are.
        run_id: The run that this is to be.
        refresh: Also poll known tasks that are due, those whose hash falls to this share.
        follow: Go on until every task of the share has ended.
        deadline_seconds: So long after it began it polls no more.
    """
    run = runs.begin(read_settings(), "collect-shard", voice=prefect_voice(), run_id=run_id)
    options = Options(refresh=refresh, follow=follow, deadline_seconds=deadline_seconds, share=(number, of))
    accepted = await asyncio.to_thread(Share(accepted_by, number, of).accepted, run.store)
    return (await _collect(run, IdSource(), options, accepted)).as_dict()


def run_as_flow(run: Run, ids: IdSource, options: Options) -> Summary:
    """Run the flow in this process, with the settings and the voice of `run`; Prefect's server sees it.

    Raises:
        AvatarTasksError, WarehouseError: see `collecting.collect`.
    """
    summaries: list[Summary] = []
    tokens = _run_in_use.set(run), _summaries.set(summaries), _typed.set((ids, options.feeds))
    try:
        interrupts.run(
            collect(
                ids=[shown_id(one) for one in ids.ids] or None,
                ids_file=ids.file,
                ids_column=ids.column,
                ids_from=without_password(options.feeds.ids_from) if options.feeds.ids_from else None,
                inbox=options.feeds.inbox,
                refresh=options.refresh,
                follow=options.follow,
                deadline_seconds=options.deadline_seconds,
                load=options.load,
            )
        )
    except AvatarTasksError:
        if not summaries:  # which would say so
            raise
    finally:
        _run_in_use.reset(tokens[0])
        _summaries.reset(tokens[1])
        _typed.reset(tokens[2])
    return summaries[0]


async def _with_key(settings: Settings) -> Settings:
    """The settings with the key from the Prefect Secret block they name, unless the key itself is set."""
    if settings.api_key or not settings.api_key_block:
        return settings
    try:
        block: Any = await Secret.aload(settings.api_key_block)
    except ValueError as error:
        msg = f"AVATAR_TASKS_API_KEY_BLOCK: the Prefect server in use has no Secret block {settings.api_key_block!r}"
        raise UnusableInputError(msg) from error
    return settings.model_copy(update={"api_key": SecretStr(str(block.get()))})
