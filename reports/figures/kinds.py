"""Kinds of task compared, whether objectives were met, and which tasks are stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from reports import sentences
from reports.elements import Figure

if TYPE_CHECKING:
    from reports.figures.context import Context


def kinds(context: Context) -> Figure:
    """One row per source and action."""
    frame = context.rows("from by_kind order by tasks desc, source, action")
    return Figure(
        key="kinds",
        title="Which kind of task?",
        says=sentences.kinds(frame),
        unit="tasks, shares and times with their 95% intervals, by source and action",
        cohort=context.about,
        tasks=int(frame["tasks"].sum()),
        data=frame,
        columns={
            "source": "Source",
            "action": "Action",
            "tasks": "Tasks",
            "in_flight": "In flight",
            "failure_rate": "Failure rate",
            "p50_seconds": "Half within",
            "p95_seconds": "95% within",
        },
        note="Works that came without their task have no action, and no time of submission to measure from.",
    )


def objectives(context: Context) -> Figure:
    """One row per objective."""
    frame = context.rows("from objectives_kept order by seconds, objective")
    frame = frame.with_columns(pl.col("source", "action").fill_null("all"))
    return Figure(
        key="objectives",
        title="Are objectives met?",
        says=sentences.objectives(frame),
        unit="share of tasks that succeeded in time",
        cohort=context.about,
        tasks=context.most(frame["good"] + frame["missed"]),
        data=frame,
        columns={
            "objective": "Objective",
            "source": "Source",
            "action": "Action",
            "seconds": "Succeed within",
            "target": "Target",
            "attainment": "Attained",
            "good": "Good",
            "missed": "Missed",
            "open": "Still open",
        },
        note="A failure is a miss, regardless of its cause. Objectives are set in analysis.toml.",
    )


def stuck(context: Context) -> Figure:
    """The oldest stuck tasks."""
    frame = context.rows("from stuck order by age_seconds desc, task_id")
    number = context.facts["stuck"]
    return Figure(
        key="stuck",
        title="What is stuck?",
        says=sentences.stuck(frame, number),
        unit="age by the clock",
        cohort=context.about,
        tasks=context.facts["in_flight"],
        counted="running task",
        data=frame,
        columns={
            "task_id": "Task",
            "action": "Action",
            "status": "Status",
            "submit_time": f"Submitted ({context.zone})",
            "age_seconds": "Age",
            "threshold_seconds": "Stuck from",
            "last_observed_at": f"Last seen ({context.zone})",
        },
        note="The oldest twenty are listed; the view stuck_tasks has all." if number > frame.height else "",
    )
