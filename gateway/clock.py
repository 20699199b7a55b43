"""Time is passed in: code that reads the time or waits is given a `Clock`, so that a test can control it."""

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
    """Seconds; never goes back."""
    now: Callable[[], datetime] = _utc_now
    """Aware, UTC."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for the given number of seconds."""


SYSTEM_CLOCK = Clock()
