"""`collect` and `load`: ids in, warehouse out."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from avatar_tasks.commands.options import DATA_DIR, JSON, SETTINGS, Place, Seconds, settings_of, with_options
from avatar_tasks.console import Progress, handle_errors, reporter_to, show_summary
from pipeline.spans import DEFAULT_SINCE


@click.command()
@click.argument("ids", nargs=-1)
@click.option(
    "--ids-file",
    type=Place(allow_dash=True),
    metavar="PATH",
    help="A .txt, .csv, .json or .parquet file with ids (or .gz), - for stdin.",
)
@click.option(
    "--ids-column", metavar="NAME", help="Its column or key with the ids, also a.b; task_id or id if not given."
)
@click.option(
    "--ids-from", type=Place(), metavar="WHAT", help="Also new ids of a folder of exports, or of SQL for DuckDB."
)
@click.option(
    "--inbox", type=Place(), metavar="DIR", help="Also ids of the files in this folder, which are moved on then."
)
@click.option("--discover", is_flag=True, help="Walk the gateway's own list of tasks, too (needs an access token).")
@click.option(
    "--since",
    default=DEFAULT_SINCE,
    show_default=True,
    metavar="WINDOW",
    help="How far back --discover goes; what it has seen whole before is passed over.",
)
@click.option("--action", metavar="NAME", help="--discover only tasks of this action.")
@click.option("--again", is_flag=True, help="Poll ids that have ended as well: their end may have changed.")
@click.option(
    "--where",
    metavar="CONDITION",
    help="With --again, also tasks for which this SQL condition on `tasks` holds, e.g. \"fail_class = 'unknown'\".",
)
@click.option("--follow", is_flag=True, help="Go on until every task given has ended.")
@click.option(
    "--deadline",
    "deadline_seconds",
    type=Seconds(),
    metavar="SECONDS",
    help="Poll no longer than this; also without --follow.",
)
@click.option(
    "--drawn-from",
    type=click.Choice(["running", "all"]),
    help="How the ids were drawn: of the tasks running now, or of all; if not given, their tasks tell.",
)
@click.option("--refresh/--no-refresh", default=True, help="Whether to poll known tasks that are due, too.")
@click.option(
    "--load/--no-load", default=True, help="Whether to load; what is not, `avatar-tasks load` loads, here or elsewhere."
)
@click.option(
    "--first-start/--no-first-start", default=None, help="Whether a data folder that is not there may be begun."
)
@click.option(
    "--prefect/--no-prefect", default=None, help="As a Prefect flow run; default: where PREFECT_API_URL is set."
)
@with_options(*SETTINGS, DATA_DIR, JSON)
@handle_errors
def collect(*, prefect: bool | None, as_json: bool, **typed: Any) -> int:
    """Fetch tasks, archive every answer, load and publish the warehouse.

    IDS that are known to have ended are passed over unless --again is given. Without any, whatever is due is polled.
    """
    from avatar_tasks.start import start
    from pipeline.collect.request import CollectRequest

    request = {one.name: typed.pop(one.name) for one in fields(CollectRequest) if one.name in typed}
    progress = Progress("fetching")
    try:
        summary = start(settings_of(**typed), CollectRequest(**request), reporter_to(progress), prefect=prefect)
    finally:
        progress.stop()
    show_summary("collect", summary, as_json=as_json)
    return summary.exit_code


@click.command()
@click.option("--no-publish", is_flag=True, help="Leave publishing to a later load.")
@click.option("--run", "of_run", metavar="RUN_ID", help="Only what this run archived.")
@with_options(DATA_DIR, JSON)
@handle_errors
def load(*, no_publish: bool, of_run: str | None, as_json: bool, **options: Any) -> int:
    """Load what is archived and not loaded yet, and publish the warehouse.

    `collect` does so itself, unless it has --no-load or the warehouse was locked. A large one starts this command
    to load while it polls.
    """
    from pipeline.load_command import load as load_waiting
    from pipeline.run import begin

    run = begin(settings_of(**options), "load", reporter=reporter_to(Progress("loading")))
    summary = load_waiting(run, publish=not no_publish, of_run=of_run)
    show_summary("load", summary, as_json=as_json, run_id=run.run_id)
    return summary.exit_code
