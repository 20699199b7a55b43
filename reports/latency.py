"""How long avatar tasks take, how often they fail, why, and what is stuck: a marimo notebook.

marimo edit reports/latency.py                          to work on it
marimo run reports/latency.py -- --data-dir data        to view it, with filters

`avatar-tasks report` runs the same cells without a browser and makes one HTML file from them.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Avatar tasks: latency and failures")

with app.setup:
    import os
    from collections.abc import Callable
    from datetime import UTC, datetime, time, timedelta
    from functools import partial
    from pathlib import Path
    from typing import Any

    import marimo as mo
    import polars as pl

    from reports import sentences, words
    from reports.cohort import Cohort, choices, open_cohort
    from reports.drawing import bars, curves, grids
    from reports.figure import Figure
    from reports.headline import in_short as in_short_of
    from reports.headline import tiles
    from reports.look import DARK, LIGHT, Look
    from warehouse.paths import DataPaths


@app.function
def drawn(draw: Callable[[pl.DataFrame, Look], Any], frame: pl.DataFrame, needs: str) -> Callable[[Look], Any] | None:
    """The picture of `frame`, or None where nothing is known of what it needs; the sentence says so then."""
    return partial(draw, frame) if frame[needs].drop_nulls().len() else None


@app.function
def show(figure: Figure) -> Any:
    """The figure in the notebook; nothing where the cells run without a browser: the page is made elsewhere."""
    if not mo.running_in_notebook():
        return None
    look = Look(colours=DARK if mo.app_meta().theme == "dark" else LIGHT)
    small = f"{figure.about}. {figure.note}"
    table = mo.accordion({"As a table": mo.ui.table(figure.data, selection=None)}) if figure.columns else None
    parts = [
        mo.md(f"## {figure.title}\n\n{figure.says}"),
        figure.draw(look) if figure.draw else None,
        mo.md(f"*{small}*"),
        table,
    ]
    return mo.vstack([part for part in parts if part is not None])


@app.cell(hide_code=True)
def _():
    mo.md("""
    # Avatar tasks: latency and failures

    Every number comes from the published warehouse, read-only: its views, over the tasks that the filters leave. In
    cells of your own, `cohort.<view>` is that view of the tasks chosen, `pooled.<view>` the same as if they were of one
    kind, and `published.<view>` that of all tasks: `mo.sql("from cohort.latency_quantiles", engine=db)`.
    """)
    return


@app.cell
def _():
    data_dir = str(mo.cli_args().get("data-dir") or os.environ.get("AVATAR_TASKS_DATA_DIR") or "data")
    return (data_dir,)


@app.cell
def _(data_dir):
    with open_cohort(DataPaths(Path(data_dir).absolute()), Cohort()) as _everything:
        known = choices(_everything)
        [whole] = _everything.sql("from headline").pl().iter_rows(named=True)
    return known, whole


@app.cell(hide_code=True)
def _(known, whole):
    def _picker(name, label):
        rows = known.filter(pl.col("filter_name") == name)
        options = {
            f"{shown} · {number:,}": value
            for value, shown, number in rows.select("value", "label", "tasks").iter_rows()
        }
        return mo.ui.multiselect(options, label=label)

    sources, actions, templates = (
        _picker("source", "Sources"),
        _picker("action", "Actions"),
        _picker("template", "Templates"),
    )
    _first, _last = whole["first_submit_time"] or datetime.now(UTC), whole["last_submit_time"] or datetime.now(UTC)
    days = mo.ui.date_range(_first.date(), _last.date(), label="Submitted on (UTC)")
    mo.hstack([sources, actions, templates, days], justify="start", wrap=True)
    return actions, days, sources, templates


@app.cell
def _(actions, days, sources, templates):
    _first_day, _last_day = days.value
    _is_whole = (_first_day, _last_day) == (days.start, days.stop)
    cohort = Cohort(
        sources=tuple(sources.value),
        actions=tuple(actions.value),
        templates=tuple(templates.value),
        since=None if _is_whole else datetime.combine(_first_day, time(), UTC),
        until=None if _is_whole else datetime.combine(_last_day, time(), UTC) + timedelta(days=1),
    )
    return (cohort,)


@app.cell
def _(cohort, data_dir):
    db = open_cohort(DataPaths(Path(data_dir).absolute()), cohort)
    about = words.cohort(cohort)
    return about, db


@app.cell
def _(db):
    headline = mo.sql(
        """
        from headline
        """,
        output=False,
        engine=db,
    )
    return (headline,)


@app.cell(hide_code=True)
def _(headline):
    facts = headline.row(0, named=True)
    bucket = words.bucket(facts["step_seconds"])
    headline_tiles = tiles(facts)
    mo.hstack(
        [
            mo.stat(
                one.shown,
                label=one.label,
                caption=" · ".join([one.range_shown, *one.notes]).removeprefix(" · "),
                bordered=True,
            )
            for one in headline_tiles
        ],
        wrap=True,
        justify="start",
    ) if mo.running_in_notebook() else None
    return bucket, facts, headline_tiles


@app.cell
def _(about, class_frame, facts):
    in_short = in_short_of(facts, class_frame)
    mo.md("\n".join(f"- {line}" for line in [*in_short, f"Cohort: {about}."])) if mo.running_in_notebook() else None
    return (in_short,)


@app.cell
def _(db):
    latency_frame = mo.sql(
        """
        from latency_over_time order by bucket_start
        """,
        output=False,
        engine=db,
    )
    return (latency_frame,)


@app.cell(hide_code=True)
def _(about, bucket, facts, latency_frame):
    latency = Figure(
        key="latency",
        title="How long do tasks take?",
        says=sentences.latency(latency_frame, facts),
        unit=f"time from submission to success or failure, by {bucket} of submission (UTC)",
        cohort=about,
        tasks=int(latency_frame["tasks"].sum()),
        data=latency_frame,
        columns={
            "bucket_start": "From (UTC)",
            "tasks": "Tasks",
            "p50_seconds": "Half within",
            "p95_seconds": "95% within",
        },
        draw=drawn(curves.latency_over_time, latency_frame, needs="p50_seconds"),
        note="Bands are 95% intervals; one that runs off the top has too few tasks for an upper end. Running "
        "tasks count with the age at which they were last seen.",
    )
    show(latency)
    return (latency,)


@app.cell
def _(db):
    outcome_frame = mo.sql(
        """
        from outcome_by_time order by t_seconds
        """,
        output=False,
        engine=db,
    )
    outcome_shares = mo.sql(
        """
        from outcome_at order by share
        """,
        output=False,
        engine=db,
    )
    return outcome_frame, outcome_shares


@app.cell(hide_code=True)
def _(about, outcome_frame, outcome_shares):
    outcome = Figure(
        key="outcome",
        title="How likely is a task finished by then?",
        says=sentences.outcome(outcome_frame, outcome_shares),
        unit="share of tasks, by the time since their submission",
        cohort=about,
        tasks=int(outcome_frame["tasks"].max() or 0),
        data=outcome_frame,
        draw=drawn(curves.outcome_by_time, outcome_frame, needs="t_seconds"),
        note="Aalen-Johansen: success and failure compete, and running tasks leave the count at the age last seen.",
        is_wide=False,
    )
    show(outcome)
    return (outcome,)


@app.cell
def _(db):
    failure_frame = mo.sql(
        """
        from failure_over_time order by bucket_start
        """,
        output=False,
        engine=db,
    )
    failing_hours = mo.sql(
        """
        from failing_hours order by bucket_start desc, source, action
        """,
        output=False,
        engine=db,
    )
    return failing_hours, failure_frame


@app.cell(hide_code=True)
def _(about, bucket, facts, failing_hours, failure_frame):
    failure = Figure(
        key="failure",
        title="How often do tasks fail?",
        says=sentences.failure(failing_hours, facts),
        unit=f"share of tasks, by {bucket} of submission (UTC)",
        cohort=about,
        tasks=int(failure_frame["submitted"].sum()),
        data=failure_frame,
        columns={
            "bucket_start": "From (UTC)",
            "submitted": "Tasks",
            "failed": "Failed",
            "in_flight": "In flight",
            "failure_rate": "Failure rate",
            "provider_failure_rate": "without the gateway's",
            "projected_failure_rate": "Projected",
        },
        draw=drawn(curves.failure_over_time, failure_frame, needs="failure_rate"),
        note="The band is Wilson's 95% interval. Failures end sooner than successes, so the plain rate of the newest "
        "tasks is too high: the projected one counts each task in flight with its chance to fail.",
    )
    show(failure)
    return (failure,)


@app.cell
def _(db):
    reason_frame = mo.sql(
        """
        from failure_pareto order by position
        """,
        output=False,
        engine=db,
    )
    class_frame = mo.sql(
        """
        select fail_class, sum(share) as share,
        from cohort.failure_reasons
        group by all
        order by share desc, fail_class
        """,
        output=False,
        engine=db,
    )
    return class_frame, reason_frame


@app.cell(hide_code=True)
def _(about, class_frame, reason_frame):
    reasons = Figure(
        key="reasons",
        title="Why do they fail, and whose fault is it?",
        says=sentences.reasons(reason_frame, class_frame),
        unit="failed tasks",
        cohort=about,
        tasks=int(reason_frame["tasks"].sum()),
        counted="failed task",
        data=reason_frame,
        columns={
            "reason": "Reason",
            "fail_class": "Whose fault",
            "tasks": "Tasks",
            "share": "Share",
            "share_so_far": "so far",
            "example": "Example",
        },
        draw=drawn(bars.failure_pareto, reason_frame, needs="tasks"),
        note="What differs from task to task (numbers, ids, addresses) is replaced. Whose fault it is, is decided in "
        "analysis.toml.",
    )
    show(reasons)
    return (reasons,)


@app.cell
def _(db):
    queue_frame = mo.sql(
        """
        from queue_and_run order by bucket_start
        """,
        output=False,
        engine=db,
    )
    queue_total = mo.sql(
        """
        from queue_against_run
        """,
        output=False,
        engine=db,
    )
    return queue_frame, queue_total


@app.cell(hide_code=True)
def _(about, bucket, queue_frame, queue_total):
    queue = Figure(
        key="queue",
        title="Waiting or running?",
        says=sentences.waiting(queue_total.row(0, named=True)),
        unit=f"median time, by {bucket} of submission (UTC)",
        cohort=f"{about}, succeeded, start known",
        tasks=int(queue_frame["tasks"].sum()),
        data=queue_frame,
        columns={
            "bucket_start": "From (UTC)",
            "succeeded": "Succeeded",
            "tasks": "Start known",
            "queue_p50_seconds": "Waiting, half",
            "queue_p90_seconds": "90%",
            "run_p50_seconds": "Running, half",
            "run_p90_seconds": "90%",
        },
        draw=drawn(curves.queue_and_run, queue_frame, needs="queue_p50_seconds"),
        note="Bands reach from the median to the 90th percentile: how tasks differ, not how sure the median is.",
        is_wide=False,
    )
    show(queue)
    return (queue,)


@app.cell
def _(db):
    clock_frame = mo.sql(
        """
        from clocks order by q
        """,
        output=False,
        engine=db,
    )
    return (clock_frame,)


@app.cell(hide_code=True)
def _(about, clock_frame):
    clocks = Figure(
        key="clocks",
        title="Whose clock?",
        says=sentences.clocks(clock_frame),
        unit="latency that so many tasks stayed within",
        cohort=f"{about}, succeeded, both clocks known",
        tasks=int(clock_frame["tasks"].max() or 0),
        data=clock_frame,
        columns={
            "q": "Share of tasks",
            "gateway_seconds": "By the gateway's clock",
            "provider_seconds": "By the provider's clock",
            "gap_seconds": "Created before submission",
        },
        draw=drawn(grids.clocks, clock_frame, needs="q"),
        note="The gateway counts from its submit_time, the provider from the creation of the work; both to the "
        "gateway's end.",
        is_wide=False,
    )
    show(clocks)
    return (clocks,)


@app.cell
def _(db):
    load_frame = mo.sql(
        """
        from in_flight_over_time order by bin_start
        """,
        output=False,
        engine=db,
    )
    return (load_frame,)


@app.cell(hide_code=True)
def _(about, load_frame):
    load = Figure(
        key="in-flight",
        title="How many tasks are under way?",
        says=sentences.load(load_frame),
        unit="tasks under way at the end of a minute (UTC)",
        cohort=f"{about}, and those submitted before that were still under way",
        tasks=int(load_frame["submitted"].sum()),
        data=load_frame,
        draw=drawn(curves.in_flight_over_time, load_frame, needs="most_in_flight"),
        note="A task whose end has no time counts for the median time of its kind, within the limits that its answers "
        "set.",
    )
    show(load)
    return (load,)


@app.cell
def _(db):
    week_frame = mo.sql(
        """
        from hour_by_weekday order by weekday, hour
        """,
        output=False,
        engine=db,
    )
    return (week_frame,)


@app.cell(hide_code=True)
def _(about, week_frame):
    _week_tasks = int(week_frame["tasks"].sum())
    week = Figure(
        key="week",
        title="When is it busy, and when slow?",
        says=sentences.week(week_frame),
        unit="tasks submitted, and median latency of the succeeded, by weekday and hour of submission (UTC)",
        cohort=about,
        tasks=_week_tasks,
        data=week_frame,
        draw=partial(grids.hour_by_weekday, week_frame) if _week_tasks else None,
    )
    show(week)
    return (week,)


@app.cell
def _(db):
    kind_frame = mo.sql(
        """
        from by_kind order by tasks desc, source, action
        """,
        output=False,
        engine=db,
    )
    return (kind_frame,)


@app.cell(hide_code=True)
def _(about, kind_frame):
    kinds = Figure(
        key="kinds",
        title="Which kind of task?",
        says=sentences.kinds(kind_frame),
        unit="tasks, shares and times with their 95% intervals, by source and action",
        cohort=about,
        tasks=int(kind_frame["tasks"].sum()),
        data=kind_frame,
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
    show(kinds)
    return (kinds,)


@app.cell
def _(db):
    objective_frame = mo.sql(
        """
        from objectives_kept order by seconds, objective
        """,
        output=False,
        engine=db,
    )
    return (objective_frame,)


@app.cell(hide_code=True)
def _(about, objective_frame):
    objectives = Figure(
        key="objectives",
        title="Are objectives met?",
        says=sentences.objectives(objective_frame),
        unit="share of tasks that succeeded in time",
        cohort=about,
        tasks=int((objective_frame["good"] + objective_frame["missed"]).max() or 0),
        data=objective_frame,
        columns={
            "objective": "Objective",
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
    show(objectives)
    return (objectives,)


@app.cell
def _(db):
    stuck_frame = mo.sql(
        """
        from stuck order by age_seconds desc, task_id
        """,
        output=False,
        engine=db,
    )
    return (stuck_frame,)


@app.cell(hide_code=True)
def _(about, facts, stuck_frame):
    stuck = Figure(
        key="stuck",
        title="What is stuck?",
        says=sentences.stuck(stuck_frame, facts["stuck"]),
        unit="age by the clock",
        cohort=about,
        tasks=facts["in_flight"],
        counted="running task",
        data=stuck_frame,
        columns={
            "task_id": "Task",
            "action": "Action",
            "status": "Status",
            "submit_time": "Submitted (UTC)",
            "age_seconds": "Age",
            "threshold_seconds": "Stuck from",
            "last_observed_at": "Last seen (UTC)",
        },
        note="The oldest twenty are listed; `from stuck_tasks` has all." if facts["stuck"] > stuck_frame.height else "",
    )
    show(stuck)
    return (stuck,)


@app.cell
def _(db):
    quality_frame = mo.sql(
        """
        from quality
        """,
        output=False,
        engine=db,
    )
    return (quality_frame,)


@app.cell(hide_code=True)
def _(about, facts, quality_frame):
    _failing = quality_frame.filter(pl.col("failing") > 0)
    quality = Figure(
        key="quality",
        title="Can the data be trusted?",
        says=sentences.quality(quality_frame),
        unit="share of the tasks that a check applies to",
        cohort=about,
        tasks=facts["tasks"],
        data=quality_frame,
        columns={
            "check_name": "Check",
            "description": "What is wrong",
            "failing": "Failing",
            "checked": "Checked",
            "share": "Share",
            "example_task_id": "Example",
        },
        draw=drawn(bars.quality, _failing, needs="share"),
        is_wide=False,
    )
    show(quality)
    return (quality,)


@app.cell
def _(db):
    answer_frame = mo.sql(
        """
        from api_outcomes order by answers desc, outcome
        """,
        output=False,
        engine=db,
    )
    speed_frame = mo.sql(
        """
        from api_over_time order by bin_start
        """,
        output=False,
        engine=db,
    )
    return answer_frame, speed_frame


@app.cell(hide_code=True)
def _(answer_frame, cohort, speed_frame):
    _polled_cohort = words.cohort(Cohort(sources=cohort.sources, since=cohort.since, until=cohort.until))
    _polled = _polled_cohort.replace("submitted", "polled").replace("all tasks", "all answers")
    answers = Figure(
        key="answers",
        title="What did the gateway answer?",
        says=sentences.answers(answer_frame),
        unit="answers",
        cohort=_polled,
        tasks=int(answer_frame["answers"].sum()),
        counted="answer",
        data=answer_frame,
        columns={"outcome": "Outcome", "answers": "Answers", "share": "Share"},
        draw=drawn(bars.api_outcomes, answer_frame, needs="answers"),
        note="Answers are chosen by source and time of polling alone: without a task it has no action or template.",
        is_wide=False,
    )
    speed = Figure(
        key="speed",
        title="How fast does it answer?",
        says=sentences.speed(speed_frame),
        unit="milliseconds of an id's last attempt, by time of polling (UTC)",
        cohort=_polled,
        tasks=int(speed_frame["answers"].sum()),
        counted="answer",
        data=speed_frame,
        columns={
            "bin_start": "From (UTC)",
            "requests": "Requests",
            "refusals": "Rate-limited",
            "answers": "Answers",
            "unanswered": "Unusable",
            "p50_ms": "Half within",
            "p95_ms": "95% within",
        },
        draw=drawn(curves.api_over_time, speed_frame, needs="p50_ms"),
        is_wide=False,
    )
    mo.vstack([show(answers), show(speed)]) if mo.running_in_notebook() else None
    return answers, speed


@app.cell
def _(
    answers,
    clocks,
    failure,
    kinds,
    latency,
    load,
    objectives,
    outcome,
    quality,
    queue,
    reasons,
    speed,
    stuck,
    week,
):
    figures = [latency, outcome, queue, failure, reasons, kinds, load, week, stuck, objectives, quality, clocks]
    figures += [answers, speed]
    return (figures,)


if __name__ == "__main__":
    app.run()
