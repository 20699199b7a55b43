"""Rebuilding with two processes beside one, beside bare DuckDB on both cores, and how its time grows."""

from __future__ import annotations

import math
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import OURS, Outcome, Row, at_least, at_most, compete, run_process
from benchmarks.inputs.bodies import END, answers, fill_archive
from benchmarks.rebuilding import RUN, bare, sizes, write_lines
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.harness import Contest

_ANSWERS: Final = 200_000
_TIMES: Final = (1, 5, 25)


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Two processes compared with one and with bare DuckDB, in the same rounds; then three sizes, each once a round."""
    count = int(_ANSWERS * scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fill(folder / "1", count)
        shutil.copytree(folder / "1", folder / "other")
        write_lines(folder / "lines", answers(count, RUN, END))
        yield from _beside(folder, count, rounds)
        for times in _TIMES[1:]:
            _fill(folder / str(times), count * times)
        yield _growth(folder, count, rounds)


def rebuild(data: Path, processes: int | None = None) -> Outcome:
    """`avatar-tasks rebuild` of a data folder, by default in one process per core."""
    setting = {"AVATAR_TASKS_LOAD_PROCESSES": str(processes)} if processes else {}
    arguments = [OURS, "rebuild", "--data-dir", "."]
    return run_process(arguments, lambda: sizes(data / "warehouse.duckdb"), data, **setting)


def _at_once(folders: Sequence[Path]) -> Outcome:
    """Rebuild all folders at the same time, one process each: the seconds until all are done."""
    with ThreadPoolExecutor(len(folders)) as threads:
        done = list(threads.map(partial(rebuild, processes=1), folders))
    [rows] = {repr(one.rows): one.rows for one in done}.values()
    return Outcome(max(one.seconds for one in done), rows)


def _beside(folder: Path, count: int, rounds: int) -> Iterator[Row]:
    contest = compete(
        {
            "two": partial(rebuild, folder / "1", 2),
            "one": partial(rebuild, folder / "1", 1),
            "two at once": partial(_at_once, [folder / "1", folder / "other"]),
            "bare duckdb": lambda: bare(folder / "lines", "duckdb_three_tables", sizes),
        },
        rounds,
    )
    times = 2 * contest.times("one", "two at once")
    detail = "what two processes that share nothing get done on this machine, and so the most that two can be faster"
    yield Row("two rebuilds at once, in one process each", times, "times as many answers as one", None, detail)
    rates = {one: f"{one} {count / contest.seconds(one):,.0f} answers/s" for one in contest.rounds[0]}
    times = contest.times("one", "two")
    detail = f"{rates['two']} ({_cpu(contest, 'two')}), {rates['one']} ({_cpu(contest, 'one')})"
    yield Row("rebuilding with two processes", times, "times as fast as with one", at_least(1.7), detail)
    times = contest.times("bare duckdb", "two")
    detail = f"{rates['two']}, {rates['bare duckdb']} ({_cpu(contest, 'bare duckdb')})"
    what = "rebuilding on both cores, beside bare DuckDB making three tables"
    yield Row(what, times, "times as fast", at_least(0.6), detail)


def _cpu(contest: Contest, name: str) -> str:
    return f"{contest.cpu_seconds(name):.1f} s of CPU, {contest.peak_mb(name):,.0f} MB"


def _growth(folder: Path, count: int, rounds: int) -> Row:
    """The exponent between the smallest and the largest archive: 1 if time is proportional to the archive's size."""
    seconds = [
        min(rebuild(folder / str(times)).seconds for _ in range(rounds if times == 1 else 1)) for times in _TIMES
    ]
    exponent = math.log(seconds[-1] / seconds[0]) / math.log(_TIMES[-1] / _TIMES[0])
    detail = ", ".join(f"{count * times:,} in {one:,.1f} s" for times, one in zip(_TIMES, seconds, strict=True))
    return Row("how the time of a rebuild grows", exponent, "as an exponent", at_most(1.05), detail)


def _fill(data: Path, count: int) -> None:
    fill_archive(Archive(LocalFolder(DataPaths(data).archive)), count, first_observed=END)
