"""What to do after an answer: accept it, retry, or wait because the gateway asks for it. Pure."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from gateway.wire.envelope import Envelope

TRANSIENT_STATUSES = frozenset({408, 500, 502, 503, 504})
"""A gateway answers 500 if its database failed (`get_task_failed`)."""
TRANSIENT_FAULTS = frozenset({"timeout", "connect", "dns", "reset", "truncated"})
"""Kinds of fault that may pass; a wrong certificate or an answer that is not HTTP will not."""
MOST_RETRIES = 3
LONGEST_BACKOFF_SECONDS = 20.0
LONGEST_PAUSE_SECONDS = 300.0
"""If a gateway asks for a longer pause, the run ends and the next one continues."""
_THROTTLED = 429
_UNAVAILABLE = 503
_UNAUTHORIZED, _FORBIDDEN = 401, 403
"""A 403 without the gateway's own envelope comes from a proxy and says nothing about the key."""
_FAILED = 500


class Verdict(Enum):
    TAKEN = "taken"
    """An answer, whatever its content."""
    FAILED = "failed"
    """Worth a retry."""
    TASK_FAILED = "task failed"
    """Worth a retry. The gateway is up: its own envelope says that it failed for this one task."""
    HOPELESS = "hopeless"
    """No complete answer, and a retry would not help."""
    REFUSED = "refused"
    """Rate-limited: send again later; does not count as an attempt."""
    DENIED = "denied"
    """The gateway refuses the key, for this task or for all."""

    @property
    def is_failure(self) -> bool:
        """No complete answer, or a transient error."""
        return self in _FAILURES

    @property
    def may_pass(self) -> bool:
        """Whether a retry may help."""
        return self is Verdict.FAILED or self is Verdict.TASK_FAILED


_FAILURES = frozenset({Verdict.FAILED, Verdict.TASK_FAILED, Verdict.HOPELESS})


def judge(status: int | None, fault_kind: str | None, retry_after: str | None, envelope: Envelope | None) -> Verdict:
    """The verdict on one request. A 503 counts as throttling if it has a Retry-After."""
    if status == _THROTTLED or (status == _UNAVAILABLE and retry_after is not None):
        return Verdict.REFUSED
    if status == _UNAUTHORIZED or (status == _FORBIDDEN and envelope is not None):
        return Verdict.DENIED
    if status == _FAILED and fault_kind is None and envelope is not None and envelope.is_surely_gateways:
        return Verdict.TASK_FAILED
    if status in TRANSIENT_STATUSES or fault_kind in TRANSIENT_FAULTS:
        return Verdict.FAILED
    is_answer = fault_kind is None or (status is not None and fault_kind in {"redirect", "encoding"})
    return Verdict.TAKEN if is_answer else Verdict.HOPELESS


def pause_seconds(retry_after: str | None, now: datetime) -> float | None:
    """Seconds to wait by `Retry-After` (seconds, or an HTTP date); None if it is missing or cannot be read."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)  # `-0000`: UTC of unknown origin
    return max(0.0, (until - now).total_seconds())


class Retries:
    """Which polls are retried, and when: each at most three times, in total at most ten plus 10% of first attempts."""

    def __init__(self, rng: random.Random) -> None:
        self.first_attempts = 0
        self.granted = 0
        self._rng = rng

    def grant(self, attempts: int) -> bool:
        """Whether an id with `attempts` attempts is retried; if so, the retry is counted."""
        if attempts > MOST_RETRIES or self.granted + 1 > 10 + self.first_attempts / 10:
            return False
        self.granted += 1
        return True

    def backoff_seconds(self, attempts: int) -> float:
        """A random time: up to half a second after the first attempt, twice that after the second, and so on."""
        return self._rng.uniform(0.0, min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0 ** (attempts - 1)))
