"""The web application on loopback, in a thread."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

from pipeline.serving.listener import config, listen, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp


@contextlib.contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Its base URL, until the block ends."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(config(app))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield url_of(listener)
        server.should_exit = True
        thread.join(10)
