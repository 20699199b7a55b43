"""The result of comparing two periods, and the rule for the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime, timedelta

Verdict = Literal["better", "worse", "better and worse", "no clear change", "not known"]
Metric = Literal["failure_rate", "p50_seconds", "p95_seconds"]

#: A period with fewer tasks has no interval and no p-value (see period_comparison).
FEWEST_TASKS: Final = 20


@dataclass(frozen=True, slots=True)
class Period:
    """Tasks submitted at or after `start` and before `end`, UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A metric of all tasks together in both periods: a row of `period_comparison`.

    Attributes:
        metric: failure_rate is a share of 1; p50_seconds and p95_seconds are seconds from submission to the end.
        tasks_before, tasks_now: tasks counted in the earlier and the later period.
        before, now: the metric in these periods; None if it is not known.
        difference: now - before, with its 95% interval, `low` to `high`.
        like_with_like: the average difference within a source and action, weighted by its tasks in both periods.
        is_clear: whether chance does not explain it (q-value at most 0.05).
    """

    metric: Metric
    tasks_before: int
    tasks_now: int
    before: float | None
    now: float | None
    difference: float | None
    low: float | None
    high: float | None
    like_with_like: float | None
    p_value: float | None
    q_value: float | None
    is_clear: bool

    @property
    def is_worse(self) -> bool:
        """Whether the metric rose clearly: for all three metrics, less is better."""
        return self.is_clear and (self.difference or 0) > 0

    @property
    def is_better(self) -> bool:
        return self.is_clear and (self.difference or 0) < 0


@dataclass(frozen=True, slots=True)
class Driver:
    """A value whose tasks differ clearly from the others of the later period: a row of `drivers_between`.

    Attributes:
        dimension, value: e.g. template_id and its id; the value is None for tasks without one.
        tasks: tasks with this value that have ended.
        failure_effect: failure rate minus that of the others of the same source, action and day, with its 95% interval;
            None if it is not clear.
        latency_effect: typical latency divided by that of these others, with its 95% interval; None if it is not clear.
    """

    dimension: str
    value: str | None
    tasks: int
    failure_effect: float | None
    failure_low: float | None
    failure_high: float | None
    latency_effect: float | None
    latency_low: float | None
    latency_high: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """A level that changed in one step: a row of `change_points_between`.

    Attributes:
        metric: failure_rate, or latency_seconds (median of the tasks that succeeded).
        changed_at: beginning of the first hour with the new level.
        changed_at_low, changed_at_high: first and last hour in which, by the data, the change can have happened.
    """

    source: str
    action: str | None
    metric: str
    changed_at: datetime
    changed_at_low: datetime
    changed_at_high: datetime
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The later of two periods compared with the earlier one.

    Attributes:
        earlier, later: the periods, equally long.
        changes: one for each metric, of all tasks together; empty if no task was followed up in either period.
        drivers: the first three values that differ clearly in the later period, the clearest first.
        steps: the first three steps between the beginning of the earlier period and the end of the later one.
        last_answer_at: time of the last usable answer.
        stale_sources: names of sources with ids that have been due for an hour without a usable answer, as text.
    """

    earlier: Period
    later: Period
    changes: tuple[Change, ...] = ()
    drivers: tuple[Driver, ...] = ()
    steps: tuple[Step, ...] = ()
    last_answer_at: datetime | None = None
    stale_sources: str | None = None

    @property
    def is_enough(self) -> bool:
        """Whether both periods have enough tasks to distinguish a difference from chance."""
        return any(change.low is not None for change in self.changes)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the later period.

        "not known" if either period has fewer than 20 tasks that were followed up, or if ids have been due for an hour
        without a usable answer. Otherwise it depends on the clear changes of all tasks together (`is_clear` of the
        total rows of `period_comparison`): "worse" if a metric is clearly worse and none clearly better, "better" the
        other way round, "better and worse" if there are both, and "no clear change" if there is none.
        """
        if self.stale_sources or not self.is_enough:
            return "not known"
        worse = any(change.is_worse for change in self.changes)
        better = any(change.is_better for change in self.changes)
        if worse:
            return "better and worse" if better else "worse"
        return "better" if better else "no clear change"

    @property
    def is_consecutive(self) -> bool:
        """Whether the later period begins where the earlier one ends."""
        return self.earlier.end == self.later.start

    @property
    def span(self) -> timedelta:
        """The length of each period."""
        return self.later.end - self.later.start
