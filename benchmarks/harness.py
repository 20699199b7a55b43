"""Shared by all benchmarks: alternate contenders, check that they did the same work, yield rows with their bars.

A benchmark is a module of this folder with a docstring and

    def run(rounds: int, scale: float) -> Iterator[Row]: ...

`scale` is 1 for the sizes of the bars and smaller for a quick run. `run` passes its contenders to `compete`, as
functions that do the work once and return an `Outcome`, and yields one `Row` for each figure, with its bar. So that no
contender is fast because it does less, `Outcome.rows`, a contender's result, must be the same for all.
"""

from __future__ import annotations

import hashlib
import json
import operator
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_VERSIONED: Final = ("duckdb", "polars", "pyarrow", "httpx", "aiohttp", "uvloop", "pandas", "dlt")

#: Our command in a server's environment: with the peers' packages installed, a collect took a fifth longer, because
#: duckdb and pyarrow import packages that they find; pandas, which tests need, costs 0.4 s.
OURS: Final = str(Path(__file__).parent.parent / ".venv-run" / "bin" / "avatar-tasks")

#: Time between two samples of the memory of a process.
_SAMPLE_SECONDS: Final = 0.2

_COMPARE: Final = {"at least": operator.ge, "at most": operator.le}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The work done once.

    Attributes:
        seconds: how long it took.
        rows: its result, e.g. a checksum of its tables; the same for every contender.
        peak_mb: its peak memory, if that is measured.
        cpu_seconds: its CPU time, if that is measured; it depends less on what else the machine does.
    """

    seconds: float
    rows: object
    peak_mb: float = 0.0
    cpu_seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds:,.2f} s ({self.cpu_seconds:,.2f} s of CPU, {self.peak_mb:,.0f} MB)"


@dataclass(frozen=True, slots=True)
class Bar:
    """The limit that a figure has to meet."""

    side: str
    value: float

    def is_met(self, figure: float) -> bool:
        return bool(_COMPARE[self.side](figure, self.value))

    def __str__(self) -> str:
        return f"{self.side} {self.value:g}"


def at_least(value: float) -> Bar:
    return Bar("at least", value)


def at_most(value: float) -> Bar:
    return Bar("at most", value)


def as_text(figure: float) -> str:
    """A figure with three significant digits, large ones as whole numbers."""
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.3g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One printed figure.

    Attributes:
        what: what was measured.
        figure: the number, in `unit`: a ratio if there is a peer.
        unit: e.g. "times as fast", "times the scan", "s".
        bar: the limit it has to meet; None for a figure that is only information.
        detail: the numbers that it was computed from, as text.
    """

    what: str
    figure: float
    unit: str
    bar: Bar | None = None
    detail: str = ""

    def as_cells(self) -> list[str]:
        met = "" if self.bar is None else ("met" if self.bar.is_met(self.figure) else "not met")
        return [self.what, f"{as_text(self.figure)} {self.unit}", str(self.bar or ""), met, self.detail]

    def as_dict(self) -> dict[str, Any]:
        bar = self.bar and {"side": self.bar.side, "value": self.bar.value, "is_met": self.bar.is_met(self.figure)}
        return {"what": self.what, "figure": self.figure, "unit": self.unit, "bar": bar, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Contest:
    """The contenders' outcomes, round by round."""

    rounds: Sequence[Mapping[str, Outcome]]

    def seconds(self, name: str) -> float:
        return statistics.median(one[name].seconds for one in self.rounds)

    def peak_mb(self, name: str) -> float:
        return statistics.median(one[name].peak_mb for one in self.rounds)

    def cpu_seconds(self, name: str) -> float:
        return statistics.median(one[name].cpu_seconds for one in self.rounds)

    def times(self, name: str, other: str) -> float:
        """Ratio of the seconds of `name` to those of `other`: the median of the ratios of the rounds."""
        return statistics.median(one[name].seconds / one[other].seconds for one in self.rounds)


def compete(contenders: Mapping[str, Callable[[], Outcome]], rounds: int) -> Contest:
    """Run contenders alternately, every other round in reverse order, so that a busy minute affects all of them.

    Raises:
        ValueError: when they did not all have the same result.
    """
    done: list[Mapping[str, Outcome]] = []
    for number in range(rounds):
        names = list(contenders)[:: 1 if number % 2 == 0 else -1]
        outcomes: dict[str, Outcome] = {}
        for name in names:
            outcomes[name] = contenders[name]()
            print(f"  round {number + 1}, {name}: {outcomes[name]}", file=sys.stderr, flush=True)
        _check(outcomes)
        done.append(outcomes)
    return Contest(done)


def _check(outcomes: Mapping[str, Outcome]) -> None:
    if len({repr(one.rows) for one in outcomes.values()}) > 1:
        ended_with = "; ".join(f"{name}: {one.rows!r}" for name, one in outcomes.items())
        raise ValueError(f"the contenders did not end with the same rows: {ended_with}")


def timed(work: Callable[[], object]) -> Outcome:
    """Run `work` in this process; its return value becomes the outcome's rows."""
    started = time.perf_counter()
    rows = work()
    return Outcome(time.perf_counter() - started, rows)


def run_process(
    arguments: Sequence[str], rows: Callable[[], object], folder: Path | None = None, **environment: str
) -> Outcome:
    """Run a process to its end, and measure its seconds, CPU and peak memory; then `rows` reads its result.

    Peak memory includes the processes that it starts: it is that of all together.

    Raises:
        RuntimeError: when the process failed.
    """
    here = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    started = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=folder, env=os.environ | here | environment, stdout=subprocess.DEVNULL)
    with _peak_watched(process.pid) as peak_kb:
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} ended with {process.returncode}")
    # The peak that `usage` reports for a process is at least what this process used when it started it.
    peak = peak_kb() or usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Outcome(seconds, rows(), peak / 1024, usage.ru_utime + usage.ru_stime)


@contextmanager
def _peak_watched(process_id: int) -> Iterator[Callable[[], int]]:
    """Peak memory in KB so far of a process and its children together, if the system (Linux) reports it.

    Each process counts with its peak since the last sample (`VmHWM`, which writing to `clear_refs` resets).
    """
    peak = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(_SAMPLE_SECONDS):
            every = map(_status, Path("/proc").glob("[0-9]*/status"))
            ours = [one for one in every if process_id in {one.get("Pid"), one.get("PPid")}]
            peak = max(peak, sum(one.get("VmHWM", 0) for one in ours))
            for one in ours:
                with suppress(OSError):  # it has ended in the meantime
                    Path(f"/proc/{one['Pid']}/clear_refs").write_text("5", encoding="utf-8")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: peak
    finally:
        over.set()
        watcher.join()


def _status(file: Path) -> dict[str, int]:
    """The numbers in a process's `status`: ids, and sizes in KB."""
    with suppress(OSError):  # it has ended in the meantime
        lines = re.findall(r"^(\w+):\t *(\d+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        return {name: int(value) for name, value in lines}
    return {}


def checksum(rows: object) -> str:
    """A hash of rows (anything that `json` can write, or has a `str`), in 16 hex digits."""
    return hashlib.blake2b(json.dumps(rows, default=str).encode(), digest_size=8).hexdigest()


def machine() -> dict[str, Any]:
    """CPU and memory of this machine, without its name."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"system": platform.system(), "cpu": _cpu(), "cores": cores, "memory_gb": round(memory_gb)}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    """Versions of Python and of the relevant packages that are installed."""
    found = {"python": platform.python_version()}
    for name in _VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
