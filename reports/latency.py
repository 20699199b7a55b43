"""How long avatar tasks take, how often they fail, why, and what is stuck: a marimo notebook.

marimo edit reports/latency.py                          to work on it
marimo run reports/latency.py -- --data-dir data        to view it, with filters

It shows the figures of `avatar-tasks report` for the tasks that match its filters. When a value that differs is
selected, the tasks with that value are shown as well.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Avatar tasks: latency and failures")

with app.setup:
    import os
    from dataclasses import replace
    from datetime import UTC, datetime, time, timedelta
    from pathlib import Path

    import duckdb
    import marimo as mo
    import polars as pl

    from reports import render
    from reports.cohort import Cohort, choices, open_cohort
    from reports.page import fragment
    from reports.report import Report, read_report
    from reports.words import dimension, where
    from warehouse.database.reader import open_beside_published
    from warehouse.paths import DataPaths


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
    zone = mo.ui.text("UTC", label="Time zone")
    mo.hstack([sources, actions, templates, days, zone], justify="start", wrap=True)
    return actions, days, sources, templates, zone


@app.cell
def _(actions, days, sources, templates, zone):
    _first_day, _last_day = days.value
    _is_whole = (_first_day, _last_day) == (days.start, days.stop)
    cohort = Cohort(
        sources=tuple(sources.value),
        actions=tuple(actions.value),
        templates=tuple(templates.value),
        since=None if _is_whole else datetime.combine(_first_day, time(), UTC),
        until=None if _is_whole else datetime.combine(_last_day, time(), UTC) + timedelta(days=1),
        timezone=zone.value,
    )
    return (cohort,)


@app.function
def report_on(data_dir: str, cohort: Cohort) -> tuple[duckdb.DuckDBPyConnection, Report]:
    """The connection with the views of a cohort, and its report."""
    paths = DataPaths(Path(data_dir).absolute())
    con = open_beside_published(paths)
    return con, read_report(con, cohort, datetime.now(UTC), where=where(paths.root), is_whole=True)


@app.function
def panel(report: Report) -> mo.Html:
    """The figures of a report, in the colours of the notebook."""
    return mo.Html(str(fragment(report, is_dark=mo.app_meta().theme == "dark")))  # mo.Html needs a plain str


@app.cell
def _(cohort, data_dir):
    db, report = report_on(data_dir, cohort)
    return db, report


@app.cell(hide_code=True)
def _(report):
    _found = next(one.data for one in report.figures if one.key == "drivers")
    drivers = mo.ui.table(
        _found.filter(pl.col("is_clear")).select(
            "dimension",
            "value",
            pl.col("n").cast(pl.Int64),
            pl.col("failure_rate", "failure_effect", "latency_effect").round(3),
            pl.col("p50_seconds").round(1),
        ),
        selection="single",
        label="**What differs clearly.** Choose a value to see its tasks beside all that the filters leave.",
    )
    drivers
    return (drivers,)


@app.cell(hide_code=True)
def _(cohort, data_dir, drivers, report):
    if drivers.value.is_empty():
        _shown = panel(report)
    else:
        [_one] = drivers.value.select("dimension", "value").iter_rows()
        _paths = DataPaths(Path(data_dir).absolute())
        _its = render.report_on(_paths, replace(cohort, values=(_one,)), report.generated_at)
        _left = mo.vstack([mo.md(f"### {dimension(_one[0])} {_one[1]}"), panel(_its)])
        _right = mo.vstack([mo.md("### All that the filters leave"), panel(report)])
        _shown = mo.hstack([_left, _right], widths="equal", gap=1, align="start")
    _shown
    return


if __name__ == "__main__":
    app.run()
