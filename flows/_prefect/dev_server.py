"""A temporary Prefect server for a demo, with its output in a file."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Final

from pipeline.errors import AvatarTasksError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 10.0

#: Little output, and no telemetry.
ENVIRONMENT: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "DO_NOT_TRACK": "1",
}


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """A server that stores everything below `home`; yields its API's URL. Prefect in this process uses it.

    Has to be entered before `prefect` is imported.

    Raises:
        AvatarTasksError: when it ends, or does not answer in two minutes.
    """
    with server_process(home) as settings:
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield settings["PREFECT_API_URL"]
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def server_process(home: Path) -> Iterator[dict[str, str]]:
    """Like `prefect_server`, but for other processes: yields the environment with which they use it.

    Raises:
        AvatarTasksError: when it ends, or does not answer in two minutes.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    settings = ENVIRONMENT | {"PREFECT_HOME": str(home), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    with (home / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | settings,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, settings["PREFECT_API_URL"], home / "server.log")
            yield settings
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], api_url: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{api_url}/health", timeout=5):  # noqa: S310
            return
        time.sleep(0.2)
    msg = f"Prefect's server did not start; {log} says why. Without it: --no-prefect"
    raise AvatarTasksError(msg)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
