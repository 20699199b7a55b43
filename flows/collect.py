"""The Prefect flow `collect`: the same job as on the command line, with its batches as Prefect tasks.

Prefect schedules, limits and shows; it holds nothing. A run that dies leaves its answers in the archive, and the next
run goes on from there, so neither the flow nor its tasks are retried: the gateway's client is the one layer that does.
"""

from __future__ import annotations

import asyncio
import dataclasses
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from pydantic import SecretStr

from flows import run as runs
from flows.batches import fetch_batch
from flows.collecting import Options
from flows.collecting import collect as collect_ids
from flows.errors import ExitCode, KeyRefusedError, UnreachableError, UnusableInputError
from flows.headline import headline
from flows.id_files import IdSource
from flows.run import Run, Voice
from flows.settings import Settings, read_settings

if TYPE_CHECKING:
    from flows.summary import Summary
    from gateway.client import GatewayClient

#: The run of a flow that the command line starts itself; a deployed flow reads its settings and begins its own.
_run_in_use: ContextVar[Run | None] = ContextVar("run_in_use", default=None)


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
    *,
    refresh: bool = True,
    follow: bool = False,
    deadline_seconds: float | None = None,
) -> dict[str, Any]:
    """Fetch avatar tasks, archive every answer, load and publish the warehouse.

    Args:
        ids: Task ids to ask for.
        ids_file: A .txt, .csv, .ndjson or .parquet file with ids.
        ids_column: The column of that file that holds them; task_id or id if not given.
        refresh: Also ask for known tasks that are due.
        follow: Go on until every task given has ended.
        deadline_seconds: But no longer than this.

    Raises:
        KeyRefusedError: the gateway refused the key; whatever came before is kept.
        UnreachableError: too much of the batch could not be reached; likewise.
    """
    run = _run_in_use.get() or runs.begin(read_settings(), "collect", voice=_prefect_voice())
    run = dataclasses.replace(run, settings=await _with_key(run.settings))
    options = Options(refresh=refresh, follow=follow, deadline_seconds=deadline_seconds)
    summary = await collect_ids(run, IdSource(tuple(ids or ()), ids_file, ids_column), options, _run_batch)
    if (summaries := _summaries.get()) is not None:
        summaries.append(summary)
    await _show(run, summary)
    if summary.exit_code == ExitCode.KEY_REFUSED:
        raise KeyRefusedError(summary.problem)
    if summary.exit_code == ExitCode.UNREACHABLE:
        raise UnreachableError(summary.problem)
    return summary.as_dict()


def run_as_flow(run: Run, ids: IdSource, options: Options) -> Summary:
    """Run the flow in this process, with the settings and the voice of `run`; Prefect's server sees it.

    Raises:
        AvatarTasksError, WarehouseError: see `collecting.collect`.
    """
    summaries: list[Summary] = []
    tokens = _run_in_use.set(run), _summaries.set(summaries)
    try:
        asyncio.run(
            collect(
                ids=list(ids.ids) or None,
                ids_file=ids.file,
                ids_column=ids.column,
                refresh=options.refresh,
                follow=options.follow,
                deadline_seconds=options.deadline_seconds,
            )
        )
    except (KeyRefusedError, UnreachableError):
        pass  # the summary says so
    finally:
        _run_in_use.reset(tokens[0])
        _summaries.reset(tokens[1])
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


def _prefect_voice() -> Voice:
    logger = get_run_logger()
    return Voice(say=logger.info, warn=logger.warning)


async def _show(run: Run, summary: Summary) -> None:
    """The summary as a Prefect artifact. A server that does not answer is no reason to fail a run that is done."""
    lines = [f"- {line}" for line in summary.as_lines()]
    if summary.problem:
        lines.insert(0, f"**{summary.problem}**\n")
    if summary.published:
        lines += ["", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in headline(run.paths))]
    try:
        await acreate_markdown_artifact("\n".join(lines), key="collect", description=f"run {run.run_id}")
    except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises
        run.voice.warn(f"Prefect did not take the summary: {error}")
