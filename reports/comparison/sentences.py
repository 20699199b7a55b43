"""A comparison in sentences, as a colleague would put it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import words
from reports.comparison.facts import FEWEST_TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from reports.comparison.facts import Change, Comparison, Driver, Period, Step

#: The name of each metric in a table.
LABELS: Final = {
    "failure_rate": "failure rate",
    "p50_seconds": "half have ended within",
    "p95_seconds": "95% have ended within",
}

_MINUS: Final = "\u2212"
_HOUR: Final = 3600
_DAY: Final = 86_400


def headline(found: Comparison) -> str:
    """The verdict as a sentence."""
    against = earlier_period(found)
    match found.verdict:
        case "worse":
            return f"Worse than {against}."
        case "better":
            return f"Better than {against}."
        case "better and worse":
            return f"Partly better and partly worse than {against}."
        case "no clear change":
            return f"No clear change from {against}{_recent_step(found)}."
    return f"Not known whether anything changed from {against}: {_why_not_known(found)}."


def _recent_step(found: Comparison) -> str:
    """The end of "No clear change …": the latest step in the later period, or if there is none, the words on chance."""
    recent = [step for step in found.steps if found.later.start <= step.changed_at < found.later.end]
    if not recent:
        return ": chance explains what differs"
    step = max(recent, key=lambda one: one.changed_at)
    what, _ = _metric(step)
    rose = "rose" if step.now > step.before else "fell"
    return f" as a whole, but {what} of {_kind(step)} {rose} on {words.moment(step.changed_at)}"


def sentences(found: Comparison) -> list[str]:
    """The verdict, what changed clearly, what differs, and since when."""
    return [
        headline(found),
        *(line for change in found.changes if change.is_clear for line in changed(change)),
        *(driver_sentence(driver) for driver in found.drivers),
        *(step_sentence(step) for step in found.steps),
    ]


def earlier_period(found: Comparison) -> str:
    """The name of the earlier period: "the 7 days before", or its dates."""
    if found.is_consecutive:
        return f"the {length(found.span).removeprefix('1 ')} before"
    return f"the {length(found.span)} from {words.moment(found.earlier.start)}"


def length(span: timedelta) -> str:
    """A span of time as text: 7 days, 12 hours."""
    seconds = int(span.total_seconds())
    for unit_seconds, unit in ((_DAY, "day"), (_HOUR, "hour")):
        if seconds >= unit_seconds and seconds % unit_seconds == 0:
            return words.plural(seconds // unit_seconds, unit)
    return words.duration(seconds)


def between(period: Period) -> str:
    """The beginning and the end of a period."""
    return f"{words.minute(period.start)} to {words.moment(period.end)}"


def periods(found: Comparison) -> str:
    """The two periods that are compared."""
    return f"Tasks submitted {between(found.later)}, compared with those submitted {between(found.earlier)}."


def _why_not_known(found: Comparison) -> str:
    if found.stale_sources:
        since = f"since {words.moment(found.last_answer_at)}" if found.last_answer_at else "yet"
        return f"no usable answer has come from {found.stale_sources} {since} although ids are due"
    before = max((change.tasks_before for change in found.changes), default=0)
    now = max((change.tasks_now for change in found.changes), default=0)
    return (
        f"it takes {FEWEST_TASKS} tasks in each period that were followed long enough ({before:,} before, {now:,} now)"
    )


def changed(change: Change) -> Iterator[str]:
    """A clear change, and whether it only comes from a different mix of sources and actions."""
    verb = "rose" if change.is_worse else "fell"
    if change.metric == "failure_rate":
        before, now = level(change, change.before), level(change, change.now)
        yield f"The failure rate {verb} from {before} to {now}{_by(change)}."
    else:
        share = "Half" if change.metric == "p50_seconds" else "95%"
        yield (
            f"{share} of the tasks have ended within {level(change, change.now)}, "
            f"before within {level(change, change.before)}{_by(change)}."
        )
    if _is_the_mix(change):
        yield (
            f"Like with like (the same sources and actions) the difference is {signed(change, change.like_with_like)}: "
            "much of it comes from another mix of tasks."
        )


def _is_the_mix(change: Change) -> bool:
    """Whether less than half of the difference remains within the same sources and actions."""
    return (
        change.like_with_like is not None
        and change.difference is not None
        and change.like_with_like / change.difference < 0.5  # noqa: PLR2004
    )


def _by(change: Change) -> str:
    low, high = ends(change)
    return f" ({signed(change, change.difference)}; 95% interval {words.interval(low, high)})"


def level(change: Change, value: float | None) -> str:
    """A metric's value with its unit."""
    return words.percent(value) if change.metric == "failure_rate" else words.duration(value)


def signed(change: Change, value: float | None) -> str:
    """A difference with its sign and unit: +12 s, −0.4 points."""
    if value is None or change.metric != "failure_rate":
        return _signed(value, words.duration)
    return f"{_signed(value, _points)} points"


def ends(change: Change) -> tuple[str, str]:
    """Both ends of the interval of the difference; percentage points are given without their unit."""
    shown = _points if change.metric == "failure_rate" else words.duration
    return _signed(change.low, shown), _signed(change.high, shown)


def _signed(value: float | None, shown: Callable[[float], str]) -> str:
    if value is None:
        return words.UNKNOWN
    text = shown(abs(value))
    if not any(digit in text for digit in "123456789"):  # a number that is rounded to 0 gets no sign
        return text
    return f"{'+' if value > 0 else _MINUS}{text}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def driver_sentence(driver: Driver) -> str:
    """How the tasks with a value differ from comparable ones."""
    name = words.dimension(driver.dimension)
    which = f"{name} {driver.value}" if driver.value is not None else f"no {name}"
    parts = " and ".join([*_failing(driver), *_taking(driver)])
    return f"{which[0].upper()}{which[1:]}: {words.tasks(driver.tasks)}; beside comparable tasks they {parts}."


def _failing(driver: Driver) -> Iterator[str]:
    if driver.failure_effect is not None:
        more = "more" if driver.failure_effect > 0 else "less"
        low, high = _signed(driver.failure_low, _points), _signed(driver.failure_high, _points)
        effect = f"{_points(abs(driver.failure_effect))} percentage points {more}"
        yield f"fail {effect} often (95% interval {words.interval(low, high)})"


def _taking(driver: Driver) -> Iterator[str]:
    if driver.latency_effect is not None:
        longer = "longer" if driver.latency_effect > 1 else "less time"
        low, high = (_signed(end and end - 1, words.rough) for end in (driver.latency_low, driver.latency_high))
        effect = f"{words.rough(abs(driver.latency_effect - 1))} {longer}"
        yield f"take {effect} (95% interval {words.interval(low, high)})"


def _kind(step: Step) -> str:
    return f"{step.action or 'tasks without an action'} at {step.source}"


def _metric(step: Step) -> tuple[str, Callable[[float], str]]:
    if step.metric == "failure_rate":
        return "the failure rate", words.percent
    return "the median time to success", words.duration


def step_sentence(step: Step) -> str:
    """A step as a sentence: when the level changed, the new level and the old one."""
    what, shown = _metric(step)
    levels = f"is {shown(step.now)}; before, it was {shown(step.before)}"
    since = f"Since {words.moment(step.changed_at)} {what} of {_kind(step)} {levels}"
    if step.changed_at_low == step.changed_at_high:
        return f"{since}."
    first, last = words.minute(step.changed_at_low), words.minute(step.changed_at_high)
    return f"{since} (the change came between {first} and {last})."
