"""A run of `collect` inside a Prefect flow run: the server may hold its key and limit its rate, and shows progress."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed
from pydantic import SecretStr

from flows._prefect.artifacts import emit_alerts, line_of_failure, log_errors, progress_artifact, show_summary
from flows._prefect.fan_out import FanOut
from flows._prefect.share_run import DEPLOYMENT
from flows._prefect.shared_rate import shared_concurrency, shared_rate
from pipeline.alerts import news
from pipeline.collect.accept import accept
from pipeline.collect.batches import fetch_batch
from pipeline.collect.collect import CollectRun
from pipeline.collect.shards import shares_of
from pipeline.errors import ExitCode, UnusableInputError, error_for
from pipeline.run import Reporter
from pipeline.settings import BLOCKS
from pipeline.watch.run_line import run_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prefect import State

    from gateway.client import GatewayClient
    from pipeline.collect.accept import Accepted
    from pipeline.collect.request import CollectRequest
    from pipeline.collect.summary import Summary
    from pipeline.run import Run
    from pipeline.settings import Settings


class _Batch:
    """The ids of one Prefect task. Not a dataclass, so that Prefect does not search it for futures."""

    def __init__(self, run: Run, client: GatewayClient, ids: list[str]) -> None:
        self.run = run
        self.client = client
        self.ids = ids

    def __repr__(self) -> str:
        return f"{len(self.ids)} ids"


@task(name="fetch-batch", cache_policy=NO_CACHE, persist_result=False)
async def fetch_batch_task(batch: _Batch) -> int:
    """Poll one batch of ids and archive the answers; returns their number."""
    return await fetch_batch(batch.run, batch.client, batch.ids)


async def _run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
    return await fetch_batch_task(_Batch(run, client, ids))


class FlowRun:
    """What a flow run does for one request.

    Attributes:
        run: from `run.begin`.
        request: which ids to collect, and how.
        summary: the summary; None before the run has ended.
        is_begun: whether Prefect has started it.

    Args:
        leaves_line: whether to log the line of the run; the command line does that itself.
    """

    def __init__(self, run: Run, request: CollectRequest, *, leaves_line: bool = True) -> None:
        self.run = run
        self._leaves_line = leaves_line
        self.request = request
        self.summary: Summary | None = None
        self.is_begun = False

    async def collect(self) -> State[dict[str, Any]]:
        """The body of the flow `collect`: collect, show the summary, and fail if the exit code means failure.

        The returned state has the line of the run, as in the log, as its message, and the summary as its result.

        Raises:
            AvatarTasksError: the error for the exit code, see `pipeline.errors`; what was collected is kept.
        """
        self.is_begun = True
        with line_of_failure(self.run) if self._leaves_line else contextlib.nullcontext():
            self.summary = summary = await self._collect_or_fan_out()
        line = run_line("collect", summary.as_dict(), self.run.clock.now(), self.run.settings.log_format)
        if self._leaves_line:
            self.run.reporter.info(line)
        await self._show(summary)
        if summary.exit_code not in {ExitCode.DONE, ExitCode.NOT_LOADED}:
            raise error_for(summary.exit_code)(summary.problem)
        return Completed(message=line, data=summary.as_dict())

    async def collect_alone(self, accepted: Accepted | None = None) -> Summary:
        """Collect everything in this flow run; `accepted` are ids that were already accepted."""
        async with (
            shared_rate(self.run.reporter.warn, self.run.settings.source) as permission,
            shared_concurrency(self.run.settings.concurrency, self.run.settings.source) as concurrency,
            self._progress_shown() as shown,
        ):
            settings = await with_secrets(self.run.settings)
            settings = settings.model_copy(update={"concurrency": concurrency})
            run = dataclasses.replace(shown, settings=settings, permission=permission)
            return await CollectRun(run, self.request, run_batch=_run_batch, accepted=accepted).collect()

    async def _collect_or_fan_out(self) -> Summary:
        """Collect in this run alone, or in a run per share if there are too many ids and the warehouse is a lake."""
        if (
            not self.run.warehouse.has_many_writers
            or not self.request.has_ids
            or not self.request.load
            or self.request.discover
        ):  # shares are merged in the lake, and the list is read by one run
            return await self.collect_alone()
        accepted = await asyncio.to_thread(accept, self.run, self.request)
        of = await asyncio.to_thread(shares_of, accepted, self.run.settings.shard_ids)
        if of > 1:
            try:
                async with self._progress_shown() as shown:
                    return await FanOut(shown, self.request, accepted, of).collect()
            except ObjectNotFound:
                self.run.reporter.warn(
                    f"there is no deployment {DEPLOYMENT} (run `avatar-tasks setup-prefect`): one run collects all ids"
                )
        return await self.collect_alone(accepted)

    async def _show(self, summary: Summary) -> None:
        with log_errors(self.run, "the summary"):
            await show_summary(self.run, summary, self._key)
        with log_errors(self.run, "the alerts"):
            changed = await asyncio.to_thread(news, self.run, summary)
            await asyncio.to_thread(changed.mark_sent, emit_alerts(self.run, changed.alerts))

    @property
    def _key(self) -> str:
        """The beginning of the keys of its artifacts; with several gateways, each has its own."""
        source = re.sub(r"[^a-z0-9]+", "-", self.run.settings.source.lower()).strip("-")
        return f"collect-{source}" if self.request.sources > 1 else "collect"

    @contextlib.asynccontextmanager
    async def _progress_shown(self) -> AsyncIterator[Run]:
        """The run, with a reporter that also shows its progress on Prefect's server."""
        reporter = self.run.reporter
        async with progress_artifact(self.run, f"{self._key}-progress") as artifact:

            def progress(done: int, total: int) -> None:
                artifact(done, total)
                reporter.progress(done, total)

            yield dataclasses.replace(self.run, reporter=Reporter(reporter.info, reporter.warn, progress))


async def with_secrets(settings: Settings) -> Settings:
    """The settings with key and token from the Prefect Secret blocks that they name, unless set directly."""
    found: dict[str, SecretStr] = {}
    for name in BLOCKS:
        block_name: str | None = getattr(settings, f"{name}_block")
        if block_name and not getattr(settings, name):
            try:
                block: Any = await Secret.aload(block_name)
            except ValueError as error:
                msg = f"AVATAR_TASKS_{name.upper()}_BLOCK: the Prefect server in use has no Secret block {block_name!r}"
                raise UnusableInputError(msg) from error
            found[name] = SecretStr(str(block.get()))
    return settings.model_copy(update=found)
