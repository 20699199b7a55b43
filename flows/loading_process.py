"""Loading beside a run, in a process of its own: in one, Python would let requests and loading only take turns.

It holds nothing. What it has not loaded when it ends, however it ends, is loaded at the end of the run or by the next.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Self, cast

from flows import loading
from flows.run import Run, Voice
from warehouse.archive import Archive
from warehouse.environment import PREFIX

if TYPE_CHECKING:
    from types import TracebackType


class LoadingProcess:
    """A process that loads what is in the archive whenever it is told to; a context manager, which ends it.

    It loads by what the run has in force, and knows no key. What it has to say, the run says. The signals of a terminal
    are not for it; when the run is killed it ends once it has nothing to do.

    Raises:
        OSError: when no process can be started.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        environment = {name: value for name, value in os.environ.items() if name != f"{PREFIX}API_KEY"}
        modules = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # and `-P`: nothing else is taken for one
        command, pipe = [sys.executable, "-P", "-m", __name__], subprocess.PIPE
        self._process = subprocess.Popen(  # noqa: S603 - this very module
            command, stdin=pipe, stdout=pipe, env=environment | modules, process_group=0
        )
        self._words, self._replies = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        settings = run.settings.model_copy(update={"api_key": None})
        self._tell(pickle.dumps((settings, run.command, run.run_id, run.started_at, run.analysis)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Between loads there is nothing to lose, and nothing to wait for."""
        self._process.kill()
        self._process.communicate()

    def load(self) -> int:
        """Load what is in the archive by now; returns the number of segments.

        It is 0 while somebody holds the warehouse or it cannot be written, and once the process has gone: neither is a
        reason to stop asking, and the end of the run tells of the first.
        """
        self._tell(b"\n")
        try:
            segments, warnings = pickle.load(self._replies)  # noqa: S301 - written by `main` below
        except (EOFError, pickle.UnpicklingError):
            how = self._process.wait()
            self._run.warn_once(f"the process that loads meanwhile has ended ({how}): the rest is loaded at the end")
            return 0
        for warning in warnings:
            self._run.warn_once(warning)
        return int(segments)

    def _tell(self, words: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # `load` finds out
            self._words.write(words)
            self._words.flush()


def main() -> None:
    """The process: told by its stdin, it replies by its stdout."""
    told, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library may print
    run, warnings = _run_told_of(told)
    while told.readline():
        pickle.dump((_load(run), warnings), replies)
        replies.flush()


def _run_told_of(told: IO[bytes]) -> tuple[Run, list[str]]:
    """The run this process loads for, and what it has said so far."""
    settings, command, run_id, started_at, analysis = pickle.load(told)  # noqa: S301 - written by `LoadingProcess`
    said: list[str] = []
    run = Run(
        settings=settings,
        command=command,
        run_id=run_id,
        started_at=started_at,
        store=Archive(settings.paths.archive),
        analysis=analysis,
        segment_ids=iter(()),
        voice=Voice(warn=said.append),
    )
    return run, said


def _load(run: Run) -> int:
    with contextlib.suppress(*loading.CANNOT_LOAD), loading.writer(run, 0) as writer, writer.open() as con:
        return writer.load_waiting(con).segments
    return 0


if __name__ == "__main__":
    main()
