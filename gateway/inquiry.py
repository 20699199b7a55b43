"""From one id to one observation: ask, and ask again as often as the rules allow."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import Clock
from gateway.exchange import Answer, Exchange
from gateway.gate import Gate, Permit
from gateway.observation import Observation
from gateway.retrying import Retries, Verdict, judge


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

    async def observe(self, task_id: str) -> Observation | None:
        """The one observation of an id; None if the client ended before the id was asked."""
        last: _Asked | None = None
        attempts = refusals = 0
        while (permit := await self._gate.enter()) is not None:
            self._count_request(last)
            last = await self._ask(permit, task_id)
            if last.verdict is Verdict.REFUSED:
                refusals += 1
                continue
            attempts += 1
            if last.verdict is not Verdict.FAILED or not self._retries.grant(attempts):
                break
            await self._clock.sleep(self._retries.backoff_seconds(attempts))
        return None if last is None else self._observation(task_id, last, attempts, refusals)

    async def _ask(self, permit: Permit, task_id: str) -> _Asked:
        began = self._clock.monotonic()
        try:
            answer = await self._exchange.get(task_id)
        except asyncio.CancelledError:
            self._gate.lose(permit)
            raise
        elapsed_seconds = self._clock.monotonic() - began
        verdict = judge(answer.status, answer.fault.kind if answer.fault else None, answer.retry_after)
        self._gate.settle(permit, verdict, answer)
        self._count_answer(answer, verdict)
        return _Asked(answer, verdict, self._clock.now(), elapsed_seconds)

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

    def _observation(self, task_id: str, last: _Asked, attempts: int, refusals: int) -> Observation:
        self._stats.observations += 1
        answer = last.answer
        return Observation(
            source=self._source,
            task_id=task_id,
            observed_at=last.observed_at,
            http_status=answer.status,
            content_type=answer.content_type,
            body=answer.body,
            body_cut=answer.body_cut,
            elapsed_ms=last.elapsed_seconds * 1000,
            attempts=attempts,
            refusals=refusals,
            request_id=answer.request_id,
            gateway_version=answer.gateway_version,
            error=None if answer.fault is None else str(answer.fault),
        )
