"""Time, passed in: whoever needs to know or to wait gets a `Clock`, so that a test can own it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never go back."""
    now: Callable[[], datetime] = _utc_now
    """Aware, UTC."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for so many seconds."""


SYSTEM_CLOCK = Clock()
