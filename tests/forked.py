"""Processes that are forked from one with everything imported: they start in milliseconds, not in half a second.

For tests of what a command does. Tests of how a process begins, of its streams and of signals start a real one.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

#: Imported once in each process that runs tests and forks.
PRELOADED: Final = [
    "tests.forked",
    *(f"tests.promises.{name}" for name in ("child", "clocks", "crowd", "mutations", "power", "steps")),
    *(f"avatar_tasks.{name}" for name in ("cli", "console", "start")),
    *(f"pipeline.{name}" for name in ("settings", "status", "upkeep.maintain", "upkeep.rebuild")),
    "warehouse.database.publish",
    "aiohttp",
    "pandas",  # which DuckDB imports with the first parameter of a query, where it is installed
    "rich.progress",
    "uvloop",
]


def start(target: Callable[..., object], *arguments: object) -> BaseProcess:
    """Any function of a module in a process of its own."""
    process: BaseProcess = nursery().Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def nursery() -> Any:  # noqa: ANN401 - a context of multiprocessing, which has no public type
    """Where such processes come from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@dataclass(frozen=True)
class Call:
    """A command line, and what its process has from the one that starts it."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    out: Path
    err: Path
    umask: int


def run_command(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], logs: Path, patience_seconds: float
) -> tuple[int, str, str]:
    """`avatar-tasks …` in a process of its own: its exit code, stdout and stderr. Its stdin is empty."""
    out, err = logs / "stdout", logs / "stderr"
    umask = os.umask(0o077)
    os.umask(umask)
    process = start(_run, Call(tuple(arguments), folder, environment, out, err, umask))
    process.join(patience_seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        msg = f"avatar-tasks {' '.join(arguments)} did not end within {patience_seconds} s: {err.read_text()}"
        raise AssertionError(msg)
    return process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


def _run(call: Call) -> None:
    os.environ.clear()
    os.environ.update(call.environment)
    time.tzset()
    os.umask(call.umask)
    os.chdir(call.folder)
    sys.argv = ["avatar-tasks", *call.arguments]
    sys.stdin = _open_stdin()
    sys.stdout = redirected(1, call.out)
    sys.stderr = redirected(2, call.err)
    from avatar_tasks.cli import main  # noqa: PLC0415 - imported already, and tests that import this module stay light

    main()


def _open_stdin() -> IO[str]:
    reading, writing = os.pipe()
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    return open(0, encoding="utf-8", closefd=False)  # for the rest of the process


def redirected(descriptor: int, log: Path) -> IO[str]:
    """A stream whose descriptor is that of a file, for the rest of the process."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, descriptor)
    os.close(file)
    return open(descriptor, "w", encoding="utf-8", closefd=False)
