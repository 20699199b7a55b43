"""The main job: ids in, warehouse out. It arranges the other rooms; with or without Prefect it is the same.

accept (ids durable) → load what earlier runs left → plan → batches to the archive, loaded meanwhile → load the rest →
publish. Whatever ends it early, the next run goes on from what the archive holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from gateway.client import ApiKey, GatewayClient, check_base_url
from gateway.clock import Clock
from gateway.errors import InvalidSetting
from gateway.wire.descriptors import RESERVED, most_in_flight
from pipeline import load as loading
from pipeline.collect.accept import Accepted, accept
from pipeline.collect.batches import fetch_batch
from pipeline.collect.fetch import Tally, ask_all
from pipeline.collect.other_ids import missing_storms, other_ids_of_run
from pipeline.collect.summary import UNREACHABLE, Summary
from pipeline.errors import ExitCode, UnusableInputError
from pipeline.intake.feeds import NO_FEEDS, Feeds
from pipeline.run import GRACE_SECONDS, write_run
from pipeline.threads import run_to_its_end
from warehouse import plan
from warehouse.archive.active_runs import at_work
from warehouse.maintenance.leftovers import clear_debris
from warehouse.plan import Progress, Question

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import duckdb

    from pipeline.collect.fetch import RunBatch
    from pipeline.intake.source import IdSource
    from pipeline.run import Run
    from pipeline.settings import Settings

#: How long the warehouse is waited for before asking: collecting is not to be held up.
_CATCH_UP_SECONDS: Final = 2.0

#: How a run ends when this is wrong with the gateway.
_EXIT_CODES: Final = {"key_refused": ExitCode.KEY_REFUSED, "no_gateway": ExitCode.UNUSABLE_INPUT}

_DEADLINE: Final = "The deadline came. Ids that were not polled by then are kept, and the next collect polls them."

#: While following, readers get a new copy this often.
_PUBLISH_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to collect.

    Attributes:
        refresh: also ask for known tasks that are due.
        follow: go on until every task given has ended.
        deadline_seconds: so long after the run began it polls no more.
        feeds: where further ids come from by themselves.
        share: (number, of): of the ids accepted, only this share of so many.
        load: load and publish; otherwise what is archived is left to `avatar-tasks load`, and the warehouse as it is.
    """

    refresh: bool = True
    follow: bool = False
    deadline_seconds: float | None = None
    feeds: Feeds = NO_FEEDS
    share: tuple[int, int] = (0, 1)
    load: bool = True


async def collect(
    run: Run, ids: IdSource, options: Options, run_batch: RunBatch = fetch_batch, accepted: Accepted | None = None
) -> Summary:
    """Collect ids; the summary tells how it ended, in `exit_code` and `problem`.

    Args:
        run: from `run.begin`.
        ids: the ids given, or none to only refresh what is due.
        options: how to collect.
        run_batch: what fetches a batch; a Prefect task within a flow.
        accepted: ids that have been accepted already, in the place of `ids`.

    Raises:
        UnusableInputError: when the ids or the settings cannot be used; nothing was asked then.
        ArchiveError: when the archive cannot be written; what was written before stays.
    """
    tally = Tally()
    if options.deadline_seconds is not None:
        run = dataclasses.replace(run, deadline=run.began + options.deadline_seconds)
    client = make_client(run)
    with at_work(run.paths.at_work, run.started_at):
        return await _collect(run, client, ids, options, tally, run_batch, accepted)


async def _collect(
    run: Run,
    client: GatewayClient,
    ids: IdSource,
    options: Options,
    tally: Tally,
    run_batch: RunBatch,
    accepted: Accepted | None,
) -> Summary:
    async with client:
        await asyncio.to_thread(clear_debris, run.paths)
        if accepted is None:
            accepted = await asyncio.to_thread(accept, run, ids, options.feeds)
        question = Question(run.settings.source, accepted.segments, refresh=options.refresh, share=options.share)
        todo = await run_to_its_end(_catch_up_and_plan, run, question, tally, load=options.load)
        async with _stopped_at_the_deadline(run, client):
            await _rounds(run, client, question, todo, tally, options, run_batch)
    return await run_to_its_end(_finish, run, client, accepted, question, tally, load=options.load)


@contextlib.asynccontextmanager
async def _stopped_at_the_deadline(run: Run, client: GatewayClient) -> AsyncIterator[None]:
    """The block, in which the client stops at the deadline; what is still in flight a little later is dropped."""
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


def gateway_address(settings: Settings) -> str:
    """The address to poll.

    Raises:
        UnusableInputError: when no gateway is set, or its address cannot be one.
    """
    if not settings.base_url:
        msg = (
            "no gateway is set: export AVATAR_TASKS_BASE_URL=https://host and AVATAR_TASKS_API_KEY, or give --base-url"
        )
        raise UnusableInputError(msg)
    try:
        return check_base_url(settings.base_url)
    except InvalidSetting as error:
        raise UnusableInputError(str(error)) from None


