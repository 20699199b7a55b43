"""Whether the data, the clocks and the gateway can be trusted."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import polars as pl

from reports import sentences, words
from reports.charts.more import About, answer_times
from reports.charts.scales import Times
from reports.charts.series import Point
from reports.cohort import Cohort
from reports.elements import Figure

if TYPE_CHECKING:
    from datetime import datetime

    from reports.figures.context import Context, Row

_HOUR: Final = timedelta(hours=1)


def quality(context: Context) -> Figure:
    """One row per check, the one with most findings first."""
    frame = context.rows("from quality")
    return Figure(
        key="quality",
        title="Can the data be trusted?",
        says=sentences.quality(frame),
        unit="share of the tasks that a check applies to",
        cohort=context.about,
        tasks=context.facts["tasks"],
        data=frame,
        columns={
            "check_name": "Check",
            "failing": "Failing",
            "checked": "Checked",
            "share": "Share",
            "description": "What is wrong",
            "example_task_id": "Example",
        },
        in_sight=frame.filter(pl.col("failing") > 0).height,
    )


def clocks(context: Context) -> Figure:
    """The same quantiles of latency by the gateway's clock and by the provider's."""
    frame = context.rows("from clocks order by q")
    return Figure(
        key="clocks",
        title="Whose clock?",
        says=sentences.clocks(frame),
        unit="latency that so many tasks stayed within",
        cohort=f"{context.about}, succeeded, both clocks known",
        tasks=context.most(frame["tasks"]),
        data=frame,
        columns={
            "q": "Share of tasks",
            "gateway_seconds": "By the gateway's clock",
            "provider_seconds": "By the provider's clock",
            "gap_seconds": "Created before submission",
        },
        note="The gateway counts from its submit_time, the provider from the creation of the work; both to the "
        "gateway's end.",
        is_wide=False,
    )


def answers(context: Context) -> Figure:
    """What the gateway answered."""
    frame = context.rows("from api_outcomes order by answers desc, outcome")
    return Figure(
        key="answers",
        title="What did the gateway answer?",
        says=sentences.answers(frame),
        unit="answers",
        cohort=_polled(context),
        tasks=int(frame["answers"].sum()),
        counted="answer",
        data=frame,
        columns={"outcome": "Outcome", "answers": "Answers", "share": "Share"},
        note="Answers are chosen by source and time of polling alone: without a task it has no action or template.",
        is_wide=False,
    )


def speed(context: Context) -> Figure:
    """How fast the gateway answers."""
    frame = context.rows("from api_over_time order by bin_start")
    says, title = sentences.speed(frame), "How fast does it answer?"
    points = _points(frame)
    times = Times(points[0].begin, points[-1].end) if points else context.times
    chart = answer_times(About("speed", title, says, times), points)
    return Figure(
        key="speed",
        title=title,
        says=says,
        unit=f"milliseconds of an id's last attempt, by time of polling ({context.zone})",
        cohort=_polled(context),
        tasks=int(frame["answers"].sum()),
        counted="answer",
        data=frame,
        columns={
            "bin_start": f"From ({context.zone})",
            "requests": "Requests",
            "refusals": "Rate-limited",
            "answers": "Answers",
            "unanswered": "Unusable",
            "p50_ms": "Half within",
            "p95_ms": "95% within",
        },
        charts=(chart,) if frame["p50_ms"].drop_nulls().len() > 1 else (),
    )


def _points(frame: pl.DataFrame) -> list[Point]:
    starts: list[datetime] = frame["bin_start"].to_list()
    step = min((after - before for before, after in pairwise(starts)), default=_HOUR)
    return [
        Point(
            row["bin_start"], row["bin_start"] + step, row["p50_ms"], row["p50_ms"], row["p95_ms"],
            is_partial=False, says=_about(row),
        )
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip


def _about(row: Row) -> str:
    if row["p50_ms"] is None:
        return ""
    return (
        f"{words.minute(row['bin_start'])}: half answered within {row['p50_ms']:,.0f} ms, 95% within "
        f"{row['p95_ms']:,.0f} ms; {words.plural(row['answers'], 'answer')}, {row['unanswered']:,} of them unusable, "
        f"{words.plural(row['refusals'], 'request')} rate-limited"
    )


def _polled(context: Context) -> str:
    chosen = context.cohort
    about = words.cohort(Cohort(sources=chosen.sources, since=chosen.since, until=chosen.until))
    return about.replace("submitted", "polled").replace("all tasks", "all answers")
