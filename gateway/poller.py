"""From one id to one observation: one attempt at a time, and as many retries as the rules allow.

Ids that failed are queued behind all that have not, so that good ids never wait for broken ones.
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
    """All requests sent."""
    first_attempts: int = 0
    """Ids polled."""
    retries: int = 0
    resends: int = 0
    """Requests sent again after a refusal; these do not count as retries."""
    refusals: int = 0
    """Requests answered with 429 or a throttling 503."""
    failures: int = 0
    """Requests without a complete answer, or with a transient error (408, 500, 502, 503, 504)."""
    answers: int = 0
    """Requests that got any HTTP status."""
    observations: int = 0


@dataclass(slots=True)
class _Sent:
    """One request that was sent, and its result."""

    answer: Answer
    verdict: Verdict
    observed_at: datetime
    elapsed_seconds: float


@dataclass(slots=True)
class PollRequest:
    """One id on its way to an observation."""

    task_id: str
    due_at: float = -math.inf
    """The earliest time of the next attempt, by the monotonic clock."""
    last: _Sent | None = None
    """None until the first request has been sent."""
    attempts: int = 0
    refusals: int = 0

    def release(self) -> None:
        """Stop counting the body here: from now on the reader of the observation counts it."""
        if self.last is not None:
            self.last.answer.release()


class Todo:
    """The queue: first the ids not polled yet, in order, then those to be retried, the earliest due first."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._new = iter(ids)
        self._again: list[tuple[float, int, PollRequest]] = []
        self._put_back = itertools.count()

    def take(self, *, has_ended: bool) -> PollRequest | None:
        """The next poll, or None if none is left. Once the client has ended, only polls already begun are returned."""
        task_id = None if has_ended else next(self._new, None)
        if task_id is not None:
            return PollRequest(task_id)
        return heapq.heappop(self._again)[2] if self._again else None

    def put_back(self, poll: PollRequest) -> None:
        """Queue a poll for a retry. The worker that does so calls `take` again, so no poll is left over."""
        heapq.heappush(self._again, (poll.due_at, next(self._put_back), poll))


class Poller:
    """Polls at one path, for one client.

    Args:
        source: the name of the gateway in observations.
        gate: where requests wait until they may be sent.
        exchange: sends the requests.
        retries: decides which polls are retried, and when.
        clock: reads the time.
        stats: the counters to update.
        recognizes: whether answers can show that the address or the key is wrong; see `Gate.settle`.
    """

    def __init__(
        self,
        source: str,
        *,
        gate: Gate,
        exchange: Exchange,
        retries: Retries,
        clock: Clock,
        stats: ClientStats,
        recognizes: bool = True,
    ) -> None:
        self._source = source
        self._recognizes = recognizes
        self._gate = gate
        self._exchange = exchange
        self._retries = retries
        self._clock = clock
        self._stats = stats
        self._has_answered = False
        self._failed: set[str] = set()
        """Ids that failed and have not been answered since."""
        self._suspects: set[str] = set()
        """Ids that failed before this client was created."""

    def suspect(self, ids: Iterable[str]) -> None:
        """These ids failed in an earlier run: poll them after all others."""
        self._suspects.update(ids)

    def has_failed(self, task_id: str) -> bool:
        return task_id in self._failed or task_id in self._suspects

    async def advance(self, poll: PollRequest) -> Observation | None:
        """Makes one attempt (repeated while the gateway rate-limits) and returns the observation if it is final.

        None means either that a retry is due at `due_at`, or that the client ended before anything was sent.
        """
        while (permit := await self._gate.enter(has_failed=self.has_failed(poll.task_id))) is not None:
            self._count_request(poll.last)
            poll.last = last = await self._send(permit, poll.task_id)
            if last.verdict is Verdict.REFUSED:
                poll.refusals += 1
                last.answer.forget_body()
                continue
            poll.attempts += 1
            if not last.verdict.may_pass or not self._retries.grant(poll.attempts):
                break
            last.answer.forget_body()
            poll.due_at = self._clock.monotonic() + self._retries.backoff_seconds(poll.attempts)
            return None
        return None if poll.last is None else self._observation(poll, poll.last)

    async def _send(self, permit: Permit, task_id: str) -> _Sent:
        began = self._clock.monotonic()
        try:
            answer = await self._exchange.get(task_id)
        except asyncio.CancelledError:
            self._gate.lose(permit)
            raise
        elapsed_seconds = self._clock.monotonic() - began
        envelope = read_envelope(answer.body) if (answer.status or 0) >= _CLIENT_ERROR else None
        verdict = judge(answer.status, answer.fault.kind if answer.fault else None, answer.retry_after, envelope)
        is_news = self._remember(task_id, verdict)
        self._gate.settle(permit, verdict, answer, envelope, is_news=is_news, recognizes=self._recognizes)
        self._count_answer(answer, verdict)
        return _Sent(answer, verdict, self._clock.now(), elapsed_seconds)

    def _remember(self, task_id: str, verdict: Verdict) -> bool:
        """Whether a failure says something new about the gateway.

        A failure counts once per id. For an id that failed in an earlier run, a failure that concerns that task alone
        says nothing new either, once the gateway has answered for other ids.
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

    def _count_request(self, before: _Sent | None) -> None:
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

    def _observation(self, poll: PollRequest, last: _Sent) -> Observation:
        self._stats.observations += 1
        answer = last.answer
        return Observation(
            source=self._source,
            task_id=poll.task_id,
            observed_at=last.observed_at,
            http_status=answer.status,
            content_type=answer.content_type,
            body=answer.body,
            body_cut=answer.body_cut,
            elapsed_ms=last.elapsed_seconds * 1000,
            attempts=poll.attempts,
            refusals=poll.refusals,
            request_id=answer.request_id,
            gateway_version=answer.gateway_version,
            error=None if answer.fault is None else str(answer.fault),
        )