def make_client(run: Run) -> GatewayClient:
    """The gateway's client by the settings.

    Raises:
        UnusableInputError: when no gateway is set, or a setting cannot be used.
    """
    settings = run.settings
    base_url = gateway_address(settings)
    try:
        return GatewayClient(
            base_url,
            ApiKey(settings.api_key.get_secret_value() if settings.api_key else None),
            source=settings.source,
            concurrency=_most_in_flight(run),
            rate=settings.rate,
            timeout=settings.timeout,
            max_body_bytes=settings.max_body_bytes,
            redact=settings.redact,
            permission=run.permission,
            memory=run.memory,
            clock=Clock(now=run.clock.now),  # a demo's hours may be short, but requests take their time
        )
    except InvalidSetting as error:
        raise UnusableInputError(str(error)) from None


def _most_in_flight(run: Run) -> int:
    wanted = run.settings.concurrency
    most = most_in_flight(wanted)
    if most < wanted:
        run.warn_once(
            f"this process may open too few files for {wanted} requests in flight: {most} are used. "
            f"Raise the limit (ulimit -n {wanted + RESERVED}) for all of them"
        )
    return most


def _catch_up_and_plan(run: Run, question: Question, tally: Tally, *, load: bool) -> IO[bytes]:
    """Load what earlier runs left in the archive, then write down what to ask for.

    The given ids come from the archive themselves, so that they need not be loaded before they are asked for.
    """
    todo = plan.new_todo(run.paths.root)
    later = () if question.only_due else question.given

    def ask(con: duckdb.DuckDBPyConnection) -> None:
        planned = plan.write_todo(con, question, run.clock.now(), todo)
        tally.asked += planned.to_ask
        if not question.only_due:
            tally.skipped_terminal = planned.ended

    if load:
        try:
            with loading.writer(run, min(_CATCH_UP_SECONDS, run.lock_wait)) as writer, writer.open() as con:
                tally.segments_loaded += writer.load_waiting(con, later=later).segments
                ask(con)
        except loading.CANNOT_LOAD as problem:
            run.voice.warn(f"{problem}. Collecting goes on from what was last published")
        else:
            return todo
    own_answers = loading.own_answers if load else loading.own_answers_spilled
    with own_answers(run) if question.only_due else loading.last_known(run) as con:
        ask(con)
    return todo


async def _rounds(
    run: Run,
    client: GatewayClient,
    question: Question,
    todo: IO[bytes],
    tally: Tally,
    options: Options,
    run_batch: RunBatch,
) -> None:
    """Poll; while following, load and poll what is due, until all have ended or time is up."""
    published_at = run.clock.monotonic()
    await ask_all(run, client, todo, tally, run_batch, load_meanwhile=options.load)
    while options.follow and client.ended is None and not _is_hopeless(client):
        publish = run.clock.monotonic() - published_at > _PUBLISH_SECONDS
        published_at = run.clock.monotonic() if publish else published_at
        state = await run_to_its_end(_load_and_look, run, question, tally, publish=publish, load=options.load)
        wait = _seconds_until_due(run, state)
        if wait is None or wait > run.seconds_left:
            return
        run.voice.say(
            f"{state.ended:,} of {state.given:,} have ended; {state.waiting:,} to go, the next look in {wait:.0f} s"
        )
        await run.clock.sleep(wait)
        later = dataclasses.replace(question, only_due=True)
        todo = await run_to_its_end(_catch_up_and_plan, run, later, tally, load=options.load)
        await ask_all(run, client, todo, tally, run_batch, load_meanwhile=options.load)


def _load_and_look(run: Run, question: Question, tally: Tally, *, publish: bool, load: bool) -> Progress:
    if not load:
        with loading.own_answers_spilled(run) as con:
            return plan.progress(con, question, run.clock.now())
    try:
        with loading.writer(run, run.lock_wait) as writer:
            with writer.open() as con:
                tally.segments_loaded += writer.load_waiting(con).segments
                state = plan.progress(con, question, run.clock.now())
            if publish:
                writer.publish()
            return state
    except loading.CANNOT_LOAD:
        with loading.own_answers(run) as con:
            return plan.progress(con, question, run.clock.now())


def _seconds_until_due(run: Run, state: Progress) -> float | None:
    """How long until the next of the given ids is due, and others with it; None when none will be asked again."""
    if state.next_due_at is None:
        return None
    return max(state.next_due_at - run.clock.now().timestamp(), run.settings.policy.min_seconds / 4)


