"""How time grows: rebuild, load, publish and report at three sizes, each five times the one before, with the exponent.

An exponent of 1 means that time is proportional to size. It is the slope of the least-squares line through the
logarithms of the medians; sizes alternate, so that a busy minute affects all of them. Seconds are CPU seconds, which
depend less on what else the machine does.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import report
from benchmarks.harness import OURS, Row, at_most, run_process
from benchmarks.inputs.bodies import fill_archive
from reports.cohort import Cohort
from reports.render import report_on, write_html
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.database.publish import publish_closed
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_FACTORS: Final = (1, 5, 25)
#: The smallest sizes: answers in the archive, tasks in the warehouse.
_ANSWERS: Final = 20_000
_TASKS: Final = 200_000
_MOST: Final = 1.05

#: The measured points, for the chart.
POINTS: Final = Path(__file__).parent / "results" / "scaling-points.json"


@dataclass(frozen=True, slots=True)
class Line:
    """One operation at all sizes.

    Attributes:
        what: what was measured.
        unit: what the sizes count.
        sizes: the sizes, ascending.
        seconds: the median CPU seconds at each size.
    """

    what: str
    unit: str
    sizes: Sequence[int]
    seconds: Sequence[float]

    @property
    def exponent(self) -> float:
        """The slope of the logarithm of the seconds over that of the size."""
        return statistics.linear_regression([*map(math.log, self.sizes)], [*map(math.log, self.seconds)]).slope


def run(rounds: int, scale: float) -> Iterator[Row]:
    """One row for each operation; at full size the points are saved for the chart."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as name:
        for line in _lines(Path(name), rounds, scale):
            lines.append(line)
            points = [
                f"{size:,} {line.unit} {took:,.2f} s" for size, took in zip(line.sizes, line.seconds, strict=True)
            ]
            yield Row(f"how {line.what} grows", line.exponent, "exponent", at_most(_MOST), ", ".join(points))
    if scale == 1:
        POINTS.write_text(json.dumps([asdict(line) for line in lines], indent=2) + "\n", encoding="utf-8")


def _lines(folder: Path, rounds: int, scale: float) -> Iterator[Line]:
    answers = [int(factor * _ANSWERS * scale) for factor in _FACTORS]
    for count in answers:
        fill_archive(Archive(LocalFolder(DataPaths(folder / f"answers-{count}").archive)), count)
    for what in ("load", "rebuild"):
        yield _line(what, "answers", answers, rounds, lambda count, what=what: _command(folder, count, what))
    tasks = [int(factor * _TASKS * scale) for factor in _FACTORS]
    paths = {count: DataPaths(folder / f"tasks-{count}") for count in tasks}
    for count, place in paths.items():
        place.root.mkdir()
        report.fill(place, count)
    yield _line("publish", "tasks", tasks, rounds, lambda count: _seconds(lambda: publish_closed(paths[count])))
    yield _line("report", "tasks", tasks, rounds, lambda count: _seconds(lambda: _report(paths[count])))


def _line(what: str, unit: str, sizes: Sequence[int], rounds: int, once: Callable[[int], float]) -> Line:
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(rounds):
        for size in sizes if number % 2 == 0 else reversed(sizes):
            taken[size].append(once(size))
    return Line(what, unit, sizes, [statistics.median(taken[size]) for size in sizes])


def _command(folder: Path, count: int, what: str) -> float:
    """`load` into a new warehouse, or `rebuild` of the existing one: CPU seconds."""
    data = folder / f"answers-{count}"
    if what == "load":
        for path in (*data.glob("warehouse.duckdb*"), *data.glob("published/*")):
            path.unlink()
    return run_process([OURS, what, "--data-dir", "."], lambda: None, data).cpu_seconds


def _report(paths: DataPaths) -> None:
    write_html(report_on(paths, Cohort(), report.NOW), paths.reports / "report.html")


def _seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began
