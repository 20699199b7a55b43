"""The web application. It is read-only, except `POST /callbacks/SECRET`, which writes ids."""

from __future__ import annotations

import asyncio
import hmac
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipeline.errors import AvatarTasksError
from pipeline.serving.callbacks import MAX_BYTES, OUTCOMES, Outcome
from pipeline.serving.health import health
from pipeline.watch import prometheus
from warehouse.errors import ArchiveError, NothingPublishedError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from pipeline.serving.callbacks import Callbacks
    from pipeline.serving.pages import Pages
    from warehouse.paths import DataPaths

_UNREADABLE: Final = (ArchiveError, AvatarTasksError, OSError, WarehouseError)

#: The answer to a callback, by outcome: status and message.
_ANSWERS: Final[dict[Outcome, tuple[HTTPStatus, str]]] = {
    "accepted": (HTTPStatus.OK, "accepted: the task is polled with the next run"),
    "unknown": (HTTPStatus.NOT_FOUND, "no such task was ever accepted"),
    "unreadable": (HTTPStatus.UNPROCESSABLE_ENTITY, "there is no task id in it"),
    "too_large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"it is larger than {MAX_BYTES} bytes"),
    "too_many": (HTTPStatus.TOO_MANY_REQUESTS, "too many callbacks: try again later"),
    "failed": (HTTPStatus.SERVICE_UNAVAILABLE, "it could not be stored: try again later"),
}

#: No scripts, nothing from other hosts, no frames; links do not reveal the filters to other sites.
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

#: Metrics are recomputed at most this often, however often they are read.
_METRICS_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Metrics:
    """The text for Prometheus, and when it was made."""

    paths: DataPaths
    text: str = ""
    made_at: float = float("-inf")

    def read(self) -> str:
        if time.monotonic() - self.made_at > _METRICS_SECONDS:
            self.text, self.made_at = self._make(), time.monotonic()
        return self.text

    def _make(self) -> str:
        try:
            return prometheus.as_text(prometheus.read_samples(self.paths))
        except _UNREADABLE:
            return prometheus.as_text(prometheus.unreadable(self.paths))


def application(
    paths: DataPaths,
    hosts: Sequence[str],
    *,
    pages: Pages | None = None,
    callbacks: Mapping[str, Callbacks] | None = None,
    secret: str = "",
) -> Starlette:
    """`GET /`, `/health` and `/metrics`; with `callbacks`, `POST /callbacks/SECRET`, or `/callbacks/NAME/SECRET`.

    Args:
        paths: of the data folder.
        hosts: host names that requests may use; others are refused, against DNS rebinding by pages of other sites.
        pages: renders the report; without it there is no `/`.
        callbacks: handles callbacks, by the part of their path before the secret: '', or `NAME/` for each gateway.
        secret: the last part of the path of callbacks.
    """
    metrics, one_at_a_time = _Metrics(paths), asyncio.Lock()

    async def read_metrics(_: Request) -> Response:
        async with one_at_a_time:
            text = await asyncio.to_thread(metrics.read)
        counts = _callback_metrics(callbacks) if callbacks else ""
        return PlainTextResponse(text + counts, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def read_health(_: Request) -> Response:
        found = await asyncio.to_thread(health, paths)
        return JSONResponse(found.as_dict(), HTTPStatus.OK if found.is_well else HTTPStatus.SERVICE_UNAVAILABLE)

    routes = [Route("/health", read_health), Route("/metrics", read_metrics)]
    if pages:
        routes.append(Route("/", _page(pages)))
    for part, one in (callbacks or {}).items():
        routes.append(Route(f"/callbacks/{part}{{secret}}", _callback(one, secret), methods=["POST"]))
    return Starlette(
        routes=routes,
        middleware=[Middleware(_WithHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def _page(pages: Pages) -> Callable[[Request], Awaitable[Response]]:
    async def read_page(request: Request) -> Response:
        try:
            return HTMLResponse(await pages.read(request.query_params.multi_items()))
        except NothingPublishedError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        except _UNREADABLE as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.BAD_REQUEST)

    return read_page


def _callback(callbacks: Callbacks, secret: str) -> Callable[[Request], Awaitable[Response]]:
    async def take_callback(request: Request) -> Response:
        if not hmac.compare_digest(str(request.path_params["secret"]).encode(), secret.encode()):
            return PlainTextResponse("Not Found", HTTPStatus.NOT_FOUND)
        body = await _body(request)
        outcome = callbacks.refuse("too_large") if body is None else await callbacks.take(body)
        status, words = _ANSWERS[outcome]
        headers = (
            {"retry-after": "10"} if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} else {}
        )
        return JSONResponse({"outcome": outcome, "message": words}, status, headers)

    return take_callback


async def _body(request: Request) -> bytes | None:
    """The body; None if it is larger than `MAX_BYTES`."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _callback_metrics(callbacks: Mapping[str, Callbacks]) -> str:
    """The counts of callbacks by outcome; for a gateway of sources.toml with the label `source`."""
    name = "avatar_tasks_callbacks_total"
    lines = [
        f'{name}{{outcome="{outcome}"{_label(part)}}} {one.outcomes[outcome]}'
        for part, one in callbacks.items()
        for outcome in OUTCOMES
    ]
    help_text = "Callbacks that gateways posted since `serve` began, by outcome."
    return "\n".join([f"# HELP {name} {help_text}", f"# TYPE {name} counter", *lines, ""])


def _label(part: str) -> str:
    return f',source="{part.rstrip("/")}"' if part else ""


class _WithHeaders:
    """Adds `_HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has them
        async def send_with_headers(message: Any) -> None:  # noqa: ANN401
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
