"""What each figure shows, in one or two sentences that need no statistics. Only comparisons are computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from reports import words

if TYPE_CHECKING:
    from datetime import datetime

Facts = dict[str, Any]

_NAMED: Final = 3
_FEWEST_OF_TAIL: Final = 20  # with fewer tasks, one in twenty is less than one task


def latency(frame: pl.DataFrame, facts: Facts) -> str:
    """How long tasks take, and when they clearly took longer."""
    if facts["p50_seconds"] is None:
        return _none_ended(facts)
    half = f"Half of the tasks have ended within {words.duration(facts['p50_seconds'])}"
    if not is_tail_known(facts):
        return f"{half}; how long the slowest of them take is not known yet."
    slow = _days(frame.filter(pl.col("is_slower")), facts)
    worse = f" Clearly slower than usual: {slow}." if slow else ""
    if facts["p95_seconds"] == facts["p50_seconds"]:
        return f"{half}.{worse}"
    return f"{half}; one in twenty takes longer than {words.duration(facts['p95_seconds'])}.{worse}"


def is_tail_known(facts: Facts) -> bool:
    return facts["p95_seconds"] is not None and facts["succeeded"] + facts["failed"] >= _FEWEST_OF_TAIL


def _none_ended(facts: Facts) -> str:
    if not facts["tasks"]:
        return "There is no task: nothing was collected, or the filters leave nothing."
    return "Too few tasks have ended to say how long they take."


def _days(frame: pl.DataFrame, facts: Facts) -> str:
    """The buckets of `frame` as text, of which the first few are named."""
    named = [_bucket(moment, facts) for moment in frame["bucket_start"].head(_NAMED)]
    more = frame.height - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _bucket(moment: datetime, facts: Facts) -> str:
    day = f"{moment.day} {moment:%b}"
    return day if facts["step_seconds"] % 86_400 == 0 else f"{day} {moment:%H:%M}"


def outcome(frame: pl.DataFrame, shares: pl.DataFrame) -> str:
    """When half and nine in ten have succeeded, and which share has succeeded and failed at the end of the curve."""
    if frame.is_empty():
        return "No task has a duration yet, so there is no curve to draw."
    last = frame.row(-1, named=True)
    begin = _succeeded_after(*shares["seconds"], is_any=last["p_success"] > 0)
    return (
        f"{begin}. After {words.duration(last['t_seconds'])}, {words.percent(last['p_success'])} have succeeded, "
        f"{words.percent(last['p_failure'])} have failed and {words.percent(last['p_running'])} still "
        "run."
    )


def _succeeded_after(half: float | None, most: float | None, *, is_any: bool) -> str:
    """When half and nine in ten of all tasks have succeeded."""
    if half is None:
        return "Fewer than half of all tasks have succeeded" if is_any else "No task has succeeded"
    if half == most:
        return f"Nine in ten of all tasks have succeeded after {words.duration(most)}"
    more = f", nine in ten after {words.duration(most)}" if most is not None else ""
    return f"Half of all tasks have succeeded after {words.duration(half)}{more}"


def failure(worse: pl.DataFrame, facts: Facts) -> str:
    """How many tasks fail, in which hours more than chance explains, and what the rate is expected to become."""
    if facts["failure_rate"] is None:
        return "No task has ended, so there is no failure rate yet." if facts["tasks"] else _none_ended(facts)
    ended = facts["succeeded"] + facts["failed"]
    bounds = words.interval(words.percent(facts["failure_rate_low"]), words.percent(facts["failure_rate_high"]))
    rate = words.percent(facts["failure_rate"])
    verbs = "task that ended has" if ended == 1 else "tasks that ended have"
    said = f"{facts['failed']:,} of {ended:,} {verbs} failed: {rate} ({bounds})."
    return said + _worse(worse) + _projection(facts)


def _worse(hours: pl.DataFrame) -> str:
    """The hours in which more failed than chance explains, of which the latest few are named."""
    if hours.is_empty():
        return " No hour stands out with more failures than chance explains."
    named = [
        f"{words.moment(row['bucket_start'])} ({kind_name(row)}: {row['failed']:,} of {row['n']:,})"
        for row in hours.head(_NAMED).iter_rows(named=True)
    ]
    more = hours.height - len(named)
    return f" More than chance explains failed in the hour from {', '.join(named)}" + (
        f" and {more:,} more." if more else "."
    )


def _projection(facts: Facts) -> str:
    if not facts["in_flight"]:
        return ""
    if facts["projected_failure_rate"] is None:
        return f" {words.tasks(facts['in_flight'])} in flight; too little came before to project how they will end."
    without = facts["unprojected"]
    but = f" (not counting {without:,}, as none like them has been seen to end)" if without else ""
    return (
        f" Once the {facts['in_flight']:,} in flight have ended{but}, "
        f"{words.percent(facts['projected_failure_rate'])} are expected to have failed."
    )


def reasons(frame: pl.DataFrame, classes: pl.DataFrame) -> str:
    """The most common kinds of failure, and whose fault failures are."""
    if frame.is_empty():
        return "No task has failed."
    first = frame.row(0, named=True)
    name = f"“{first['reason']}”" if first["reason"] else "no reason at all"
    size = f"{words.tasks(first['tasks'])}, {words.rough(first['share'])}"
    return f"The most common reason is {name} ({size}). {whose(classes)}"


def whose(classes: pl.DataFrame) -> str:
    """Whose fault failures are."""
    if classes.is_empty():
        return "None has failed."
    shares = [f"{words.rough(share)} {words.WHOSE.get(who or 'unknown', who)}" for who, share in classes.iter_rows()]
    return f"Failures by cause: {', '.join(shares)}."


def waiting(facts: Facts) -> str:
    """How time divides into waiting and running."""
    if not facts["tasks"]:
        return "No task that succeeded has a known start, so waiting and running cannot be separated."
    return (
        f"Half start within {words.duration(facts['queue_p50_seconds'])} and run for "
        f"{words.duration(facts['run_p50_seconds'])} or less; overall, {words.percent(facts['queue_share'])} of the "
        f"time is waiting. The start of {words.percent(facts['tasks'] / facts['succeeded'])} of the successes is known."
    )


def clocks(frame: pl.DataFrame) -> str:
    """How the provider's clock differs from the gateway's."""
    if frame.is_empty():
        return "No task that succeeded has a time by both clocks."
    half = frame.filter(pl.col("q") == 0.5).row(0, named=True)  # noqa: PLR2004 - the median
    gap = half["gap_seconds"]
    order = "before" if gap >= 0 else "after"
    return (
        f"Half take up to {words.duration(half['gateway_seconds'])} by the gateway's clock and "
        f"{words.duration(half['provider_seconds'])} by the provider's, who typically created the work "
        f"{words.duration(abs(gap))} {order} the gateway's submission."
    )


def load(frame: pl.DataFrame) -> str:
    """How many tasks were in flight at most, and on average."""
    if frame.is_empty():
        return "No task of a known status has a time of submission, so when they were under way is not known."
    most = frame.sort("most_in_flight", "most_at", descending=[True, False]).row(0, named=True)
    middle, low, high = (_mean(frame, name) for name in ("mean_in_flight", "mean_low", "mean_high"))
    doubt = f" (between {low} and {high}: the end of some has no time)" if low != high else ""
    number = most["most_in_flight"]
    were = f"{words.tasks(number)} {'was' if number == 1 else 'were'}"
    return f"At most {were} under way at a time, at {words.moment(most['most_at'])}; {middle} on average{doubt}."


def _mean(frame: pl.DataFrame, name: str) -> str:
    """The average over all minutes, with three significant digits."""
    mean = float((frame[name] * frame["minutes"]).sum()) / int(frame["minutes"].sum())
    return f"{mean:,.1f}" if mean >= 10 else f"{mean:.2f}"  # noqa: PLR2004 - two digits and a tenth


def week(frame: pl.DataFrame, zone: str = "UTC") -> str:
    """Which hours of the week are busy, and which are slow, if chance does not explain it."""
    if not frame["tasks"].sum():
        return "No task has a time of submission, so there is no week to show."
    weeks = int(frame["weeks"][0])
    if weeks < 2:  # noqa: PLR2004 - what happened in one week only is not a pattern
        return "It takes two whole weeks of submissions to say which hours of the week are busy or slow."
    busy = frame.filter(pl.col("is_busy")).sort("weekly_tasks", descending=True)
    slow = frame.filter(pl.col("is_slow")).sort("p50_seconds", descending=True)
    said = "No hour of the week is clearly busier than the others"
    if busy.height:
        row = busy.row(0, named=True)
        said = f"Busiest is {_hour(row)} {zone} with {row['weekly_tasks']:,.1f} tasks a week over {weeks} whole weeks"
    if slow.is_empty():
        return f"{said}; none is clearly slower."
    row = slow.row(0, named=True)
    return f"{said}. Slowest is {_hour(row)} {zone} with a median of {words.duration(row['p50_seconds'])}."


def _hour(row: Facts) -> str:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{days[row['weekday'] - 1]} {row['hour']:02}:00"


def kinds(frame: pl.DataFrame) -> str:
    """Which kind fails most, and which is slowest."""
    if frame.is_empty():
        return "There is no task, so there are no kinds of it."
    if frame.height == 1:
        return "All tasks are of one source and action."
    slow = frame.drop_nulls("p50_seconds").sort("p50_seconds", descending=True)
    if slow.is_empty():
        return f"{frame.height} kinds of task; none has ended often enough to compare."
    first, last = slow.row(0, named=True), slow.row(-1, named=True)
    if (first["p50_seconds_low"] or 0) <= (last["p50_seconds_high"] or float("inf")):
        return f"{frame.height} kinds of task; none is clearly slower than another."
    slowest, fastest = (words.duration(row["p50_seconds"]) for row in (first, last))
    return (
        f"{frame.height} kinds of task. Slowest is {kind_name(first)}, of which half have ended within {slowest}; "
        f"fastest is {kind_name(last)} with {fastest}."
    )


def kind_name(row: Facts) -> str:
    return f"{row['source']} / {row['action'] or 'works alone'}"


def objectives(frame: pl.DataFrame) -> str:
    """Which objectives were met."""
    if frame.is_empty():
        return "No task counts for an objective."
    return f"{'; '.join(_kept(row) for row in frame.iter_rows(named=True))}."


def _kept(row: Facts) -> str:
    if row["attainment"] is None:
        return f"{row['objective']}: no task counts for it yet"
    return (
        f"{row['objective']}: {words.percent(row['attainment'])} of {row['good'] + row['missed']:,} were good, "
        f"{words.percent(row['target'])} should be{_budget(row)}"
    )


def _budget(row: Facts) -> str:
    """The part of the newest month's error budget that is left."""
    if row["budget_left_share"] is None:
        return ""
    if row["budget_left_share"] < 0:
        return ", and the month's error budget is spent"
    lasts = {True: ", which will last", False: ", which will not last"}.get(row["will_last"], "")
    stale = " by what was known when answers stopped" if row["is_stale"] and row["will_last"] is None else ""
    return f", and {words.rough(row['budget_left_share'])} of the month's error budget is left{lasts}{stale}"


