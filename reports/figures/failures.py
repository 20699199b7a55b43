"""How often tasks fail, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from reports import sentences, words
from reports.charts.markup import NOTHING
from reports.charts.more import rates
from reports.elements import Figure
from reports.examples import of_reasons

if TYPE_CHECKING:
    from reports.figures.context import Context, Row

_HOW_OFTEN: Final = "How often do tasks fail?"


def failure(context: Context) -> Figure:
    """The failure rate by bucket, and what it is expected to become."""
    frame = context.rows("from failure_over_time order by bucket_start")
    says = sentences.failure(context.incidents, context.facts)
    partial = [row["bucket_start"] for row in context.buckets if row["is_partial"]]
    projected = frame.filter(pl.col("in_flight") > 0, pl.col("bucket_start").is_in(partial))
    chart = rates(
        context.chart("failure", _HOW_OFTEN, says),
        context.points(frame, "failure_rate", lambda row: _about(context, row)),
        context.points(projected, "projected_failure_rate", lambda row: _expected(context, row)),
    )
    return Figure(
        key="failure",
        title=_HOW_OFTEN,
        says=says,
        unit=f"share of tasks, by {context.bucket} of submission ({context.zone})",
        cohort=context.about,
        tasks=int(frame["submitted"].sum()),
        data=frame,
        columns={
            "bucket_start": f"From ({context.zone})",
            "submitted": "Tasks",
            "failed": "Failed",
            "in_flight": "In flight",
            "failure_rate": "Failure rate",
            "provider_failure_rate": "without the gateway's",
            "projected_failure_rate": "Projected",
        },
        charts=(chart,) if frame["failure_rate"].drop_nulls().len() > 1 else (),
        note="Failures end sooner than successes, so the rate of the newest tasks is too high at first: the expected "
        "one counts each task in flight with its chance to fail.",
    )


def _about(context: Context, row: Row) -> str:
    bounds = words.interval(words.percent(row["failure_rate_low"]), words.percent(row["failure_rate_high"]))
    ended = row["succeeded"] + row["failed"]
    return (
        f"{context.when(row['bucket_start'])}: {row['failed']:,} of {ended:,} failed, "
        f"{words.percent(row['failure_rate'])} ({bounds}); {row['in_flight']:,} in flight."
    )


def _expected(context: Context, row: Row) -> str:
    return (
        f"{context.when(row['bucket_start'])}: {words.percent(row['projected_failure_rate'])} are expected to have "
        f"failed once the {row['in_flight']:,} in flight have ended."
    )


def reasons(context: Context) -> Figure:
    """Kinds of failure, the most common first."""
    frame = context.rows("from failure_pareto order by position")
    return Figure(
        key="reasons",
        title="Why do they fail, and whose fault is it?",
        says=sentences.reasons(frame, context.classes),
        unit="failed tasks",
        cohort=context.about,
        tasks=int(frame["tasks"].sum()),
        counted="failed task",
        data=frame,
        columns={
            "reason": "Reason",
            "tasks": "Tasks",
            "share": "Share",
            "share_so_far": "so far",
            "fail_class": "Whose fault",
            "example": "Example",
        },
        examples=of_reasons(context) if frame.height else NOTHING,
        note="What differs from task to task (numbers, ids, addresses) is replaced. Whose fault it is, is decided in "
        "analysis.toml.",
    )
