"""Rate limits, and transient faults that do not repeat at every retry."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Literal

from simulator import answers
from simulator.answers import Answer

Fault = Literal["database", "panic", "overload", "bad_gateway", "throttled", "reset", "cut", "slow"]
ALL_FAULTS: tuple[Fault, ...] = (
    "database", "panic", "overload", "bad_gateway", "throttled", "reset", "cut", "slow",
)  # fmt: skip
HEALS_WITHIN = 3  # at least one of this many consecutive attempts gets the true answer


def chance(*parts: object) -> float:
    """A number in [0, 1), uniformly distributed, the same for the same parts."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(slots=True)
class RateLimit:
    """A token bucket: `per_second` requests, with bursts of up to `burst`. `monotonic` returns the time in seconds."""

    per_second: float
    burst: int = 1
    says_retry_after: bool = False
    monotonic: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._at = float(self.burst), self.monotonic()

    def admits(self) -> bool:
        now = self.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def refusal(self, request_id: str) -> Answer:
        wait_seconds = max(1, round((1 - self._tokens) / self.per_second))
        return answers.throttled(request_id, str(wait_seconds).encode() if self.says_retry_after else None)


@dataclass(slots=True)
class WindowLimit:
    """At most `requests` in any `seconds`, as gateways limit by IP address; more are refused with an empty 429.

    One object may limit all paths of a gateway together.
    """

    requests: int = 180
    seconds: float = 180.0
    monotonic: Callable[[], float] = time.monotonic
    _sent: deque[float] = field(default_factory=deque, init=False)

    def admits(self) -> bool:
        now = self.monotonic()
        while self._sent and self._sent[0] <= now - self.seconds:
            self._sent.popleft()
        if len(self._sent) >= self.requests:
            return False
        self._sent.append(now)
        return True

    def refusal(self, _request_id: str) -> Answer:
        return answers.throttled_empty()


@dataclass(frozen=True, slots=True)
class Faults:
    """`share` of all attempts get a fault, drawn from `kinds` by id and attempt: always the same for the same ones."""

    share: float = 0.0
    kinds: tuple[Fault, ...] = ALL_FAULTS
    seed: int = 0
    slow_seconds: float = 1.0

    def draw(self, task_id: str, attempt: int) -> Fault | None:
        """The fault for attempt number `attempt` (from 1) at `task_id`, if any."""
        if attempt % HEALS_WITHIN == 0:
            return None
        drawn = chance(self.seed, task_id, attempt)
        return self.kinds[int(drawn / self.share * len(self.kinds))] if drawn < self.share else None

    def spoil(self, fault: Fault, answer: Answer, request_id: str) -> Answer:
        """The true `answer` with the fault applied."""
        spoilt: dict[Fault, Callable[[], Answer]] = {
            "database": answers.database_failed,
            "panic": lambda: answers.panicked(request_id),
            "overload": lambda: answers.overloaded(request_id),
            "bad_gateway": answers.bad_gateway,
            "throttled": lambda: answers.throttled(request_id),
            "reset": lambda: replace(answer, delivery="drop_before_body"),
            "cut": lambda: replace(answer, delivery="drop_mid_body"),
            "slow": lambda: replace(answer, delay_seconds=self.slow_seconds),
        }
        return spoilt[fault]()
