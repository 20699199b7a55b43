"""What to do after an answer: take it, ask again, or wait because the gateway said so. Pure."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from gateway.wire.envelope import Envelope

TRANSIENT_STATUSES = frozenset({408, 500, 502, 503, 504})
"""500 is how a gateway says that its database failed (`get_task_failed`)."""
TRANSIENT_FAULTS = frozenset({"timeout", "connect", "dns", "reset", "truncated"})
"""Kinds of fault that may be gone next time; a wrong certificate or an answer that is not HTTP will not be."""
MOST_RETRIES = 3
LONGEST_BACKOFF_SECONDS = 20.0
LONGEST_PAUSE_SECONDS = 300.0
"""A gateway that asks for a longer pause is left alone: the run ends and the next one continues."""
_THROTTLED = 429
_UNAVAILABLE = 503
_UNAUTHORIZED, _FORBIDDEN = 401, 403
"""A 403 that is not in the gateway's own words is a proxy's, and says nothing about the key."""
_FAILED = 500


class Verdict(Enum):
    TAKEN = "taken"
    """An answer, whatever it says."""
    FAILED = "failed"
    """Worth another try."""
    TASK_FAILED = "task failed"
    """Likewise, but the gateway is up and says in its own envelope that it failed for this one task."""
    HOPELESS = "hopeless"
    """No whole answer, and another try would not help."""
    REFUSED = "refused"
    """Throttled: ask again later, without this having been a try."""
    DENIED = "denied"
    """The gateway refuses the key, for this task or altogether."""

    @property
    def is_failure(self) -> bool:
        """Not a whole answer, or one that says to try again."""
        return self in _FAILURES

    @property
    def may_pass(self) -> bool:
        """Whether another try may help."""
        return self is Verdict.FAILED or self is Verdict.TASK_FAILED


_FAILURES = frozenset({Verdict.FAILED, Verdict.TASK_FAILED, Verdict.HOPELESS})


def judge(status: int | None, fault_kind: str | None, retry_after: str | None, envelope: Envelope | None) -> Verdict:
    """The verdict on one request, from what came: a throttling 503 is one that says when to come back."""
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
    """How long `Retry-After` (seconds, or an HTTP date) asks to wait; None where it says nothing readable."""
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
    """Who may try again, and when: at most three times, and all together a tenth of the first attempts plus ten."""

    def __init__(self, rng: random.Random) -> None:
        self.first_attempts = 0
        self.granted = 0
        self._rng = rng

    def grant(self, attempts: int) -> bool:
        """Whether an id that was tried `attempts` times is tried again; takes it out of the budget."""
        if attempts > MOST_RETRIES or self.granted + 1 > 10 + self.first_attempts / 10:
            return False
        self.granted += 1
        return True

    def backoff_seconds(self, attempts: int) -> float:
        """Drawn evenly from nothing to half a second after the first try, twice that after the second, and so on."""
        return self._rng.uniform(0.0, min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0 ** (attempts - 1)))
