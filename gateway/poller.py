"""From one id to one observation: one try at a time, and another as often as the rules allow.

Ids that failed wait behind all that have not, for good ids must not wait for broken ones.
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import Clock
from gateway.observation import Observation
from gateway.pace.gate import Gate, Permit
from gateway.pace.retries import Retries, Verdict, judge
from gateway.wire.envelope import read_envelope
from gateway.wire.exchange import Answer, Exchange

_CLIENT_ERROR = 400


@dataclass(slots=True)
class ClientStats:
    """Counters over the life of a client; `requests = first_attempts + retries + resends`."""

    requests: int = 0
    """Sent, of every sort."""
    first_attempts: int = 0
    """Ids asked for."""
    retries: int = 0
    resends: int = 0
    """Sent again after a refusal, without being a retry."""
    refusals: int = 0
    """Requests answered with 429 or a throttling 503."""
    failures: int = 0
    """Requests that got no whole answer, or one that says to try again (408, 500, 502, 503, 504)."""
    answers: int = 0
    """Requests that got an HTTP status, of every sort."""
    observations: int = 0


@dataclass(slots=True)
class _Asked:
    """One request that was sent, and what came of it."""

    answer: Answer
    verdict: Verdict
    observed_at: datetime
    elapsed_seconds: float


@dataclass(slots=True)
class Inquiry:
    """One id on its way to an observation."""

    task_id: str
    due_at: float = -math.inf
    """When it may be tried (again), by the monotonic clock."""
    last: _Asked | None = None
    """None until it was sent."""
    attempts: int = 0
    refusals: int = 0

    def release(self) -> None:
        """The reader of the observation owns its body from now on."""
        if self.last is not None:
            self.last.answer.release()


class Todo:
    """Ids still to be polled, in their order; then those that failed, the one that is due first."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._new = iter(ids)
        self._again: list[tuple[float, int, Inquiry]] = []
        self._put_back = itertools.count()

    def take(self, *, has_ended: bool) -> Inquiry | None:
        """The next; None when there is none, or none that was sent once the client has ended."""
        task_id = None if has_ended else next(self._new, None)
        if task_id is not None:
            return Inquiry(task_id)
        return heapq.heappop(self._again)[2] if self._again else None

    def put_back(self, inquiry: Inquiry) -> None:
        """To be tried again. A worker that puts back takes again, so that nothing is left."""
        heapq.heappush(self._again, (inquiry.due_at, next(self._put_back), inquiry))


class Inquirer:
    def __init__(
        self, source: str, *, gate: Gate, exchange: Exchange, retries: Retries, clock: Clock, stats: ClientStats
    ) -> None:
        self._source = source
        self._gate = gate
        self._exchange = exchange
        self._retries = retries
        self._clock = clock
        self._stats = stats
        self._has_answered = False
        self._failed: set[str] = set()
        """Ids that failed and have not been answered since."""
        self._suspects: set[str] = set()
        """Ids that failed before this client was made."""

    def suspect(self, ids: Iterable[str]) -> None:
        """These ids failed last time: they are polled after all others."""
        self._suspects.update(ids)

    def has_failed(self, task_id: str) -> bool:
        return task_id in self._failed or task_id in self._suspects

    async def advance(self, inquiry: Inquiry) -> Observation | None:
        """The observation, if there is one after this try.

        None is not yet, and `due_at` says when to try again; or never, where nothing was sent and the client has ended.
        """
        while (permit := await self._gate.enter(has_failed=self.has_failed(inquiry.task_id))) is not None:
            self._count_request(inquiry.last)
            inquiry.last = last = await self._ask(permit, inquiry.task_id)
            if last.verdict is Verdict.REFUSED:
                inquiry.refusals += 1
                last.answer.forget_body()
                continue
            inquiry.attempts += 1
            if not last.verdict.may_pass or not self._retries.grant(inquiry.attempts):
                break
            last.answer.forget_body()
            inquiry.due_at = self._clock.monotonic() + self._retries.backoff_seconds(inquiry.attempts)
            return None
        return None if inquiry.last is None else self._observation(inquiry, inquiry.last)

    async def _ask(self, permit: Permit, task_id: str) -> _Asked:
        began = self._clock.monotonic()
        try:
            answer = await self._exchange.get(task_id)
        except asyncio.CancelledError:
            self._gate.lose(permit)
            raise
        elapsed_seconds = self._clock.monotonic() - began
        envelope = read_envelope(answer.body) if (answer.status or 0) >= _CLIENT_ERROR else None
        verdict = judge(answer.status, answer.fault.kind if answer.fault else None, answer.retry_after, envelope)
        self._gate.settle(permit, verdict, answer, envelope, is_news=self._remember(task_id, verdict))
        self._count_answer(answer, verdict)
        return _Asked(answer, verdict, self._clock.now(), elapsed_seconds)

    def _remember(self, task_id: str, verdict: Verdict) -> bool:
        """Whether a failure says something new about the gateway.

        It counts once per id. Of an id that failed in an earlier run, what the gateway says about that one task is no
        news either, once it has answered about others.
        """
        if verdict is Verdict.REFUSED:
            return True
        if not verdict.is_failure:
            self._has_answered = True
            self._failed.discard(task_id)
            self._suspects.discard(task_id)
            return True
        is_known = task_id in self._failed or (
            verdict is Verdict.TASK_FAILED and self._has_answered and task_id in self._suspects
        )
        self._failed.add(task_id)
        return not is_known

    def _count_request(self, before: _Asked | None) -> None:
        self._stats.requests += 1
        if before is None:
            self._stats.first_attempts += 1
            self._retries.first_attempts += 1
        elif before.verdict is Verdict.REFUSED:
            self._stats.resends += 1
        else:
            self._stats.retries += 1

    def _count_answer(self, answer: Answer, verdict: Verdict) -> None:
        self._stats.answers += answer.status is not None
        self._stats.refusals += verdict is Verdict.REFUSED
        self._stats.failures += verdict.is_failure

    def _observation(self, inquiry: Inquiry, last: _Asked) -> Observation:
        self._stats.observations += 1
        answer = last.answer
        return Observation(
            source=self._source,
            task_id=inquiry.task_id,
            observed_at=last.observed_at,
            http_status=answer.status,
            content_type=answer.content_type,
            body=answer.body,
            body_cut=answer.body_cut,
            elapsed_ms=last.elapsed_seconds * 1000,
            attempts=inquiry.attempts,
            refusals=inquiry.refusals,
            request_id=answer.request_id,
            gateway_version=answer.gateway_version,
            error=None if answer.fault is None else str(answer.fault),
        )
