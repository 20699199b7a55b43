# ruff: noqa: S311  (seeded randomness is the point of a simulator)
"""Draws the tasks of a world: who submits what, how long it waits and runs, and how it ends."""

import math
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from simulator.life import Task
from simulator.odd.quirks import QUIRKS, quirk
from simulator.rhythm import HOUR_SECONDS, Incident, busy_hours, submissions
from simulator.words import (
    ACTIONS,
    CHANNELS,
    FAILURE_WEIGHTS,
    Action,
    Channel,
    FailClass,
    Failure,
    draw_failure,
)

QUEUE_MEDIAN_SECONDS = 8.0
QUEUE_SPREAD = 0.8
LONG_QUEUE_FACTOR = 12.0
HEAVY_TAIL_SHARE = 0.02
BUSY_INCIDENT_FAILURE_SHARE = 0.9
NEW_STYLE_SHARE = 0.6
HOOK_SHARE = 0.15
# When a task fails, as a share of its full run time; timeouts come from the gateway instead.
FAILS_AFTER_SHARE: dict[FailClass, float] = {
    "provider": 0.5,
    "unknown": 0.5,
    "content_policy": 0.1,
    "input": 0.05,
    "gateway": 0.02,
}
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Settings:
    """The arguments of `World`, with instants in Unix seconds."""

    seed: int
    tasks: int
    start: float
    end: float
    odd_share: float
    failure_share: float
    stuck_share: float
    poll_seconds: float
    timeout_minutes: int
    rush: int
    rush_seconds: float
    latest_end: float | None
    utc_offset_hours: int
    is_incident_busy: bool

    def __post_init__(self) -> None:
        if self.tasks < 0 or not 0 <= self.rush <= self.tasks:
            raise ValueError(
                f"tasks and rush must be 0 or more, and no more rush than tasks: {self.tasks}, {self.rush}"
            )
        if self.end - self.start < 1:
            raise ValueError("end must be at least a second after start")
        if self.poll_seconds <= 0:
            raise ValueError(f"poll_seconds must be above 0, not {self.poll_seconds}")


def draw_incidents(settings: Settings) -> tuple[Incident, ...]:
    """Per week, twelve hours in which one platform often fails and three hours of long queues; scaled to other spans.

    With `is_incident_busy`, the failures are in one busy hour instead, in which the largest platform hardly works.
    """
    rng = Random(f"{settings.seed}/incidents")
    whole = settings.end - settings.start

    def stretch(share: float) -> tuple[datetime, datetime]:
        begin = settings.start + whole * rng.uniform(0.1, 0.85 - share)
        return datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(begin + whole * share, UTC)

    platform = rng.choice(CHANNELS[:2]).platform
    failures = Incident("provider_failures", *stretch(1 / 14), platform)
    return (_busy_incident(settings, rng) or failures, Incident("long_queues", *stretch(1 / 56)))


def _busy_incident(settings: Settings, rng: Random) -> Incident | None:
    """One busy hour, with days before it to compare with and some time after it; None if the world has no such hour."""
    whole = settings.end - settings.start
    hours = busy_hours(settings.start + 0.4 * whole, settings.end - 0.05 * whole, settings.utc_offset_hours)
    if not settings.is_incident_busy or not hours:
        return None
    begin = datetime.fromtimestamp(rng.choice(hours), UTC)
    end = begin + timedelta(seconds=HOUR_SECONDS)
    return Incident("provider_failures", begin, end, CHANNELS[0].platform, BUSY_INCIDENT_FAILURE_SHARE)


def draw_step(settings: Settings, incidents: tuple[Incident, ...]) -> datetime:
    """The start of a busy hour in the third quarter, outside of the incidents; the middle if there is no such hour."""
    whole = settings.end - settings.start
    middle, late = settings.start + 0.5 * whole, settings.start + 0.75 * whole
    hours = [
        hour
        for hour in busy_hours(middle, late, settings.utc_offset_hours)
        if not any(incident.covers(hour) for incident in incidents)
    ]
    return datetime.fromtimestamp(Random(f"{settings.seed}/step").choice(hours or [middle]), UTC)


