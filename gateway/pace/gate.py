"""Where every request waits until it may be sent: one gate per client, combining pacer, breaker and end of run."""

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
from gateway.secrets.api_key import ApiKey
from gateway.wire.envelope import Envelope
from gateway.wire.exchange import Answer

LONGEST_WAIT_SECONDS = 0.25
"""A waiting request checks this often whether the client has ended or the pause has become longer."""

Permission: TypeAlias = Callable[[], Awaitable[bool]]
"""Called before each request if a rate is shared with other processes. True: one request may be sent now. False: not
yet, call again. It waits for a short time at most."""


_Queue: TypeAlias = "deque[asyncio.Future[Permit | None]]"


class Permit(NamedTuple):
    """Permission to send one request; every permit has to be returned with `settle` or `lose`."""

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
        setting: str = ApiKey.setting,
        permission: Permission | None = None,
    ) -> None:
        self.ended: End | None = None
        self._base_url = base_url
        self._pacer = pacer
        self._breaker = breaker
        self._clock = clock
        self._recognition = Recognition(base_url, has_key=has_key, setting=setting)
        self._permission = permission
        self._is_turn_taken = False
        self._queues: tuple[_Queue, _Queue] = (deque(), deque())
        """Requests waiting for their turn: for ids that have not failed (served first), and for ids that have."""
        self._returned = asyncio.Event()
        self._was_ever_answered = False
        self._failed_requests = 0
        self._last_failure: str | None = None
        self._refused_since: float | None = None

    async def enter(self, *, has_failed: bool = False) -> Permit | None:
        """Waits until a request may be sent; None if the client has ended.

        Args:
            has_failed: whether the id has failed before; ids that have not go first, also when a probe is due.
        """
        while True:
            permit = await self._queue_up(self._queues[has_failed]) if self._is_turn_taken else None
            permit = permit or await self._take_turn(has_failed=has_failed)
            if permit is not None or self.ended is not None:
                return permit

    async def _queue_up(self, queue: "_Queue") -> Permit | None:
        """Waits in the queue; None means that it is now this caller's turn to wait until a request may be sent."""
        place: asyncio.Future[Permit | None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was given a permit or the turn: pass it on
                permit = place.result()
                self.lose(permit) if permit else self._pass_turn_on()
            raise

    async def _take_turn(self, *, has_failed: bool) -> Permit | None:
        """A permit; None if the client has ended, or if the turn goes to an id that has not failed."""
        self._is_turn_taken = True
        try:
            while self.ended is None and not (has_failed and self._queues[False]):
                wait = self._wait()
                if wait > 0:
                    await self._wait_up_to(wait)
                elif self._permission is None or await self._permission():
                    return self._permit()
        finally:
            self._pass_turn_on()
        return None

    def _pass_turn_on(self) -> None:
        """Give permits to all in the queue that need not wait, in one event loop pass; the next one gets the turn."""
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
        """Seconds until a request may be sent; infinity means: when another one has returned."""
        now = self._clock.monotonic()
        return max(self._breaker.wait(now), self._pacer.wait(now))

    def _permit(self) -> Permit:
        now = self._clock.monotonic()
        self._pacer.sent(now)
        return Permit(now, self._breaker.sent())

    def settle(
        self,
        permit: Permit,
        verdict: Verdict,
        answer: Answer,
        envelope: Envelope | None,
        *,
        is_news: bool = True,
        recognizes: bool = True,
    ) -> None:
        """Records the result of a request.

        Args:
            permit: the permit of this request.
            verdict: the verdict on its answer.
            answer: what was received.
            envelope: the gateway's own message in it, if any.
            is_news: whether a failure counts; false if this id has failed before.
            recognizes: whether the answer can show that the address or the key is wrong; false for a path that not
                every gateway has.
        """
        now = self._clock.monotonic()
        self._returned_one()
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
        if recognizes:
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
        """Why the client ended, or else the problem that all answers together point to, however few they were."""
        end = self.ended or self._recognition.conclusion()
        if end is None and self._last_failure is not None and not self._was_ever_answered:
            end = ending.never_answered(self._base_url, self._failed_requests, self._last_failure)
        return end

    @property
    def last_failure(self) -> str | None:
        """Error of the last failed request."""
        return self._last_failure

    def _is_back(self, permit: Permit, verdict: Verdict) -> bool:
        """Whether this is the probe of an outage, answered with an error about that one task: the gateway is up."""
        return permit.is_probe and verdict is Verdict.TASK_FAILED and self._breaker.is_disproved_by_task()

    def lose(self, permit: Permit) -> None:
        """Return the permit of a cancelled request, which says nothing about the gateway."""
        self._returned_one()
        if permit.is_probe:
            self._breaker.lost()

    def end(self, end: End) -> None:
        """Send nothing more. The first call determines the reason."""
        self.ended = self.ended or end
        self._returned.set()

    def _returned_one(self) -> None:
        self._pacer.returned()
        self._returned.set()

    def _failed(self, permit: Permit, now: float, verdict: Verdict) -> None:
        is_about_task, detail = verdict is Verdict.TASK_FAILED, self._last_failure or ""
        has_opened = self._breaker.failed(now, is_probe=permit.is_probe, is_about_task=is_about_task)
        if is_about_task and not self._breaker.is_all_failing:
            self._pacer.answered(now, now - permit.sent_at)
        elif not is_about_task:
            self._pacer.failed()
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
            self.end(ending.pause_too_long(self._base_url, pause))
        elif now - self._refused_since >= PATIENCE_SECONDS:
            self.end(ending.only_refusals(self._base_url, now - self._refused_since))

    async def _wait_up_to(self, wait: float) -> None:
        if math.isfinite(wait):
            await self._clock.sleep(min(wait, LONGEST_WAIT_SECONDS))
        else:
            self._returned.clear()
            await self._returned.wait()


def _in_words(answer: Answer, envelope: Envelope | None) -> str:
    said = "" if envelope is None else f", {str(envelope)!r}"
    return str(answer.fault or f"HTTP {answer.status}{said}")
