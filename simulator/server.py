"""Serves the simulated gateway on loopback: in a thread for tests and the demo, or in the foreground."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uvicorn import Config, Server

    from simulator.app import SimulatedGateway

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 10.0
STOP_TIMEOUT_SECONDS = 5.0


@contextmanager
def serve(app: SimulatedGateway, port: int = 0) -> Iterator[str]:
    """Serve `app` from a thread of this process; yields the base URL once it answers. Port 0 means any free port.

    Raises:
        OSError: the port is taken.
    """
    import uvicorn  # noqa: PLC0415  (takes a third of a second, only needed here)

    with _listening(port) as listener:
        server = uvicorn.Server(_config(app))
        thread = threading.Thread(target=server.run, args=([listener],), name="simulated-gateway", daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join(STOP_TIMEOUT_SECONDS)


def run(app: SimulatedGateway, port: int, *, on_ready: Callable[[str], None] = lambda _url: None) -> None:
    """Serve `app` until interrupted; `on_ready` is called with the base URL when the port is bound.

    Raises:
        OSError: the port is taken.
    """
    import uvicorn  # noqa: PLC0415  (as above)

    with _listening(port) as listener, suppress(KeyboardInterrupt):
        on_ready(_url(listener))
        uvicorn.Server(_config(app)).run([listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: SimulatedGateway) -> Config:
    """Uvicorn's configuration, without log output; uses httptools and uvloop if they are installed.

    "critical", because some answers drop the connection on purpose, and uvicorn would report each as an error.
    """
    import uvicorn  # noqa: PLC0415  (as above)

    return uvicorn.Config(
        app,
        access_log=False,
        lifespan="off",
        log_config=None,
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )


def _wait_until_started(server: Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the simulated gateway did not start")
        time.sleep(0.002)


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"
