"""`demo` and `simulate`: try it all on a simulated gateway."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avatar_tasks.commands.options import JSON, Place, examples, with_options
from avatar_tasks.console import Progress, handle_errors, reporter_to, show, show_json


@click.command(
    short_help="Everything at once on a simulated gateway.",
    epilog=examples("demo", "demo --tasks 500 --no-prefect --out trial"),
)
@click.option(
    "--tasks", default=2000, show_default=True, type=click.IntRange(1, 200_000), help="How many tasks to make up."
)
@click.option(
    "--speed", default=20.0, show_default=True, type=click.FloatRange(1, 1000), help="How fast the last tasks end."
)
@click.option("--out", type=Place(path_type=Path), default=Path("demo"), show_default=True, help="Where to put it all.")
@click.option(
    "--prefect/--no-prefect", default=True, help="Run the flow on a Prefect server of its own (default), or plain."
)
@click.option("--report/--no-report", "with_report", default=True, help="Write the report at the end (default).")
@with_options(JSON)
@handle_errors
def demo(tasks: int, speed: float, out: Path, *, prefect: bool, with_report: bool, as_json: bool) -> int:
    """Everything at once on a simulated gateway, with nothing set up."""
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
    short_help="The simulated gateway alone, on loopback.",
    epilog=examples("simulate --ids-out ids.txt", "simulate --tasks 500 --faults 0.1 --key a-key"),
)
@click.option(
    "--port", default=8899, show_default=True, type=click.IntRange(0, 65535), help="On 127.0.0.1; 0 is a free one."
)
@click.option(
    "--tasks", default=2000, show_default=True, type=click.IntRange(0, 2_000_000), help="How many tasks to make up."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same world.")
@click.option(
    "--speed", default=1.0, show_default=True, type=click.FloatRange(min=1), help="How fast its last tasks end."
)
@click.option("--key", metavar="K", help="The key it wants; any if not given.")
@click.option(
    "--account",
    metavar="TOKEN",
    help="Also the list of tasks with this access token, many ids at once, and the status.",
)
@click.option(
    "--task-path",
    default="/avatar/task/{id}",
    show_default=True,
    metavar="PATH",
    help="Where it answers single tasks; /v1/videos/{id} as OpenAI-style video objects.",
)
@click.option("--callbacks", metavar="URL", help="Where to post that a task has ended, as to notify_hook.")
@click.option(
    "--faults", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share of requests that fail."
)
@click.option("--ids-out", type=Place(path_type=Path), metavar="FILE", help="Where to write the ids, one per line.")
@handle_errors
def simulate(**options: Any) -> None:
    """The simulated gateway alone, on loopback, until Ctrl-C."""
    from avatar_tasks.simulate import simulate as run_simulation

    run_simulation(**options, notify=show)