class Population:
    """Draws tasks from one seeded random generator in a fixed order, so that the same settings give the same tasks."""

    def __init__(self, settings: Settings, incidents: tuple[Incident, ...]) -> None:
        self._set = settings
        self._rng = Random(settings.seed)
        self._tick_offset = self._rng.uniform(0, settings.poll_seconds)
        self._failing, self._queueing = incidents
        self._fail_classes: tuple[FailClass, ...] = tuple(FAILURE_WEIGHTS)

    def tasks(self) -> list[Task]:
        """All tasks in order of submission."""
        return [self._task(submit) for submit in self._submissions()]

    def _submissions(self) -> list[int]:
        settings, rng = self._set, self._rng
        rush_begins = max(settings.start, settings.end - settings.rush_seconds)
        calm = submissions(rng, settings.tasks - settings.rush, settings.start, settings.end, settings.utc_offset_hours)
        return sorted(calm + [int(rng.uniform(rush_begins, settings.end - 1)) for _ in range(settings.rush)])

    def _task(self, submit: int) -> Task:
        rng = self._rng
        action = rng.choices(ACTIONS, [action.share for action in ACTIONS])[0]
        channel = rng.choices(CHANNELS, [channel.share for channel in CHANNELS])[0]
        failure = self._failure(submit, channel)
        quirk_name = self._quirk(is_failure=failure is not None)
        is_new_style = _style(quirk_name, is_new=rng.random() < NEW_STYLE_SHARE)
        return Task(
            self._id(is_new_style=is_new_style),
            action.name,
            channel,
            submit,
            *self._ticks(submit, action, channel, failure),
            failure,
            quirk_name,
            is_new_style,
            has_hook=rng.random() < HOOK_SHARE,
            poll_seconds=self._set.poll_seconds,
        )

    def _failure(self, submit: int, channel: Channel) -> Failure | None:
        is_incident = channel.platform == self._failing.platform and self._failing.covers(submit)
        share = self._failing.failure_share if is_incident and self._set.failure_share else self._set.failure_share
        if self._rng.random() >= share:
            return None
        drawn = self._rng.choices(self._fail_classes, tuple(FAILURE_WEIGHTS.values()))[0]
        fail_class = "provider" if is_incident else self._possible(drawn, submit)
        return draw_failure(self._rng, fail_class, self._set.timeout_minutes)

    def _possible(self, fail_class: FailClass, submit: int) -> FailClass:
        """The class of failure; a timeout that would end after `latest_end` becomes a failure of the provider."""
        latest, patience = self._set.latest_end, self._set.timeout_minutes * 60
        is_late = fail_class == "gateway_timeout" and latest is not None and submit + patience > latest
        return "provider" if is_late else fail_class

    def _quirk(self, *, is_failure: bool) -> str:
        if self._rng.random() >= self._set.odd_share:
            return ""
        drawn = self._rng.choices(tuple(QUIRKS), [quirk.weight for quirk in QUIRKS.values()])[0]
        return "" if is_failure and QUIRKS[drawn].is_work_only else drawn

    def _id(self, *, is_new_style: bool) -> str:
        if is_new_style and self._rng.random() < 1 / 3:
            return "task_" + "".join(self._rng.choices(ALPHABET, k=32))
        return f"{self._rng.getrandbits(128):032x}"

    def _ticks(
        self, submit: int, action: Action, channel: Channel, failure: Failure | None
    ) -> tuple[float, float | None, float | None]:
        """When the poller first sees the task queued, running (None: never), ended (None: never)."""
        queue, run = self._queue_seconds(submit), self._run_seconds(action, failure)
        ends_at = submit + (self._timeout_seconds() if _is_timeout(failure) else queue + run)
        if self._set.latest_end is not None:
            ends_at = max(submit + 1.0, min(ends_at, self._set.latest_end))
        is_stuck = failure is None and self._rng.random() < self._set.stuck_share
        running, end = self._tick_after(min(submit + queue, ends_at)), self._tick_after(ends_at)
        is_seen_running = channel.says_running and (running < end or is_stuck)
        return self._tick_after(submit + 1.0), running if is_seen_running else None, None if is_stuck else end

    def _timeout_seconds(self) -> float:
        return self._set.timeout_minutes * 60.0

    def _queue_seconds(self, submit: int) -> float:
        queue = self._rng.lognormvariate(math.log(QUEUE_MEDIAN_SECONDS), QUEUE_SPREAD)
        return queue * LONG_QUEUE_FACTOR if self._queueing.covers(submit) else queue

    def _run_seconds(self, action: Action, failure: Failure | None) -> float:
        run = self._rng.lognormvariate(math.log(action.run_median_seconds), action.run_spread)
        if self._rng.random() < HEAVY_TAIL_SHARE:
            run *= self._rng.uniform(3, 8)
        return run if failure is None else run * FAILS_AFTER_SHARE.get(failure.fail_class, 1.0)

    def _tick_after(self, instant: float) -> float:
        """The first tick of the gateway's poller at or after `instant`."""
        period = self._set.poll_seconds
        return self._tick_offset + math.ceil((instant - self._tick_offset) / period) * period


def _is_timeout(failure: Failure | None) -> bool:
    return failure is not None and failure.fail_class == "gateway_timeout"


def _style(quirk_name: str, *, is_new: bool) -> bool:
    style = quirk(quirk_name).style
    return is_new if style == "any" else style == "new"
