"""The notebook on a million tasks: from a click on a value to its tasks beside all others.

Measured is what a click runs, in a process that is warm after the first load: the report on the tasks with the value,
and the panels of both groups. The browser and marimo's messages are not included.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from benchmarks.harness import Outcome, Row, at_most
from benchmarks.report import NOW, fill
from reports.cohort import Cohort
from reports.page import fragment
from reports.render import report_on
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.report import Report

_TASKS: Final = 1_000_000
_SECONDS: Final = 3.0


def run(rounds: int, scale: float) -> Iterator[Row]:
    """One value each of a column of the task, of its time, and of its payload."""
    with tempfile.TemporaryDirectory() as name:
        paths = DataPaths(Path(name))
        fill(paths, int(_TASKS * scale))
        whole = report_on(paths, Cohort(), NOW)
        drivers = next(one.data for one in whole.figures if one.key == "drivers")
        for dimension in ("action", "hour", "template_id"):
            value = drivers.filter(pl.col("dimension") == dimension)["value"][0]
            yield _clicked(paths, whole, (dimension, value), rounds)


def _clicked(paths: DataPaths, whole: Report, value: tuple[str, str | None], rounds: int) -> Row:
    outcomes = [_click(paths, whole, value) for _ in range(rounds)]
    seconds = statistics.median(one.seconds for one in outcomes)
    what = f"notebook, {whole.facts['tasks']:,} tasks: from a click on a value of {value[0]} to both panels"
    detail = (
        f"{outcomes[-1].rows:,} tasks have it; {statistics.median(one.cpu_seconds for one in outcomes):.2f} s of CPU"
    )
    return Row(what, seconds, "s", at_most(_SECONDS), detail)


def _click(paths: DataPaths, whole: Report, value: tuple[str, str | None]) -> Outcome:
    started, computed = time.perf_counter(), time.process_time()
    its = report_on(paths, Cohort(values=(value,)), whole.generated_at)
    for one in (its, whole):
        fragment(one, is_dark=False)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - computed
    return Outcome(seconds, its.facts["tasks"], cpu_seconds=cpu_seconds)
