"""A gateway's own error messages, as distinct from those of proxies and web servers in front of it.

Gateways use two shapes (documentation of the new-api family):

- `{"code": "get_task_failed", "message": "…", "data": null}`: about the task that was polled;
- `{"error": {"message": "…", "type": "new_api_error", "code": "…"}}`: about the request, the key or the gateway itself.

Other servers also send `{"error": "…"}` or `{"code": 500, "message": "…"}`: such a message may be the gateway's or not.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

_LONGEST_BODY = 65_536
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Envelope:
    """The gateway's error. `message` is a single line, shortened, and has been redacted like the body."""

    code: str
    message: str
    is_surely_gateways: bool
    """Whether only the gateway answers in this shape, and no proxy in front of it."""

    def __str__(self) -> str:
        return self.message or self.code


def read_envelope(body: bytes | None) -> Envelope | None:
    """The envelope in `body`; None if it does not have a gateway's shape."""
    if body is None or len(body) > _LONGEST_BODY:
        return None
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    return _about_the_request(said) if said.get("error") else _about_the_task(said)


def _about_the_request(said: dict[str, Any]) -> Envelope | None:
    error = said["error"]
    if isinstance(error, str):
        return Envelope("", _line(error), is_surely_gateways=False)
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    return Envelope(_line(error.get("code") or error.get("type")), _line(error["message"]), is_surely_gateways=True)


def _about_the_task(said: dict[str, Any]) -> Envelope | None:
    code, message = said.get("code"), said.get("message", said.get("msg"))
    if code is None or not (isinstance(message, str) or "data" in said):
        return None
    is_word = isinstance(code, str) and not code.strip().isdigit()
    return Envelope(_line(code), _line(message), is_surely_gateways=is_word)


def _line(value: object) -> str:
    text = re.sub(r"\s+", " ", str(value)).strip() if isinstance(value, str | int) else ""
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"
