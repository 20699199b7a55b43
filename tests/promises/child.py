"""`avatar-tasks …` in a process of its own that is forked from one with everything imported: a start in milliseconds.

What a test wants to go wrong in it, it sets up here, before the command begins: the code under test has no hooks.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.forked import nursery, redirected, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from multiprocessing.sharedctypes import Synchronized
    from pathlib import Path

    #: Called in the child before the command begins; it has to be picklable.
    SetUp = Callable[[], object]

_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Command:
    """A command line, the environment it sees, and what is set up before it begins."""

    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    set_up: tuple[SetUp, ...] = ()

    def start(self) -> BaseProcess:
        """The running process."""
        return start(_run, self)

    def run(self) -> int:
        """Wait until it has ended; its exit code, or minus the signal that ended it."""
        process = self.start()
        process.join(_PATIENCE_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            msg = f"{self.arguments} did not end within {_PATIENCE_SECONDS} s: {self.said()}"
            raise AssertionError(msg)
        return process.exitcode

    @property
    def log(self) -> Path:
        return self.folder / "said.txt"

    def said(self) -> str:
        """What it and all before it in this folder said, on stdout and stderr, the last part."""
        return self.log.read_text(encoding="utf-8")[-4000:]


def shared_seconds(value: float) -> Synchronized[float]:
    """A number that such processes share."""
    shared: Synchronized[float] = nursery().Value("d", value)
    return shared


def _run(command: Command) -> None:
    with _output_to(command.log):
        for name in [name for name in os.environ if name.startswith(("AVATAR_TASKS_", "PREFECT_"))]:
            del os.environ[name]
        os.environ.update(command.environment)
        os.chdir(command.folder)
        for set_up in command.set_up:
            set_up()
        from avatar_tasks.cli import main  # noqa: PLC0415 - so that the tests that import this module stay light

        main(list(command.arguments))


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    sys.stdout, sys.stderr = redirected(1, log), redirected(2, log)
    warnings.simplefilter("default")
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
