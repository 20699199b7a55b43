"""`demo` and `simulate`: try it all on a simulated gateway."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avatar_tasks.commands.options import JSON, Place, examples, with_options
from avatar_tasks.console import Progress, handle_errors, reporter_to, show, show_json


@click.command(
    short_help="Try everything on a simulated gateway.",
    epilog=examples("demo", "demo --tasks 500 --no-prefect --out trial"),
)
@click.option(
    "--tasks", default=2000, show_default=True, type=click.IntRange(1, 200_000), help="The number of simulated tasks."
)
@click.option(
    "--speed",
    default=20.0,
    show_default=True,
    type=click.FloatRange(1, 1000),
    help="How many times as fast as real time the last hour is simulated.",
)
@click.option(
    "--out", type=Place(path_type=Path), default=Path("demo"), show_default=True, help="The folder to create."
)
@click.option(
    "--prefect/--no-prefect",
    default=True,
    help="Whether to run as a flow on a temporary Prefect server (default), or without Prefect.",
)
@click.option("--report/--no-report", "with_report", default=True, help="Whether to write the report (default).")
@with_options(JSON)
@handle_errors
def demo(tasks: int, speed: float, out: Path, *, prefect: bool, with_report: bool, as_json: bool) -> int:
    """Try everything on a simulated gateway, without any configuration."""
    from avatar_tasks.demo import run_demo

    progress = Progress("fetching")
    try:
        result = run_demo(tasks, out, reporter_to(progress), speed=speed, with_prefect=prefect, with_report=with_report)
    finally:
        progress.stop()
    if as_json:
        show_json(result.as_dict())
    return result.exit_code


@click.command(
    short_help="Run only the simulated gateway, on loopback.",
    epilog=examples("simulate --ids-out ids.txt", "simulate --tasks 500 --faults 0.1 --key a-key"),
)
@click.option(
    "--port", default=8899, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 means any free one."
)
@click.option(
    "--tasks", default=2000, show_default=True, type=click.IntRange(0, 2_000_000), help="The number of simulated tasks."
)
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same tasks.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="How many times as fast as real time the last tasks run.",
)
@click.option("--key", metavar="K", help="The key that it accepts; by default any.")
@click.option(
    "--account",
    metavar="TOKEN",
    help="Also serve the list of tasks (with this access token), requests for many ids, and the status.",
)
@click.option(
    "--task-path",
    default="/avatar/task/{id}",
    show_default=True,
    metavar="PATH",
    help="The path of single tasks; at /v1/videos/{id} they are OpenAI-style video objects.",
)
@click.option("--callbacks", metavar="URL", help="The URL to post to when a task has ended, like notify_hook.")
@click.option(
    "--faults", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="The share of requests that fail."
)
@click.option(
    "--ids-out", type=Place(path_type=Path), metavar="FILE", help="The file to write the ids to, one per line."
)
@handle_errors
def simulate(**options: Any) -> None:
    """Run only the simulated gateway, on loopback, until Ctrl-C."""
    from avatar_tasks.simulate import simulate as run_simulation

    run_simulation(**options, notify=show)
