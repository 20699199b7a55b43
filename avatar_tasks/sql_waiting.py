"""While a query runs: show how long it has taken, and stop it after `--timeout`."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import duckdb

from pipeline.errors import UnusableInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SILENT_SECONDS: Final = 2.0
_REDRAW_SECONDS: Final = 0.2
_SIGNS: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CLEAR: Final = "\r\x1b[K"


@contextlib.contextmanager
def spinner() -> Iterator[Callable[[], None]]:
    """Show the seconds that have passed, on a terminal only. Yields a function to call at the first result."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    done = threading.Event()
    drawing = threading.Thread(target=_draw, args=(done,), daemon=True)
    drawing.start()

    def stop() -> None:
        done.set()
        drawing.join()

    try:
        yield stop
    finally:
        stop()


def _draw(done: threading.Event) -> None:
    began = time.monotonic()
    if done.wait(_SILENT_SECONDS):
        return
    for sign in itertools.cycle(_SIGNS):
        sys.stderr.write(f"{_CLEAR}{sign} {time.monotonic() - began:.0f} s")
        sys.stderr.flush()
        if done.wait(_REDRAW_SECONDS):
            break
    sys.stderr.write(_CLEAR)
    sys.stderr.flush()


@contextlib.contextmanager
def at_most(seconds: float | None, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Stop what the connection does after `seconds`.

    Raises:
        UnusableInputError: when they have passed.
    """
    if seconds is None:
        yield
        return
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        con.interrupt()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if not is_over.is_set():
            raise
        msg = f"the query took longer than {seconds:g} s and was stopped: allow more with --timeout"
        raise UnusableInputError(msg) from error
    finally:
        timer.cancel()
