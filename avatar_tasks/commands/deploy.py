"""`setup-prefect`: what runs on a Prefect server."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avatar_tasks.commands.options import JSON, examples, settings_of, with_options
from avatar_tasks.console import handle_errors, show, show_answer, show_json


@click.command(
    "setup-prefect",
    short_help="Create or update everything on the Prefect server in use.",
    epilog=examples("setup-prefect --dry-run", "setup-prefect --rate 20"),
)
@click.option(
    "--in-flight",
    type=click.IntRange(min=0),
    metavar="N",
    help="Maximum requests in flight over all workers; 0 removes the limit; if not given, the limit is kept.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    metavar="N",
    help="Maximum requests per second over all workers; 0 removes the limit; if not given, the limit is kept.",
)
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
@with_options(JSON)
@handle_errors
def setup_prefect(in_flight: int | None, rate: float | None, *, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Create or update everything on the Prefect server in use: pool, limits, blocks, automations, deployments.

    It is safe to run again. Values that were changed by hand on the server are kept (paused schedules, parameters,
    limits), and every change and every kept value is printed. Put your own values into deployments.toml
    (docs/operating.md). Flow runs start in the folder of prefect.yaml: the working folder, or else the checkout that
    the program is installed from.
    """
    from flows._prefect.quiet import quiet_prefect

    quiet_prefect()
    from flows._prefect.setup import SetUp, declarations_folder, read_declared

    lines: list[str] = []
    settings = settings_of(**options)
    rate = settings.rate if rate is None else rate
    declared = read_declared(declarations_folder(Path.cwd()))
    report_line = show_answer if dry_run else show

    def report(line: str) -> None:
        lines.append(line)
        if not as_json:
            report_line(line)

    SetUp(settings, declared, report, rate, in_flight, dry_run).run()
    if as_json:
        show_json({"done": [] if dry_run else lines, "changes": lines, "dry_run": dry_run})
    elif not lines:
        report_line("Everything on the Prefect server is as declared.")
