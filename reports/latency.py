"""How long avatar tasks take, how often they fail, why, and what is stuck: a marimo notebook.

marimo edit reports/latency.py                          to work on it
marimo run reports/latency.py -- --data-dir data        to view it, with filters

It shows the figures of `avatar-tasks report`, for the tasks that its filters leave.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Avatar tasks: latency and failures")

with app.setup:
    import os
    from datetime import UTC, datetime, time, timedelta
    from pathlib import Path

    import marimo as mo
    import polars as pl

    from reports.cohort import Cohort, choices, open_cohort
    from reports.page import fragment
    from reports.report import read_report
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


@app.cell
def _(cohort, data_dir):
    db = open_beside_published(DataPaths(Path(data_dir).absolute()))
    report = read_report(db, cohort, datetime.now(UTC), is_whole=True)
    return db, report


@app.cell(hide_code=True)
def _(report):
    mo.Html(fragment(report, is_dark=mo.app_meta().theme == "dark"))
    return


if __name__ == "__main__":
    app.run()
