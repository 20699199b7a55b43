"""Bind an address, and serve an application on it until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from pipeline.errors import UnusableInputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Config


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 means any free port.

    Raises:
        UnusableInputError: when the host is unknown or the port is taken.
    """
    listener: socket.socket | None = None
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        if listener:
            listener.close()
        msg = f"cannot serve at {host}:{port}: {error.strerror or error}. Try --port 0 for a free port"
        raise UnusableInputError(msg) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL for a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


def config(app: ASGIApp) -> Config:
    """Uvicorn's configuration: logs only warnings and errors; at the end, open requests get five seconds."""
    import uvicorn

    return uvicorn.Config(
        app,
        access_log=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
        limit_concurrency=200,
        ws="none",
    )


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    import uvicorn

    with listener, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config(app)).run([listener])