def _finish(
    run: Run, client: GatewayClient, accepted: Accepted, question: Question, tally: Tally, *, load: bool
) -> Summary:
    """Load, write down how the run went, and publish."""
    if not load:
        with loading.own_answers_spilled(run) as con:
            summary = _summarise(run, client, accepted, question, tally, con)
        waiting = len(loading.own_segments(run)) + 1  # and that of the summary itself
        summary = dataclasses.replace(summary, published=None, segments_waiting=waiting)
        write_run(run, summary.exit_code, summary.as_dict())
        return summary
    try:
        with loading.writer(run, run.lock_wait) as writer:
            with writer.open() as con:
                tally.segments_loaded += writer.load_waiting(con).segments
                summary = _summarise(run, client, accepted, question, tally, con)
                loading.load_segments(run, con, [write_run(run, summary.exit_code, summary.as_dict())])
            writer.publish()
    except loading.CANNOT_LOAD as problem:
        tally.problem = problem
        with loading.own_answers(run) as con:
            summary = _summarise(run, client, accepted, question, tally, con)
        write_run(run, summary.exit_code, summary.as_dict())
    return summary


def _summarise(
    run: Run,
    client: GatewayClient,
    accepted: Accepted,
    question: Question,
    tally: Tally,
    con: duckdb.DuckDBPyConnection,
) -> Summary:
    state = plan.progress(con, question, run.clock.now())
    left = plan.tasks_of_run(con, run.run_id)
    if warning := plan.renamed_envelopes(con, run.run_id):
        run.voice.warn(warning)
    outcomes = plan.answers_of_run(con, run.run_id)
    never_asked = max(tally.asked - max(tally.answered, sum(outcomes.values())), 0)
    not_polled = never_asked if _is_stopped(client) else 0
    unreachable = never_asked - not_polled + sum(count for outcome, _, count in left if outcome in UNREACHABLE)
    asked_for = never_asked + sum(count for _, _, count in left)
    known = plan.is_source_known(con, run.settings.source)
    exit_code, problem = _verdict(run, client, tally, unreachable, asked_for - not_polled, is_known=known)
    return Summary(
        run_id=run.run_id,
        source=run.settings.source,
        requested=state.given,
        rejected=accepted.rejections.named,
        rejected_count=accepted.rejections.count,
        skipped_terminal=tally.skipped_terminal,
        asked=asked_for,
        fetched=max(tally.answered, sum(outcomes.values())),
        requests=client.stats.requests,
        retries=client.stats.retries,
        refusals=client.stats.refusals,
        outcomes=outcomes,
        statuses={status: count for outcome, status, count in left if outcome == "task" and status is not None},
        segments_loaded=tally.segments_loaded,
        unreachable=unreachable,
        not_polled=not_polled,
        still_running=state.waiting,
        exit_code=exit_code,
        problem=problem,
        published=None if tally.problem or run.paths.lake else str(run.paths.published),
        seconds=round(run.clock.monotonic() - run.began, 3),
        accept_other_ids=run.settings.accept_other_ids,
        other_ids=other_ids_of_run(con, run.run_id),
        missing_storm=missing_storms(con, run.clock.now()).get(run.settings.source),
    )


def _is_stopped(client: GatewayClient) -> bool:
    """Whether it stopped because the deadline came, so that what it did not poll waits for the next run."""
    return client.ended is not None and client.ended.reason == "stopped"


def _is_hopeless(client: GatewayClient) -> bool:
    return client.conclusion is not None and client.conclusion.reason in _EXIT_CODES


def _verdict(
    run: Run, client: GatewayClient, tally: Tally, unreachable: int, asked_for: int, *, is_known: bool
) -> tuple[ExitCode, str | None]:
    """How the run ended, the worst first, and why.

    Of a gateway that answered before (`is_known`), a few web pages are its proxy's and do not make its address wrong.
    """
    conclusion = client.conclusion
    is_doubtful = is_known and client.ended is None and conclusion is not None and conclusion.reason == "no_gateway"
    if conclusion is not None and conclusion.reason in _EXIT_CODES and not is_doubtful:
        return _EXIT_CODES[conclusion.reason], conclusion.sentence
    if asked_for and unreachable / asked_for > run.settings.max_unreachable_share:
        why = conclusion.sentence if conclusion else _why_unreachable(client)
        return ExitCode.UNREACHABLE, f"{unreachable:,} of {asked_for:,} ids could not be reached. {why}"
    if tally.problem is not None:
        return ExitCode.NOT_LOADED, str(tally.problem)
    return ExitCode.DONE, client.ended.sentence if client.ended else None


def _why_unreachable(client: GatewayClient) -> str:
    last = f": the last failure was {client.last_failure}" if client.last_failure else ""
    return f"The gateway or the way to it fails{last}. What was collected is kept, run again later."
