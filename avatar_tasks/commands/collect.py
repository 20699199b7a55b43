"""`collect` and `load`: ids in, warehouse out."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from avatar_tasks.commands.options import (
    DATA_DIR,
    JSON,
    SETTINGS,
    Place,
    Seconds,
    examples,
    gateway_settings,
    settings_of,
    with_options,
)
from avatar_tasks.console import (
    Progress,
    handle_errors,
    reporter_to,
    show,
    show_json,
    show_line_of,
    show_summary,
)
from pipeline.spans import DEFAULT_SINCE

if TYPE_CHECKING:
    from pipeline.collect.request import CollectRequest
    from pipeline.sources.file import Source


@click.command(
    short_help="Fetch tasks, archive every answer, load and publish.",
    epilog=examples(
        "collect --ids-file ids.txt --follow",
        "collect --inbox inbox",
        "collect --again --where \"fail_class = 'unknown'\"",
    ),
)
@click.argument("ids", nargs=-1)
@click.option(
    "--ids-file",
    type=Place(allow_dash=True),
    metavar="PATH",
    help="A .txt, .csv, .json or .parquet file with ids, also as .gz; - for stdin.",
)
@click.option(
    "--ids-column", metavar="NAME", help="The column or key with the ids, also nested as a.b; default: task_id or id."
)
@click.option(
    "--ids-from",
    type=Place(),
    metavar="WHAT",
    help="Also collect new ids from a folder of exports, or from SQL for DuckDB.",
)
@click.option(
    "--inbox",
    type=Place(),
    metavar="DIR",
    help="Also collect the ids in the files of this folder, which are then moved to done/ or unusable/ in it.",
)
@click.option("--discover", is_flag=True, help="Also read the gateway's own list of tasks (needs an access token).")
@click.option(
    "--since",
    default=DEFAULT_SINCE,
    show_default=True,
    metavar="WINDOW",
    help="How far back --discover reads; what was read completely before is skipped.",
)
@click.option("--action", metavar="NAME", help="With --discover, read only tasks of this action.")
@click.option(
    "--again", is_flag=True, help="Also poll given ids whose tasks have ended: their outcome may have changed."
)
@click.option(
    "--where",
    metavar="CONDITION",
    help="With --again, also poll tasks that match this SQL condition on `tasks`, e.g. \"fail_class = 'unknown'\".",
)
@click.option("--follow", is_flag=True, help="Continue until every given task has ended.")
@click.option(
    "--deadline",
    "deadline_seconds",
    type=Seconds(),
    metavar="SECONDS",
    help="Stop polling after this many seconds, with or without --follow.",
)
@click.option(
    "--drawn-from",
    type=click.Choice(["running", "all"]),
    help="How the ids were drawn: from the tasks running now, or from all; by default inferred from the tasks.",
)
@click.option("--refresh/--no-refresh", default=True, help="Whether to also poll known tasks that are due.")
@click.option(
    "--load/--no-load",
    default=True,
    help="Whether to load into the warehouse; `avatar-tasks load` can do it later, here or on another machine.",
)
@click.option(
    "--first-start/--no-first-start", default=None, help="Whether to create the data folder if it does not exist."
)
@click.option(
    "--prefect/--no-prefect",
    default=None,
    help="Whether to run as a Prefect flow; by default only if PREFECT_API_URL is set.",
)
@with_options(*SETTINGS, DATA_DIR, JSON)
@handle_errors
def collect(*, prefect: bool | None, as_json: bool, **typed: Any) -> int:
    """Fetch tasks, archive every answer, load and publish the warehouse.

    IDS whose tasks have ended are skipped unless --again is given. Without ids, all known tasks that are due are
    polled. If sources.toml lists several gateways, it collects from all of them at the same time, or only from the one
    that --source names.
    """
    from pipeline.collect.request import CollectRequest
    from pipeline.sources.choose import chosen_sources

    request = CollectRequest(**{one.name: typed.pop(one.name) for one in fields(CollectRequest) if one.name in typed})
    sources = chosen_sources(typed["source"])
    if len(sources) > 1:
        return _collect_each(sources, request, typed | {"prefect": prefect}, as_json=as_json)
    return _collect_one(sources[0] if sources else None, request, typed, prefect=prefect, as_json=as_json)


def _collect_one(
    source: Source | None, request: CollectRequest, options: dict[str, Any], *, prefect: bool | None, as_json: bool
) -> int:
    from avatar_tasks.start import start
    from pipeline.sources.choose import request_of

    progress = Progress("fetching")
    try:
        settings = gateway_settings(source, **options)
        summary = start(settings, request_of(source, request), reporter_to(progress), prefect=prefect)
    finally:
        progress.stop()
    show_summary("collect", summary, as_json=as_json)
    return summary.exit_code


def _collect_each(sources: list[Source], request: CollectRequest, options: dict[str, Any], *, as_json: bool) -> int:
    """Collect for several gateways in child processes; this process imports little, so that they start at once."""
    from pipeline import interrupts
    from pipeline.sources.children import Children
    from pipeline.sources.inbox import warn_of_strays

    settings = settings_of(data_dir=options["data_dir"], first_start=options["first_start"])
    children = Children(sources, request, options, notify=show_line_of, on_end=lambda end: show(end.as_line()))
    if not settings.paths.has_mark:
        from avatar_tasks.start import begin_for_all

        begin_for_all(settings, reporter_to(Progress("fetching")))
    warn_of_strays(request.inbox, sources, lambda line: show(f"warning: {line}", "warning"))
    summary = interrupts.run(children.collect())
    if as_json:
        show_json(summary.as_dict())
    if summary.problem:
        show(f"avatar-tasks: {summary.problem}", "error")
    return summary.exit_code


@click.command(
    short_help="Load what is archived and not loaded yet, and publish.",
    epilog=examples("load", "load --json"),
)
@click.option("--no-publish", is_flag=True, help="Load only; a later load publishes.")
@click.option("--run", "of_run", metavar="RUN_ID", help="Load only what this run archived.")
@with_options(DATA_DIR, JSON)
@handle_errors
def load(*, no_publish: bool, of_run: str | None, as_json: bool, **options: Any) -> int:
    """Load what is archived and not loaded yet, and publish the warehouse.

    `collect` does this itself, unless it was given --no-load or the warehouse was locked. A large `collect` starts this
    command as a child process, to load while it polls.
    """
    from pipeline.load_command import load as load_waiting
    from pipeline.run import begin

    run = begin(settings_of(**options), "load", reporter=reporter_to(Progress("loading")))
    summary = load_waiting(run, publish=not no_publish, of_run=of_run)
    show_summary("load", summary, as_json=as_json, run_id=run.run_id)
    return summary.exit_code
