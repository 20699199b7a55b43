"""A process with the command line imported. A command that is started as its fork spares the half second of imports.

For tests that start a process because of its streams, its signals or the shell around it. A fork has all that from
`tests.relay`, the quick program that is started in its place. What it does not have are limits (`ulimit`), and SIGKILL
does not reach it. Tests of how Python itself starts and ends use `COMMAND`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parent.parent
_STREAMS: Final = (("stdin", "r", "strict"), ("stdout", "w", "strict"), ("stderr", "w", "backslashreplace"))
_PATIENCE_SECONDS: Final = 120.0


@contextlib.contextmanager
def preloaded(environment: Mapping[str, str] | None = None, *, prefect: bool = False) -> Iterator[list[str]]:
    """Such a process, until the block ends. Yields what starts a fork, as `avatar-tasks` or, before `-c`, as Python."""
    with tempfile.TemporaryDirectory(prefix="calls-", dir="/tmp") as folder:  # a socket's path has to be short
        address = Path(folder, "calls")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.preloaded", str(address), "prefect" if prefect else ""],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(address, process)
            yield [sys.executable, "-I", "-S", str(ROOT / "tests" / "relay.py"), str(address)]
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _wait_for(address: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not address.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _serve(address: str) -> NoReturn:
    """Fork a process for each call."""
    listener = socket.socket(socket.AF_UNIX)
    unfinished = f"{address}.new"
    listener.bind(unfinished)
    listener.listen(64)
    Path(unfinished).rename(address)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(connection)
        connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(connection: socket.socket) -> NoReturn:
    """Run a call in a process of its own; send its number, and how it ended."""
    _, [here, *streams], _, _ = socket.recv_fds(connection, 1, 4)
    with connection.makefile("rb") as lines:
        call = json.loads(lines.readline())
    if (child := os.fork()) == 0:
        connection.close()
        _begin(call, here, dict(zip(call["streams"], streams, strict=True)))
        _end(_exit_code_of(call["arguments"]))
    for descriptor in (here, *streams):
        os.close(descriptor)
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _begin(call: dict[str, Any], here: int, streams: dict[int, int]) -> None:
    """Make this process the one of the call."""
    os.environ.clear()
    os.environ.update(call["environment"])
    time.tzset()
    os.umask(call["umask"])
    os.fchdir(here)
    os.close(here)
    _open_streams(streams)
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context  # noqa: PLC0415 - only where it is imported already

        refresh_global_settings_context()


def _exit_code_of(arguments: list[str]) -> int:
    try:
        _run(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else bool(ended.code)
    except BaseException:  # noqa: BLE001 - as Python does at its top
        traceback.print_exc()
        return 1
    return 0


def _run(arguments: list[str]) -> None:
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})  # noqa: S102 - what a test wrote
    else:
        from avatar_tasks.cli import main  # noqa: PLC0415 - imported already, and tests that import this module stay light

        sys.argv = ["avatar-tasks", *arguments]
        main()


def _end(code: int) -> NoReturn:
    """End as Python does, with 120 where the last output is lost, but for libraries, whose threads a fork has not."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        code = 120
    os._exit(code)


def _open_streams(streams: dict[int, int]) -> None:
    """Give this process these descriptors, by number, and open Python's streams on them as it does when it starts."""
    for number, (name, mode, errors) in enumerate(_STREAMS):
        if number in streams:
            os.dup2(streams[number], number)
            os.close(streams[number])
        else:
            os.close(number)
        stream = _open_stream(number, mode, errors) if number in streams else None
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _open_stream(number: int, mode: str, errors: str) -> IO[str]:
    buffering = 1 if number == 2 else -1
    return open(number, mode, buffering, encoding="utf-8", errors=errors, closefd=False)  # for the rest of the process


def _import(*, prefect: bool) -> None:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # as in COMMAND
    from tests.forked import PRELOADED  # noqa: PLC0415 - needed in this process alone

    own = [name for name in PRELOADED if not name.startswith("tests.") and name != "pandas"] + ["avatar_tasks.sql"]
    of_flows = ["flows._prefect.check", "flows._prefect.setup", "flows.collect", "flows.maintain", "flows.report"]
    for name in own + of_flows * prefect:
        importlib.import_module(name)
    gc.freeze()


if __name__ == "__main__":
    _import(prefect=bool(sys.argv[2]))
    _serve(sys.argv[1])
