"""`serve`: the web application with the settings in force."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from pipeline.errors import UnusableInputError
from pipeline.serving.app import application
from pipeline.serving.callbacks import Callbacks
from pipeline.serving.pages import Pages
from pipeline.serving.server import listen, run, url_of
from warehouse.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.settings import Settings

#: What a browser on this machine may call it.
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def serve(
    settings: Settings,
    *,
    port: int,
    host: str,
    hosts: Sequence[str],
    callbacks: bool,
    inbox: Path,
    accept_new: bool,
    notify: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C.

    Raises:
        UnusableInputError: when the port is taken, or callbacks are to be taken without a secret.
    """
    secret = settings.callback_secret.get_secret_value() if settings.callback_secret else ""
    if callbacks and not secret:
        msg = (
            f"--callbacks needs {PREFIX}CALLBACK_SECRET, 16 characters or more that nobody can guess, e.g. what "
            "`openssl rand -hex 24` prints: it is the last part of the path that gateways post to"
        )
        raise UnusableInputError(msg)
    if accept_new and not callbacks:
        raise UnusableInputError("--accept-new is about callbacks: add --callbacks")
    taken = Callbacks(settings.paths, settings.source, inbox.absolute(), accept_new) if callbacks else None
    listener = listen(host, port)
    url = url_of(listener)
    notify(f"{url} until Ctrl-C; also {url}/health and {url}/metrics")
    if taken:
        notify(f"callbacks: POST {url}/callbacks/…, with the secret at the end; their ids go to {taken.inbox}")
    if not _is_loopback(host):
        notify(f"{host} is not loopback: anyone who reaches it can read everything. Put a proxy with a login before it")
    app = application(
        settings.paths, [*_LOOPBACK, host, *hosts], pages=Pages(settings.paths), callbacks=taken, secret=secret
    )
    run(app, listener)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
