"""When people submit tasks: by hour of the day and day of the week, with random variation."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Literal

HOUR_SECONDS = 3600
# Share of the day's peak by local hour: quiet at night, peaks before and after lunch, some in the evening.
BY_HOUR = (
    *(0.12, 0.08, 0.05, 0.04, 0.04, 0.06, 0.12, 0.25, 0.55, 0.85, 1.0, 0.95),
    *(0.65, 0.7, 0.95, 1.0, 0.95, 0.85, 0.6, 0.45, 0.45, 0.4, 0.3, 0.2),
)
BY_WEEKDAY = (0.95, 1.0, 1.05, 1.05, 0.95, 0.55, 0.45)  # from Monday
BUSY = 0.9


@dataclass(frozen=True, slots=True)
class Incident:
    """A period with a problem: long queues for all, or failures of `failure_share` of one platform's tasks."""

    kind: Literal["long_queues", "provider_failures"]
    begin: datetime
    end: datetime
    platform: str | None = None
    failure_share: float = 0.4

    def covers(self, instant: float) -> bool:
        return self.begin.timestamp() <= instant < self.end.timestamp()


def submissions(rng: Random, count: int, start: float, end: float, utc_offset_hours: int) -> list[int]:
    """`count` Unix seconds in [start, end), sorted, with a density by hour of the day and day of the week."""
    step = min(HOUR_SECONDS, (end - start) / 24)
    edges = [start + index * step for index in range(round((end - start) / step))]
    weights = list(accumulate(_density(edge, utc_offset_hours) for edge in edges))
    slots = (edges[bisect_right(weights, rng.random() * weights[-1])] for _ in range(count))
    return sorted(int(min(slot + rng.random() * step, end - 1)) for slot in slots)


def busy_hours(start: float, end: float, utc_offset_hours: int) -> list[int]:
    """The starts, in Unix seconds, of the whole hours in [start, end) in which people submit most."""
    whole = range(math.ceil(start / HOUR_SECONDS) * HOUR_SECONDS, int(end) - HOUR_SECONDS + 1, HOUR_SECONDS)
    return [hour for hour in whole if _density(hour, utc_offset_hours) >= BUSY]


def _density(instant: float, utc_offset_hours: int) -> float:
    local = datetime.fromtimestamp(instant, UTC) + timedelta(hours=utc_offset_hours)
    return BY_HOUR[local.hour] * BY_WEEKDAY[local.weekday()]
