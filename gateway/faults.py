"""What can go wrong between a request and a whole answer, in one word and a sentence."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import httpx

from gateway.body import BodyFault
from gateway.errors import shorten

LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Fault:
    kind: str
    """One of the kinds that `Observation.error` lists."""
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ServerFingerprintMismatch, "tls"),
    (aiohttp.ClientHttpProxyError, "connect"),
    (aiohttp.ClientConnectorError, "connect"),
    (aiohttp.ServerTimeoutError, "timeout"),
    (aiohttp.ClientPayloadError, "truncated"),
    (aiohttp.ClientConnectionError, "reset"),
    (aiohttp.ClientError, "protocol"),
    (httpx.TimeoutException, "timeout"),
    (httpx.ConnectError, "connect"),
    (httpx.ProxyError, "connect"),
    (httpx.NetworkError, "reset"),
    (httpx.TransportError, "protocol"),
    (TimeoutError, "timeout"),
    (asyncio.IncompleteReadError, "truncated"),
    (OSError, "reset"),
)
"""The first that fits, so from special to general."""


def describe(failure: BaseException, scrub: Callable[[str], str]) -> Fault:
    """The fault that `failure` was; its text goes through `scrub` before it is cut, so that no half of a key is left.

    The transport translates aiohttp's errors into httpx's, some of them wrongly (a server that hangs up is a
    `ConnectTimeout` in httpx-aiohttp 0.2), so the original is looked at where there is one.
    """
    if isinstance(failure, BodyFault):
        return Fault(failure.kind, shorten(scrub(failure.text), LONGEST_TEXT))
    cause = failure.__cause__
    origin = cause if isinstance(cause, aiohttp.ClientError) else failure
    kind = next((kind for error, kind in _KINDS if isinstance(origin, error)), "unexpected")
    return Fault(kind, shorten(scrub(_one_line(origin)), LONGEST_TEXT))


def _one_line(failure: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(failure)).strip()
    name = type(failure).__name__
    return f"{name}: {text}" if text else name