def stuck(frame: pl.DataFrame, number: int) -> str:
    """How many are stuck."""
    if not number:
        return "No task is stuck: none runs for over three times as long as 99% of its kind take."
    many, whose = ("1 task runs", "its") if number == 1 else (f"{number:,} tasks run", "their")
    return (
        f"{many} for over three times as long as 99% of {whose} kind take; the oldest was submitted "
        f"{words.duration(frame['age_seconds'].max())} ago."  # type: ignore[arg-type]  # a duration
    )


def quality(frame: pl.DataFrame) -> str:
    """How many checks found something."""
    found = frame.filter(pl.col("failing") > 0)
    if not frame["checked"].sum():
        return "There is no task to check."
    if found.is_empty():
        return f"None of the {frame.height} checks found anything."
    first = found.row(0, named=True)
    return (
        f"{found.height} of {frame.height} checks found something. The largest share is {first['check_name']} with "
        f"{words.percent(first['share'])}: {first['description']}."
    )


def answers(frame: pl.DataFrame) -> str:
    """How many answers contained a task."""
    if frame.is_empty():
        return "No request was made in this range of time."
    total, useful = (int(one["answers"].sum()) for one in (frame, frame.filter(pl.col("outcome") == "task")))
    if useful == total > 1:
        return f"All {total:,} answers contained a task."
    return f"{useful:,} of {words.plural(total, 'answer')} contained a task: {words.percent(useful / total)}."


def speed(frame: pl.DataFrame) -> str:
    """How fast the gateway answers, and how often it refused."""
    known = frame.drop_nulls("p95_ms")
    if known.is_empty():
        return "No answer has a time, so how fast they came is not known."
    half, most = float(known["p50_ms"].max()), float(known["p95_ms"].max())  # type: ignore[arg-type]  # numbers
    refused, asked = int(frame["refusals"].sum()), int(frame["requests"].sum())
    return (
        f"{'In every hour half' if known.height > 1 else 'Half'} of the answers came within {half:,.0f} ms "
        f"and 95% within {most:,.0f} ms. {f'{refused:,}' if refused else 'None'} of "
        f"{words.plural(asked, 'request')} {'was' if refused in {0, 1} else 'were'} rate-limited (429)."
    )
