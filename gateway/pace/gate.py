"""Where every request waits until it may go: one for all batches of a client, it joins pacer, breaker and ending."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from gateway import ending
from gateway.clock import Clock
from gateway.ending import End
from gateway.pace.breaker import PATIENCE_SECONDS, Breaker
from gateway.pace.pacer import Pacer
from gateway.pace.retries import LONGEST_PAUSE_SECONDS, Verdict, pause_seconds
from gateway.recognition import Recognition
from gateway.wire.envelope import Envelope
from gateway.wire.exchange import Answer

LONGEST_NAP_SECONDS = 0.25
"""Whoever waits looks up this often, so that an ending or a longer pause is noticed."""

Permission: TypeAlias = Callable[[], Awaitable[bool]]
"""Asked before each request by whoever shares a rate with other processes: True lets one go at once. False is not yet;
it is said after a short wait at most, and asked again."""


_Queue: TypeAlias = "deque[asyncio.Future[Permit | None]]"


class Permit(NamedTuple):
    """To send one request; every permit is handed back with `settle` or `lose`."""

    sent_at: float
    is_probe: bool


class Gate:
    def __init__(
        self,
        base_url: str,
        pacer: Pacer,
        breaker: Breaker,
        clock: Clock,
        *,
        has_key: bool,
        permission: Permission | None = None,
    ) -> None:
        self.ended: End | None = None
        self._base_url = base_url
        self._pacer = pacer
        self._breaker = breaker
        self._clock = clock
        self._recognition = Recognition(base_url, has_key=has_key)
        self._permission = permission
        self._is_turn_taken = False
        self._queues: tuple[_Queue, _Queue] = (deque(), deque())
        """Who waits behind the one that has the turn: ids that have not failed, served first, and those that have."""
        self._returned = asyncio.Event()
        self._was_ever_answered = False
        self._failed_requests = 0
        self._last_failure: str | None = None
        self._refused_since: float | None = None

    async def enter(self, *, has_failed: bool = False) -> Permit | None:
        """Waits for its turn; None when the client has ended and nothing more may be sent.

        Args:
            has_failed: the id has failed before: every id that has not goes first, as a probe, too.
        """
        while True:
            permit = await self._queue_up(self._queues[has_failed]) if self._is_turn_taken else None
            permit = permit or await self._take_turn(has_failed=has_failed)
            if permit is not None or self.ended is not None:
                return permit

    async def _queue_up(self, queue: "_Queue") -> Permit | None:
        """Waits for a permit, or for the turn: None."""
        place: asyncio.Future[Permit | None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if not place.cancelled():  # what it was given goes to somebody else
                permit = place.result()
                self.lose(permit) if permit else self._pass_turn_on()
            raise

    async def _take_turn(self, *, has_failed: bool) -> Permit | None:
        """A permit; None when the client has ended, or when the turn goes to an id that has not failed."""
        self._is_turn_taken = True
        try:
            while self.ended is None and not (has_failed and self._queues[False]):
                wait = self._wait()
                if wait > 0:
                    await self._doze(wait)
                elif self._permission is None or await self._permission():
                    return self._permit()
        finally:
            self._pass_turn_on()
        return None

    def _pass_turn_on(self) -> None:
        """To the next that has to wait. All before it go at once: one by one, each would cost a round of the loop."""
        while queue := self._queues[False] or self._queues[True]:
            place = queue.popleft()
            if not place.cancelled():
                permit = self._permit() if self._is_open() else None
                place.set_result(permit)
                if permit is None:
                    return
        self._is_turn_taken = False

    def _is_open(self) -> bool:
        return self.ended is None and self._permission is None and self._wait() == 0

    def _wait(self) -> float:
        """Seconds until a request may go; infinity is when another has returned."""
        now = self._clock.monotonic()
        return max(self._breaker.wait(now), self._pacer.wait(now))

    def _permit(self) -> Permit:
        now = self._clock.monotonic()
        self._pacer.sent(now)
        return Permit(now, self._breaker.sent())

    def settle(
        self, permit: Permit, verdict: Verdict, answer: Answer, envelope: Envelope | None, *, is_news: bool = True
    ) -> None:
        """The request is over, and its answer says something about the gateway.

        Args:
            permit: of this request.
            verdict: on the answer.
            answer: what came.
            envelope: what the gateway says in it.
            is_news: a failure of this id says something new; not if it has failed before.
        """
        now = self._clock.monotonic()
        self._hand_back()
        self._was_ever_answered = self._was_ever_answered or answer.status is not None
        if verdict.is_failure:
            self._failed_requests += 1
            self._last_failure = _in_words(answer, envelope)
        if verdict.is_failure and not self._is_back(permit, verdict):
            if is_news or permit.is_probe:
                self._failed(permit, now, verdict)
            return
        if self._breaker.succeeded(now, is_probe=permit.is_probe):
            self._pacer.start_slowly()
        if verdict is Verdict.REFUSED:
            self._refused(permit, now, answer.retry_after)
            return
        self._refused_since = None
        self._pacer.answered(now, now - permit.sent_at)
        self._recognize(verdict, answer, envelope)

    def _recognize(self, verdict: Verdict, answer: Answer, envelope: Envelope | None) -> None:
        end = None
        if verdict is Verdict.DENIED:
            end = self._recognition.refused(answer.status, envelope)
        elif verdict is Verdict.TAKEN:
            end = self._recognition.answered(answer, envelope)
        if end is not None:
            self.end(end)

    def conclusion(self) -> End | None:
        """Why the client ended; else what its answers as a whole say, however few they were."""
        end = self.ended or self._recognition.conclusion()
        if end is None and self._last_failure is not None and not self._was_ever_answered:
            end = ending.never_answered(self._base_url, self._failed_requests, self._last_failure)
        return end

    @property
    def last_failure(self) -> str | None:
        """What the last request that failed ended with."""
        return self._last_failure

    def _is_back(self, permit: Permit, verdict: Verdict) -> bool:
        """The probe of an outage was answered, if only with a failure of that one task."""
        return permit.is_probe and verdict is Verdict.TASK_FAILED and self._breaker.is_disproved_by_task()

    def lose(self, permit: Permit) -> None:
        """The request was cancelled and says nothing about the gateway."""
        self._hand_back()
        if permit.is_probe:
            self._breaker.lost()

    def end(self, end: End) -> None:
        """Nothing more is sent; the first ending stands."""
        self.ended = self.ended or end
        self._returned.set()

    def _hand_back(self) -> None:
        self._pacer.returned()
        self._returned.set()

    def _failed(self, permit: Permit, now: float, verdict: Verdict) -> None:
        is_about_task, detail = verdict is Verdict.TASK_FAILED, self._last_failure or ""
        has_opened = self._breaker.failed(now, is_probe=permit.is_probe, is_about_task=is_about_task)
        if is_about_task and not self._breaker.is_all_failing:
            self._pacer.answered(now, now - permit.sent_at)
        if permit.is_probe and not self._breaker.is_open:
            self._pacer.start_slowly()
        if has_opened and not self._was_ever_answered:
            self.end(ending.never_answered(self._base_url, self._failed_requests, detail))
        elif self._breaker.is_open and self._breaker.seconds_open(now) >= PATIENCE_SECONDS:
            self.end(ending.down_too_long(self._base_url, detail))

    def _refused(self, permit: Permit, now: float, retry_after: str | None) -> None:
        pause = pause_seconds(retry_after, self._clock.now())
        self._pacer.refused(now, permit.sent_at, pause)
        self._refused_since = permit.sent_at if self._refused_since is None else self._refused_since
        if pause is not None and pause > LONGEST_PAUSE_SECONDS:
            self.end(ending.told_to_come_back(self._base_url, pause))
        elif now - self._refused_since >= PATIENCE_SECONDS:
            self.end(ending.only_refusals(self._base_url, now - self._refused_since))

    async def _doze(self, wait: float) -> None:
        if math.isfinite(wait):
            await self._clock.sleep(min(wait, LONGEST_NAP_SECONDS))
        else:
            self._returned.clear()
            await self._returned.wait()


def _in_words(answer: Answer, envelope: Envelope | None) -> str:
    said = "" if envelope is None else f", {str(envelope)!r}"
    return str(answer.fault or f"HTTP {answer.status}{said}")
