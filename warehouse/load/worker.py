"""A child process that makes frames of lots for a load, and the class that the load uses to talk to it.

It ends with its load, even if that is killed, because its standard input is then closed. It has its own process group,
so that Ctrl-C reaches the load only.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, Final

from warehouse.environment import PREFIX, SECRETS
from warehouse.load.lots import Kept, Lot, keep
from warehouse.machine import be_frugal_if_short

if TYPE_CHECKING:
    from pathlib import Path

#: With -P, so that modules are not imported from the working folder.
_COMMAND: Final = (sys.executable, "-P", "-m", "warehouse.load.worker")


class Worker:
    """Such a child process, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        self._is_over = False

    def keep(self, lot: Lot, folder: Path) -> Kept:
        """Run `lots.keep` in that process.

        Raises:
            OSError: when the process cannot be started, has ended, or `lots.keep` fails.
        """
        process = self.start()
        requests, replies = process.stdin, process.stdout
        assert requests is not None and replies is not None  # noqa: S101, PT018 - `start` requests pipes
        try:
            pickle.dump((lot, folder), requests)
            requests.flush()
            reply = pickle.load(replies)  # noqa: S301 - from our own process
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise ChildProcessError("a process that reads answers for the load has ended") from error
        if not isinstance(reply, Kept):
            raise ChildProcessError(reply)
        return reply

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process, unless it has been started; after it has ended, it is not started again.

        Raises:
            OSError: when it cannot be started, or `end` was called.
        """
        with self._lock:
            if self._is_over:
                raise ChildProcessError("the load is over")
            if self._process is None:
                inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(SECRETS)}
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    _COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=inherited | {"POLARS_MAX_THREADS": "1"},
                    process_group=0,
                )
            return self._process

    def end(self) -> None:
        """Kill the process; it is not started again."""
        with self._lock:
            self._is_over = True
            if self._process is not None:
                self._process.kill()
                with contextlib.suppress(BrokenPipeError), self._process:  # closes its pipes
                    pass


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Make the frames of one lot after another, until there are no more requests."""
    while True:
        try:
            lot, folder = pickle.load(requests)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        pickle.dump(_reply(lot, folder), replies)
        replies.flush()


def _reply(lot: Lot, folder: Path) -> Kept | str:
    try:
        return keep(lot, folder)
    except Exception as error:  # noqa: BLE001 - the load repeats it itself, and raises the error
        return f"{type(error).__name__}: {error}"


def main() -> None:
    """Serve the parent process; anything that a library prints to standard output goes to standard error."""
    be_frugal_if_short(os.environ.get(f"{PREFIX}MEMORY", ""))
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
