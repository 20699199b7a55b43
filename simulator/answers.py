"""Every answer of the endpoint that is not a task: its bytes, headers and delivery."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Header = tuple[bytes, bytes]
Delivery = Literal["whole", "chunked", "trickle", "drop_before_body", "drop_mid_body", "hang"]

JSON = (b"content-type", b"application/json; charset=utf-8")
HTML = (b"content-type", b"text/html; charset=utf-8")
DASHBOARD = (
    b'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>New API</title></head>'
    b'<body><div id="root"></div><script src="/assets/index.js"></script></body></html>'
)
RETRY_DATE = b"Wed, 21 Oct 2015 07:28:00 GMT"  # long past: retry immediately
OVERSIZED_BYTES = 9 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `delay_seconds` passes before its first byte; `delivery` is how the body is sent."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = (JSON,)
    delay_seconds: float = 0.0
    delivery: Delivery = "whole"

    def with_headers(self, *headers: Header) -> "Answer":
        return replace(self, headers=self.headers + headers)


def ok(body: bytes) -> Answer:
    return Answer(200, body)


def missing() -> Answer:
    """An unknown id, or another user's."""
    return _task_error(400, "task_not_exist")


def database_failed() -> Answer:
    return _task_error(500, "get_task_failed")


def nothing_known() -> Answer:
    return ok(b'{"code":"success","data":null}')


def unauthorized(key: str, request_id: str) -> Answer:
    """An unknown key. The message has only the first and last characters of the key, and none of a short key."""
    return error(401, f"Invalid token: {mask(key)}", request_id)


def mask(key: str) -> str:
    is_long = len(key) >= 16  # noqa: PLR2004  (the ends of a shorter key would reveal too much)
    return f"{key[:4]}***{key[-2:]}" if is_long else "***"


def forbidden(reason: str, request_id: str) -> Answer:
    return error(403, reason, request_id)


def throttled(request_id: str, retry_after: bytes | None = None) -> Answer:
    """A rate limit; gateways before 2026-07 send no Retry-After."""
    answer = error(429, "Too many requests, please slow down", request_id)
    return answer if retry_after is None else answer.with_headers((b"retry-after", retry_after))


def throttled_empty() -> Answer:
    return Answer(429, headers=())


def overloaded(request_id: str) -> Answer:
    return error(503, "The system is overloaded (cpu), please try again later", request_id)


def panicked(request_id: str) -> Answer:
    return error(500, "Panic detected, error: runtime error: invalid memory address or nil pointer", request_id)


def invalid_url(path: str, request_id: str) -> Answer:
    """A wrong path under /v1 or /api."""
    return error(404, f"Invalid URL (GET {path})", request_id, kind="invalid_request_error")


def dashboard() -> Answer:
    """A wrong base URL is answered with the dashboard's index page."""
    return Answer(200, DASHBOARD, (HTML,))


def bad_gateway() -> Answer:
    """The answer of the proxy in front of the gateway while the gateway restarts."""
    return Answer(502, b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", (HTML,))


def redirect() -> Answer:
    return Answer(302, b"", ((b"location", b"/login"), HTML))


def oversized(delivery: Delivery = "whole") -> Answer:
    return Answer(200, b'{"code":"success","data":{"padding":"%b"}}' % (b"x" * OVERSIZED_BYTES), delivery=delivery)


def compressed(body: bytes) -> Answer:
    return ok(gzip.compress(body, mtime=0)).with_headers((b"content-encoding", b"gzip"))


def error(status: int, message: str, request_id: str, *, kind: str = "new_api_error") -> Answer:
    text = f"{message} (request id: {request_id})"
    return Answer(status, json.dumps({"error": {"message": text, "type": kind}}, ensure_ascii=False).encode())


def pieces(body: bytes, count: int) -> Iterator[bytes]:
    """`body` in about `count` pieces."""
    size = max(1, -(-len(body) // count))
    return (body[begin : begin + size] for begin in range(0, len(body), size))


def _task_error(status: int, code: str) -> Answer:
    return Answer(status, b'{"code":"%b","message":"%b","data":null}' % (code.encode(), code.encode()))
