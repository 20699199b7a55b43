"""Start: `avatar-tasks --help`, and `avatar-tasks sql` on a published demo."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import OURS, Contest, Outcome, Row, at_most, compete, run_process

if TYPE_CHECKING:
    from collections.abc import Iterator

_TASKS: Final = 2000
_PROBES: Final = 5


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Seconds, compared with those of Python alone and of importing DuckDB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = ("demo", "--no-prefect", "--tasks", str(int(_TASKS * scale)))
        run_process([OURS, *demo], lambda: None, folder)
        commands = {
            "help": [OURS, "--help"],
            "sql": [OURS, "sql", "--data-dir", "demo", "select status, count(*) from tasks group by all"],
            "Python alone": [sys.executable, "-c", "pass"],
            "import duckdb": [sys.executable, "-c", "import duckdb"],
        }
        contest = compete(
            {what: partial(_run, folder, command) for what, command in commands.items()}, rounds * _PROBES
        )
    yield Row(
        "`avatar-tasks --help`", contest.seconds("help"), "s", at_most(0.5), _beside(contest, "help", "Python alone")
    )
    beside = _beside(contest, "sql", "import duckdb")
    yield Row("`avatar-tasks sql` on the demo", contest.seconds("sql"), "s", at_most(1), beside)


def _beside(contest: Contest, name: str, other: str) -> str:
    cpu = f"{contest.cpu_seconds(name):.2f} s of CPU"
    return f"{cpu}; {other}: {contest.seconds(other):.2f} s, {contest.cpu_seconds(other):.2f} s of CPU"


def _run(folder: Path, command: list[str]) -> Outcome:
    return run_process(command, lambda: None, folder)
