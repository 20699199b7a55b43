"""`serve`: the web application with the settings in force."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from pipeline.errors import UnusableInputError
from pipeline.serving.app import application
from pipeline.serving.callbacks import Callbacks
from pipeline.serving.listener import listen, run, url_of
from pipeline.serving.pages import Pages
from pipeline.sources.choose import chosen_sources
from warehouse.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.settings import Settings

#: Host names under which a browser on this machine may open it.
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
        UnusableInputError: when the port is taken, when callbacks are wanted without a secret, or `accept_new` without
            callbacks.
    """
    secret = settings.callback_secret.get_secret_value() if settings.callback_secret else ""
    if callbacks and not secret:
        msg = (
            f"--callbacks needs {PREFIX}CALLBACK_SECRET, the last part of the path that gateways post to: at least 16 "
            "random characters, e.g. the output of `openssl rand -hex 24`"
        )
        raise UnusableInputError(msg)
    if accept_new and not callbacks:
        raise UnusableInputError("--accept-new needs --callbacks: add it")
    taken = callbacks_of(settings, inbox.absolute(), accept_new=accept_new) if callbacks else {}
    listener = listen(host, port)
    url = url_of(listener)
    notify(f"serving {url} until Ctrl-C; also {url}/health and {url}/metrics")
    for part, one in taken.items():
        notify(f"callbacks: POST {url}/callbacks/{part}…, with the secret at the end; their ids go to {one.inbox}")
    if not _is_loopback(host):
        notify(f"anyone who can reach {host} can read everything: put a proxy with a login in front of it")
    app = application(
        settings.paths, [*_LOOPBACK, host, *hosts], pages=Pages(settings.paths), callbacks=taken, secret=secret
    )
    run(app, listener)


def callbacks_of(settings: Settings, inbox: Path, *, accept_new: bool) -> dict[str, Callbacks]:
    """Handlers of callbacks by the part of the path before the secret: `NAME/` for a gateway of sources.toml, or ''."""
    source = settings.source if "source" in settings.model_fields_set else None
    named = {f"{one.name}/": (one.name, inbox / one.name) for one in chosen_sources(source)}
    return {
        part: Callbacks(settings.paths, source, folder, accept_new)
        for part, (source, folder) in (named or {"": (settings.source, inbox)}).items()
    }


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
