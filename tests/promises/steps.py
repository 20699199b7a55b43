"""Every step of archive, load, publish, compact and rebuild: each line of these modules that runs.

A survey lists the lines that a command comes by; a trap kills the process as it comes to one of them. Lines are found
by running, not named by hand, so that a step that is added tomorrow is one too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from types import FrameType

    Trace = Callable[[FrameType, str, Any], Any]

ROOT = Path(__file__).parents[2]

#: What only reads or only defines has no step at which a kill could harm.
PASSED_OVER = {"schema", "analysis", "dictionary", "errors", "paths", "policy", "__init__"}

WATCHED = {
    str(path): str(path.relative_to(ROOT))
    for path in (
        *(ROOT / "warehouse").rglob("*.py"),
        *(ROOT / "pipeline/discovery").glob("*.py"),
        *(ROOT / "pipeline/collect/bulk").glob("*.py"),
        *(ROOT / "pipeline" / name for name in ("collect/batches.py", "collect/accept.py", "load.py")),
    )
    if path.stem not in PASSED_OVER
}

#: "warehouse/load/loader.py:120 _load_answers"
Step = str


@dataclass(frozen=True)
class Survey:
    """Writes to `path` how often each step was come by, in the order of the first time."""

    path: Path

    def __call__(self) -> None:
        seen: Counter[tuple[str, int, str]] = Counter()

        def note(frame: FrameType) -> None:
            seen[frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name] += 1

        _watch(WATCHED, note)
        import multiprocessing.util  # noqa: PLC0415

        multiprocessing.util.Finalize(None, self._write, args=(seen,), exitpriority=1)

    def _write(self, seen: Counter[tuple[str, int, str]]) -> None:
        steps = {f"{WATCHED[file]}:{line} {function}": times for (file, line, function), times in seen.items()}
        self.path.write_text(json.dumps(steps), encoding="utf-8")


@dataclass(frozen=True)
class Trap:
    """Kills the process, as kill -9 does, when it comes to `step` for the `time`th time."""

    step: Step
    time: int = 1

    def __call__(self) -> None:
        place, function = self.step.split(" ")
        file, _, line = place.rpartition(":")
        left, number = self.time, int(line)

        def spring(frame: FrameType) -> None:
            nonlocal left
            left -= frame.f_lineno == number and frame.f_code.co_name == function
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        _watch({str(ROOT / file)}, spring)


def read_survey(path: Path) -> dict[Step, int]:
    found: dict[Step, int] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _watch(files: Container[str], see: Callable[[FrameType], object]) -> None:
    """Call `see` before each line of these modules, in every thread that starts from here on."""

    def enter(frame: FrameType, _event: str, _argument: object) -> Trace | None:
        return line if frame.f_code.co_filename in files else None

    def line(frame: FrameType, event: str, _argument: object) -> Trace:
        if event == "line":
            see(frame)
        return line

    threading.settrace(enter)
    sys.settrace(enter)
