"""The cost of a report: `avatar-tasks report` at three sizes, `serve`, the notebook; or one size, step by step.

    python -m benchmarks report                                  # with bars, saved
    python -m benchmarks.report [--tasks 1000000] [--keep DIR]   # one size

Two months of tasks of three actions and fifty templates, straight into the tables: one in fifteen fails, for two dozen
reasons; those of the last minutes are in flight, and a few older ones are stuck. Ends with 1 when the page is 5 MB or
more. Most of the time is spent in the views, see benchmarks/views.py.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import polars as pl

from benchmarks.harness import OURS, Outcome, Row, at_most, run_process
from reports.cohort import Cohort
from reports.page import fragment
from reports.render import report_on, write_html
from warehouse.database.publish import publish
from warehouse.database.writer import open_writer
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reports.report import Report

T = TypeVar("T")
MOST_BYTES: Final = 5_000_000
NOW: Final = datetime(2026, 3, 2, tzinfo=UTC)

#: Tasks, and the seconds that the command may take.
SIZES: Final = ((2_000, 3), (1_000_000, 6), (5_000_000, 20))
SERVED: Final = 1_000_000
_CLICK_SECONDS: Final = 3.0

FILL: Final = """
    insert into tasks by name
    with drawn as (
        select
            range as number,
            epoch('2026-01-01'::timestamptz) + range * (60 * 86400.0 / $tasks) as submitted,
            random() as fate,
            5 + 20 * random() as queue,
            exp(2.5 + random() + random() + random() + random()) as run,
        from range($tasks)
    ),

    lived as (
        select
            *,
            fate < 1.0 / 15 as has_failed,
            round(queue + run * if(has_failed, 0.5, 1), 3) as took,
            submitted + took < epoch($now) and number % (1 + $tasks // 500) <> 7 as is_terminal,
        from drawn
    )

    select
        if(number % 5 = 0, 'second', 'default') as source,
        md5(number::varchar) as task_id,
        ['avatar-generate', 'avatar-lipsync', 'avatar-image'][1 + number % 3] as action,
        case when not is_terminal then 'IN_PROGRESS' when has_failed then 'FAILURE' else 'SUCCESS' end as status,
        is_terminal,
        case when is_terminal and has_failed then 'gpu worker lost, code ' || (100 + number % 24)
            || ['', ' 服务繁忙', ' while rendering'][1 + number % 3] end as fail_reason,
        case when is_terminal and has_failed then ['provider', 'gateway', 'input'][1 + number % 3] end as fail_class,
        to_timestamp(submitted) as submit_time,
        to_timestamp(submitted + queue) as start_time,
        if(is_terminal, to_timestamp(submitted + took), null) as finish_time,
        queue as queue_seconds,
        if(is_terminal, took - queue, null) as run_seconds,
        if(is_terminal, took, null) as latency_seconds,
        if(is_terminal, took + 40 + 60 * fate, null) as provider_latency_seconds,
        'task_envelope' as shape,
        to_timestamp(submitted) as first_observed_at,
        if(is_terminal, to_timestamp(submitted + took), $now) as last_observed_at,
        if(is_terminal, to_timestamp(submitted + took), null) as first_terminal_at,
        [] as quality_flags,
    from lived;

    insert into works by name
    select
        source,
        task_id,
        submit_time as create_time,
        substr(md5((hash(task_id) % 50)::varchar), 1, 24) as template_id,
        'Template ' || hash(task_id) % 50 as music_title,
    from tasks;

    insert into observations by name
    select
        source,
        task_id,
        last_observed_at as observed_at,
        if(hash(task_id) % 200 = 0, 'server_error', 'task') as outcome,
        status,
        20 + hash(task_id) % 300 as elapsed_ms,
        1 as attempts,
        0 as refusals,
    from tasks;

    insert into objectives values ('within-two-minutes', null, null, 120, 0.95);
"""


def run(rounds: int, scale: float) -> Iterator[Row]:
    """The command, from its start to its end, a page that was served before, and clicks in the notebook."""
    with tempfile.TemporaryDirectory() as name:
        folders = {tasks: Path(name) / str(tasks) for tasks, _ in SIZES}
        for tasks, folder in folders.items():
            fill(DataPaths(folder), int(tasks * scale))
        for tasks, bar in SIZES:
            yield _reported(folders[tasks], int(tasks * scale), bar, rounds)
        yield _served(folders[SERVED], int(SERVED * scale), rounds)
        yield from _notebook(folders[SERVED], rounds)


def _reported(folder: Path, tasks: int, bar: float, rounds: int) -> Row:
    page = folder / "page.html"
    arguments = [OURS, "report", "--data-dir", ".", "--out", page.name]
    outcomes = [run_process(arguments, lambda: None, folder) for _ in range(rounds)]
    cpu, peak = (median(getattr(one, name) for one in outcomes) for name in ("cpu_seconds", "peak_mb"))
    detail = f"{cpu:.1f} s of CPU, {peak:,.0f} MB; the page {page.stat().st_size / 1e6:.1f} MB"
    return Row(f"a report on {tasks:,} tasks", median(one.seconds for one in outcomes), "s", at_most(bar), detail)


def _served(folder: Path, tasks: int, rounds: int) -> Row:
    """The first page is rendered; those after it are of the same published copy."""
    with _serving(folder) as url, httpx.Client(base_url=url, timeout=120) as client:

        def seconds() -> float:
            began = time.perf_counter()
            client.get("/").raise_for_status()
            return time.perf_counter() - began

        first, *again = (seconds() for _ in range(rounds + 1))
    what = f"the page of `serve` for {tasks:,} tasks, once rendered"
    return Row(what, median(again), "s", at_most(1), f"the first one {first:.1f} s")


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    arguments = [OURS, "serve", "--port", "0", "--data-dir", "."]
    with subprocess.Popen(arguments, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield next(word for line in process.stderr for word in line.split() if word.startswith("http"))
        finally:
            process.terminate()


def _notebook(folder: Path, rounds: int) -> Iterator[Row]:
    """From a click on a value to its tasks beside all others: a value each of the task, of its time and of its payload.

    What the click runs, in the process that the first load left warm: the report on the tasks with the value, and the
    panels of both. The browser and marimo's messages are not in it.
    """
    paths = DataPaths(folder)
    whole = report_on(paths, Cohort(), NOW)
    drivers = next(one.data for one in whole.figures if one.key == "drivers")
    for dimension in ("action", "hour", "template_id"):
        value = drivers.filter(pl.col("dimension") == dimension)["value"][0]
        yield _clicked(paths, whole, (dimension, value), rounds)


def _clicked(paths: DataPaths, whole: Report, value: tuple[str, str | None], rounds: int) -> Row:
    outcomes = [_click(paths, whole, value) for _ in range(rounds)]
    seconds = median(one.seconds for one in outcomes)
    what = f"notebook, {whole.facts['tasks']:,} tasks: from a click on a value of {value[0]} to both panels"
    detail = f"{outcomes[-1].rows:,} tasks have it; {median(one.cpu_seconds for one in outcomes):.2f} s of CPU"
    return Row(what, seconds, "s", at_most(_CLICK_SECONDS), detail)


def _click(paths: DataPaths, whole: Report, value: tuple[str, str | None]) -> Outcome:
    started, computed = time.perf_counter(), time.process_time()
    its = report_on(paths, Cohort(values=(value,)), whole.generated_at)
    for one in (its, whole):
        fragment(one, is_dark=False)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - computed
    return Outcome(seconds, its.facts["tasks"], cpu_seconds=cpu_seconds)


def main() -> None:
    """Print one line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="where to leave it all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(measure(options.keep or Path(scratch), options.tasks))


def measure(root: Path, tasks: int) -> int:
    paths = DataPaths(root.absolute())
    if not paths.published.exists():
        timed(f"fill {tasks:,} tasks", lambda: fill(paths, tasks))
    report = timed("read the figures", lambda: report_on(paths, Cohort(), NOW))
    out = timed("write the page", lambda: write_html(report, paths.reports / "report.html"))
    size = out.stat().st_size
    print(f"{'page':<24}{size / 1e6:8.2f} MB")
    return int(size >= MOST_BYTES)


def fill(paths: DataPaths, tasks: int) -> None:
    paths.root.mkdir(parents=True, exist_ok=True)
    with open_writer(paths.warehouse, 5) as con:
        con.execute("select setseed(0.5)")
        for statement in FILL.split(";\n"):
            if statement.strip():
                named = {"tasks": tasks, "now": NOW}
                con.execute(statement, {name: value for name, value in named.items() if f"${name}" in statement})
    publish(paths, 5)


def timed(what: str, do: Callable[[], T]) -> T:
    started = time.perf_counter()
    done = do()
    print(f"{what:<24}{time.perf_counter() - started:8.1f} s", flush=True)
    return done


if __name__ == "__main__":
    main()
