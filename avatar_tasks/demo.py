"""`demo`: collect a week of tasks from a simulated gateway until all have ended, without any configuration."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import shlex
import shutil
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from avatar_tasks.console import aligned
from avatar_tasks.demo_folder import make_folder
from flows._prefect.dev_server import prefect_server
from gateway.clock import Clock
from pipeline import report_files
from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.headline import headline
from pipeline.settings import Settings
from simulator import SimClock, SimulatedGateway, World, serve

if TYPE_CHECKING:
    from pipeline.collect.summary import Summary
    from pipeline.run import Reporter, Run

#: The demo's clock begins this far behind the real clock and runs faster, so that its last tasks end during the demo.
_LAG_SECONDS: Final = 3600.0
_SEED: Final = 7
_KEY: Final = "demo-key-that-opens-nothing"
_DEADLINE_SECONDS: Final = 600.0

_NEXT: Final = (
    "",
    "Try next:",
    "  {program} status{where}",
    '  {program} sql{where} "from stuck_tasks"',
    "  {program} sql{where} \"select fail_class, count(*) from tasks where status = 'FAILURE' group by all\"",
    "or open {published} read-only with any DuckDB client",
)


def run_demo(
    tasks: int, out: Path, reporter: Reporter, *, speed: float, with_prefect: bool, with_report: bool
) -> Summary:
    """Collect `tasks` simulated tasks into `out` until every one has ended, and report the result.

    The last hour of the simulated week passes `speed` times as fast as real time.

    Raises:
        UnusableInputError: when `out` contains something that no demo created; nothing is changed then.
    """
    run_id = uuid.uuid4().hex[:12]
    make_folder(out, run_id, datetime.now(UTC))
    with contextlib.ExitStack() as stack:
        if with_prefect:
            reporter.info("starting a Prefect server for the flow takes about ten seconds (collect needs none)")
            stack.enter_context(prefect_server(out.absolute() / "prefect"))
            importlib.import_module("flows.collect")  # takes seconds; the simulated clock starts after it
        clock = SimClock(lag_seconds=_LAG_SECONDS, speed=speed)
        reporter.info(
            f"simulating a week of {tasks:,} tasks; the last ones end during the demo, {speed:.0f} times as fast"
        )
        world = World.recent(seed=_SEED, tasks=tasks, now=clock(), with_causes=True)
        base_url = stack.enter_context(serve(SimulatedGateway(world, key=_KEY, clock=clock)))
        run = _begin(base_url, out, run_id, reporter, _faster(clock, speed))
        summary = _collect(run, _write_ids(world, out), with_prefect=with_prefect)
    _show_results(run, summary)
    if with_report:
        _report(run)
    return summary


def _begin(base_url: str, out: Path, run_id: str, reporter: Reporter, clock: Clock) -> Run:
    # Settings of its own: what is set for real work must not affect a demo, and vice versa.
    settings = Settings.model_construct(
        base_url=base_url, api_key=SecretStr(_KEY), source="demo", data_dir=out, fetch="single"
    )
    return runs.begin(settings, "demo", clock=clock, reporter=reporter, run_id=run_id)


def _faster(simulated: SimClock, speed: float) -> Clock:
    """The clock of a run on simulated time, on which waiting takes less real time."""
    return Clock(now=simulated, sleep=lambda seconds: asyncio.sleep(seconds / speed))


def _collect(run: Run, ids_file: Path, *, with_prefect: bool) -> Summary:
    request = CollectRequest(ids_file=str(ids_file), follow=True, deadline_seconds=_DEADLINE_SECONDS)
    if not with_prefect:
        return asyncio.run(CollectRun(run, request).collect())
    from flows.collect import run_as_flow

    return run_as_flow(run, request)


def _show_results(run: Run, summary: Summary) -> None:
    for line in ["", *summary.as_lines(), "", *aligned(list(headline(run.paths, run.clock.now())))]:
        run.reporter.info(line)
    if summary.problem:
        run.reporter.warn(summary.problem)
    where = f" --data-dir {shlex.quote(str(run.settings.data_dir))}"
    published = run.settings.data_dir / "published" / "current.duckdb"
    for line in _NEXT:
        run.reporter.info(line.format(program=_program(), where=where, published=published))


def _report(run: Run) -> None:
    """Write the report, if the libraries for it are installed."""
    if not report_files.is_installed():
        run.reporter.info("to get a report, run `make setup` in the project's folder, then `avatar-tasks report`")
        return
    target = report_files.place(run.paths, "html")
    report_files.write_report(run.paths, report_files.Filters(), target, "html", run.clock.now())
    run.reporter.info(
        f"and open {run.settings.data_dir / 'reports' / target.name} in a browser: the same in charts and sentences"
    )


def _program() -> str:
    """What to type to run this program: its name if the shell finds it, or else its path from here."""
    if shutil.which("avatar-tasks"):
        return "avatar-tasks"
    installed = Path(sys.executable).parent / "avatar-tasks"
    return os.path.relpath(installed) if installed.exists() else f"{sys.executable} -m avatar_tasks"


def _write_ids(world: World, out: Path) -> Path:
    path = out / "ids.txt"
    path.write_text("".join(f"{task_id}\n" for task_id in world.ids), encoding="utf-8")
    return path
