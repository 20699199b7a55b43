"""How long tasks take, which share has ended after which time, and where the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import sentences, words
from reports.charts.heatmap import FEWEST, Cell, Map, latency_map
from reports.charts.markup import NOTHING
from reports.charts.more import durations, shares_by_time
from reports.charts.plot import Frame
from reports.elements import Figure
from reports.examples import of_slow_cells

if TYPE_CHECKING:
    import polars as pl

    from reports.figures.context import Context, Row

_BINS_PER_DECADE: Final = 8
#: With only two levels, all running and all ended, there is no curve to draw.
_FEWEST_LEVELS: Final = 2
#: Half a percent, which is shown as 1%.
_LITTLE: Final = 0.005
_HOW_LONG: Final = "How long do tasks take?"
_BY_WHEN: Final = "How soon are tasks finished?"


def latency(context: Context) -> Figure:
    """A heat map of latency over time, with lines for the times by which half and 95% have ended."""
    frame = context.rows("from latency_over_time order by bucket_start")
    says = sentences.latency(frame, context.facts)
    about = context.chart("latency", _HOW_LONG, says)
    found = _map(context, frame)
    is_one = len(context.buckets) == 1 and all(cell.tasks < FEWEST for cell in found.cells)
    chart = None if is_one else latency_map("latency", _HOW_LONG, says, about.times, about.events, found)
    return Figure(
        key="latency",
        title=_HOW_LONG,
        says=says,
        unit=f"time from submission to success, by {context.bucket} of submission ({context.zone})",
        cohort=context.about,
        tasks=int(frame["tasks"].sum()),
        data=frame,
        columns={
            "bucket_start": f"From ({context.zone})",
            "tasks": "Tasks",
            "p50_seconds": "Half within",
            "p95_seconds": "95% within",
        },
        charts=(chart,) if chart else (),
        examples=of_slow_cells(context) if chart else NOTHING,
        note="The stronger its colour, the more tasks a cell has. Lines: by when half, and 95%, had ended, in success "
        "or failure; running tasks count with the age at which they were last seen."
        if chart
        else "",
    )


def _map(context: Context, frame: pl.DataFrame) -> Map:
    cells = context.rows("from latency_cells order by bucket_start, bin").to_dicts()
    ends = {row["bucket_start"]: row["bucket_end"] for row in context.buckets}
    made = {outcome: [] for outcome in ("succeeded", "failed", "running")}  # type: dict[str, list[Cell]]
    for row in cells:
        made[row["outcome"]].append(_cell(context, row, ends[row["bucket_start"]]))
    labels = {"p50_seconds": "half have ended within", "p95_seconds": "95% have ended within"}
    return Map(
        made["succeeded"],
        made["failed"],
        made["running"],
        {label: context.points(frame, name, lambda _: "") for name, label in labels.items()},
    )


def _cell(context: Context, row: Row, end: object) -> Cell:
    when, tasks = context.when(row["bucket_start"]), words.tasks(row["tasks"])
    if row["outcome"] == "succeeded":
        low, high = (10 ** ((row["bin"] + one) / _BINS_PER_DECADE) for one in (0, 1))
        says = f"{when}: {tasks} took {words.duration(low)} to {words.duration(high)}"
        return Cell(row["bucket_start"], end, row["tasks"], says, low, high)  # type: ignore[arg-type]
    if row["outcome"] == "failed":
        return Cell(row["bucket_start"], end, row["tasks"], f"{when}: {tasks} failed")  # type: ignore[arg-type]
    longest = row["longest_seconds"]
    says = (
        f"{when}: {tasks} still running when last seen, the longest for {words.duration(longest)}: at least that long"
    )
    return Cell(row["bucket_start"], end, row["tasks"], says)  # type: ignore[arg-type]


def outcome(context: Context) -> Figure:
    """The shares of tasks that have succeeded and failed, by time since submission."""
    frame = context.rows("from outcome_by_time order by t_seconds")
    says = sentences.outcome(frame, context.rows("from outcome_at order by share"))
    bands = {
        "succeeded": ("green", frame["p_success"].to_list()),
        "still running": ("grid", (1 - frame["p_failure"]).to_list()),
        "failed": ("orange", [1.0] * frame.height),
    }
    chart = shares_by_time(Frame("outcome", _BY_WHEN, says, 190), frame["t_seconds"].to_list(), bands)
    return Figure(
        key="outcome",
        title=_BY_WHEN,
        says=says,
        unit="share of tasks, by the time since their submission",
        cohort=context.about,
        tasks=context.most(frame["tasks"]),
        data=frame,
        charts=(chart,) if frame["p_running"].n_unique() > _FEWEST_LEVELS else (),
        note="Success and failure compete, and running tasks leave the count at the age last seen (Aalen-Johansen).",
        is_wide=False,
    )


def waiting(context: Context) -> Figure:
    """Median waiting time and running time by bucket."""
    frame = context.rows("from queue_and_run order by bucket_start")
    total = context.rows("from queue_against_run").row(0, named=True)
    says = f"{sentences.waiting(total)}{_slow(context)}"
    title = "Waiting or running?"
    lines = {
        "waiting, half of the tasks": ("amber", context.points(frame, "queue_p50_seconds", lambda _: "")),
        "running, half of the tasks": ("blue", context.points(frame, "run_p50_seconds", lambda _: "")),
    }
    chart = durations(context.chart("queue", title, says), lines)
    return Figure(
        key="queue",
        title=title,
        says=says,
        unit=f"median time, by {context.bucket} of submission ({context.zone})",
        cohort=f"{context.about}, succeeded, start known",
        tasks=int(frame["tasks"].sum()),
        data=frame,
        columns={}
        if not total["tasks"]
        else {
            "bucket_start": f"From ({context.zone})",
            "succeeded": "Succeeded",
            "tasks": "Start known",
            "queue_p50_seconds": "Waiting, half",
            "queue_p90_seconds": "90%",
            "run_p50_seconds": "Running, half",
            "run_p90_seconds": "90%",
        },
        charts=(chart,) if frame["run_p50_seconds"].drop_nulls().len() > 1 else (),
        is_wide=False,
    )


def _slow(context: Context) -> str:
    """Where slow tasks spend their time, for all kinds together; from the view slow_tail."""
    row = context.rows("""
        select sum(excess_seconds) as excess, sum(excess_seconds * waiting_share) / excess as waiting,
            sum(excess_seconds * running_share) / excess as running,
            sum(excess_seconds * unknown_start_share) / excess as unknown,
        from cohort.slow_tail""").row(0, named=True)
    if not row["excess"] or row["unknown"] > 0.5:  # noqa: PLR2004 - most of it: nothing is known of them
        return ""
    unknown = f", {words.rough(row['unknown'])} not known" if row["unknown"] >= _LITTLE else ""
    return (
        f" Of the time that the slowest tenth takes beyond the median, {words.rough(row['waiting'])} is waiting and "
        f"{words.rough(row['running'])} running{unknown}."
    )
