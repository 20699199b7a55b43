"""The main job: ids in, warehouse out. It is the same with and without Prefect.

accept (write the ids to the archive) → load what earlier runs left → plan → archive batches of answers, and load them
meanwhile → load the rest → publish. If a run ends early, the next one continues from what is in the archive.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
from typing import IO, TYPE_CHECKING, Final

from pipeline.collect.accept import Accepted, accept
from pipeline.collect.batches import fetch_batch
from pipeline.collect.beside import Count, loading_beside
from pipeline.collect.client import make_client, make_list_client
from pipeline.collect.destination import destination_of
from pipeline.collect.fetch import Fetcher, Tally
from pipeline.collect.other_ids import missing_storms, other_ids_of_run
from pipeline.collect.summary import Summary, policy_in_words
from pipeline.collect.verdict import count_reached, is_hopeless, judge_gateway, judge_reach
from pipeline.discovery.walk import Walk
from pipeline.errors import ExitCode, UnusableInputError
from pipeline.run import GRACE_SECONDS
from pipeline.sources.wording import worded_for
from pipeline.threads import run_for, run_to_its_end
from warehouse import plan
from warehouse.archive.active_runs import active_run
from warehouse.maintenance.leftovers import clear_leftovers
from warehouse.plan import PollRequest, Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import duckdb

    from gateway.client import GatewayClient
    from pipeline.collect.fetch import RunBatch
    from pipeline.collect.request import CollectRequest
    from pipeline.collect.verdict import Reached
    from pipeline.discovery.walk import Discovered
    from pipeline.run import Run

_DEADLINE: Final = "The deadline has passed. Ids that were not polled are kept, and the next collect polls them."


class CollectRun:
    """One run of `collect`: its methods are the steps in order, its fields are what it knows so far.

    Args:
        run: from `run.begin`.
        request: which ids to collect, and how.
        run_batch: fetches a batch; in a flow it is a Prefect task.
        accepted: ids that are already accepted, used instead of those of the request.

    Raises:
        UnusableInputError: when no gateway is set, or a setting cannot be used.
    """

    def __init__(
        self,
        run: Run,
        request: CollectRequest,
        *,
        run_batch: RunBatch = fetch_batch,
        accepted: Accepted | None = None,
    ) -> None:
        if request.deadline_seconds is not None:
            run = dataclasses.replace(run, deadline=run.began + request.deadline_seconds)
        self.run = run
        self.request = request
        self.accepted = accepted or Accepted()
        self._is_accepted = accepted is not None
        self.tally = Tally()
        self.discovered: Discovered | None = None
        self.client = make_client(run)
        self._list_client = make_list_client(run) if request.discover else None
        self._since_seconds = request.since_seconds
        self.destination = destination_of(run, load=request.load, sources=request.sources)
        self._fetcher = Fetcher(run, self.client, self.destination, self.tally, run_batch)

    async def collect(self) -> Summary:
        """Run all steps; `exit_code` and `problem` of the summary say how the run ended.

        Raises:
            UnusableInputError: when the ids cannot be used; nothing has been polled then.
            ArchiveError: when the archive cannot be written; what was written before is kept.
        """
        with active_run(self.run.paths.active_runs, self.run.started_at):
            async with self.client:
                await asyncio.to_thread(clear_leftovers, self.run.paths)
                await self._accept_before_the_deadline()
                await self.discover()
                todo = await run_to_its_end(self.plan)
                async with self._stopped_at_the_deadline(self.client):
                    await self.poll(todo)
            return await run_to_its_end(self.finish)

    async def _accept_before_the_deadline(self) -> None:
        try:
            await run_for(self.run.seconds_left, self.accept)
        except TimeoutError as error:
            raise UnusableInputError(
                "the deadline came while ids were still being read (from a pipe, or by the query of --ids-from): "
                "nothing was polled. Give a later --deadline, or a source that ends"
            ) from error

    def accept(self) -> None:
        """Write the ids to the archive, so that none is lost from now on."""
        if not self._is_accepted:
            self.accepted, self._is_accepted = accept(self.run, self.request), True

    async def discover(self) -> None:
        """With `discover`, read the gateway's list of tasks; its pages are loaded before polling is planned."""
        if self._list_client is None:
            return
        async with self._list_client as client, self._stopped_at_the_deadline(client):
            walk = Walk(self.run, client, self.request.action, self._since_seconds)
            async with loading_beside(self.run, self.destination, lambda: Count(walk.seen, math.inf)):
                self.discovered = await walk.walk()
        if problem := self.discovered.problem:
            self.run.reporter.warn(f"discovery: {self._worded(problem)}")

    def plan(self, *, only_due: bool = False) -> IO[bytes]:
        """Load what earlier runs left in the archive, then write down which ids to poll.

        Args:
            only_due: of the given ids, poll only those that are due; for the later rounds of `follow`.
        """
        wanted = self._wanted(only_due=only_due)
        todo = plan.new_todo(self.run.paths.root)

        def write(con: duckdb.DuckDBPyConnection) -> plan.Planned:
            return plan.write_todo(con, wanted, self.run.clock.now(), todo)

        planned = self.destination.before_polling(wanted, write)
        self.tally.planned += planned.to_ask
        if not only_due:
            self.tally.skipped_terminal = planned.ended
        return todo

    async def poll(self, todo: IO[bytes]) -> None:
        """Poll what is planned; with `follow`, load and poll due ids until all have ended or the deadline is near."""
        await self._fetcher.fetch(todo)
        while self.request.follow and self.client.ended is None and not is_hopeless(self.client):
            state = await run_to_its_end(self.destination.between_rounds, self._progress)
            wait = self._seconds_until_due(state)
            if wait is None or wait > self.run.seconds_left:
                return
            self.run.reporter.info(
                f"{state.ended:,} of {state.given:,} have ended; {state.waiting:,} to go, next poll in {wait:.0f} s"
            )
            await self.run.clock.sleep(wait)
            await self._fetcher.fetch(await run_to_its_end(self.plan, only_due=True))

    def finish(self) -> Summary:
        """Load the rest, archive the summary, and publish."""
        return self.destination.at_the_end(self.summarise)

    def summarise(self, con: duckdb.DuckDBPyConnection) -> Summary:
        """The summary of the run, from the warehouse that `con` is connected to."""
        run, client = self.run, self.client
        if warning := plan.renamed_envelopes(con, run.run_id):
            run.reporter.warn(warning)
        state = self._progress(con)
        reached = count_reached(con, run.run_id, self.tally, client)
        exit_code, problem = self._verdict(reached, is_known=plan.is_source_known(con, run.settings.source))
        return Summary(
            run_id=run.run_id,
            source=run.settings.source,
            requested=state.given,
            rejected=self.accepted.rejections.named,
            rejected_count=self.accepted.rejections.count,
            skipped_terminal=self.tally.skipped_terminal,
            requests=client.stats.requests + client.bulk_stats.requests,
            retries=client.stats.retries + client.bulk_stats.retries,
            refusals=client.stats.refusals + client.bulk_stats.refusals,
            segments_loaded=self.destination.loaded.segments,
            still_running=state.waiting,
            exit_code=exit_code,
            problem=problem and self._worded(problem),
            published=None if self.destination.problem else run.published,
            seconds=round(run.clock.monotonic() - run.began, 3),
            other_ids=other_ids_of_run(con, run.run_id),
            missing_storm=missing_storms(con, run.clock.now()).get(run.settings.source),
            discovered=self.discovered,
            **policy_in_words(run.settings.policy),
            **dataclasses.asdict(reached),
        )

    def _verdict(self, reached: Reached, *, is_known: bool) -> tuple[ExitCode, str | None]:
        """How the run ended, and why; the worst problem counts."""
        wrong = judge_gateway(self.client, is_known=is_known)
        wrong = wrong or judge_reach(self.client, reached, self.run.settings.max_unreachable_share)
        if wrong:
            return wrong
        if self.discovered is not None and self.discovered.exit_code is not ExitCode.DONE:
            return self.discovered.exit_code, self.discovered.problem
        if self.destination.problem is not None:
            return ExitCode.NOT_LOADED, str(self.destination.problem)
        return ExitCode.DONE, self.client.ended.sentence if self.client.ended else None

    def _worded(self, text: str) -> str:
        """The sentence, with settings named as they are set for this gateway."""
        return worded_for(self.run.settings.source, text)

    def _wanted(self, *, only_due: bool = False) -> PollRequest:
        request = self.request
        return PollRequest(
            self.run.settings.source,
            self.accepted.segments,
            refresh=request.refresh,
            only_due=only_due,
            share=request.share,
            again=request.again,
        )

    def _progress(self, con: duckdb.DuckDBPyConnection) -> Progress:
        return plan.progress(con, self._wanted(), self.run.clock.now())

    def _seconds_until_due(self, state: Progress) -> float | None:
        """Seconds until the next of the given ids is due; None if none will be polled again.

        At least a quarter of POLL_MIN, so that several ids are polled together.
        """
        if state.next_due_at is None:
            return None
        left = state.next_due_at - self.run.clock.now().timestamp()
        return max(left, self.run.settings.policy.min_seconds / 4)

    @contextlib.asynccontextmanager
    async def _stopped_at_the_deadline(self, client: GatewayClient) -> AsyncIterator[None]:
        """Stop a client at the deadline; requests still in flight `GRACE_SECONDS` later are dropped."""
        run = self.run
        if math.isinf(run.deadline):
            yield
            return
        stopping = asyncio.get_running_loop().call_later(run.seconds_left, client.stop, _DEADLINE)
        limit = asyncio.timeout(run.seconds_left + GRACE_SECONDS)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            stopping.cancel()
