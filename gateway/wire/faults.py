"""What can go wrong between a request and a complete answer: a kind and a sentence."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import httpx

from gateway.errors import shorten
from gateway.wire.body import BodyFault

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
"""The first match counts, so subclasses come before their base classes."""


def describe(failure: BaseException, scrub: Callable[[str], str]) -> Fault:
    """The fault for an exception of aiohttp, of httpx or of this package.

    Its text goes through `scrub` before it is shortened, so that half a key cannot remain.
    """
    if isinstance(failure, BodyFault):
        return Fault(failure.kind, shorten(scrub(failure.text), LONGEST_TEXT))
    kind = next((kind for error, kind in _KINDS if isinstance(failure, error)), "unexpected")
    text = shorten(scrub(_one_line(failure)), LONGEST_TEXT)
    return Fault(kind, f"{text} (this port does not use TLS: is it an http:// address?)" if _is_plain(text) else text)


def _is_plain(text: str) -> bool:
    """Whether TLS was attempted on a port that serves plain HTTP."""
    return "WRONG_VERSION_NUMBER" in text or "wrong version number" in text


def _one_line(failure: BaseException) -> str:
    """The exception in one line, with user and password removed: aiohttp's messages contain a proxy's full URL."""
    text = re.sub(r"(?<=://)[^/@\s]*@", "", re.sub(r"\s+", " ", str(failure)).strip())
    name = type(failure).__name__
    return f"{name}: {text}" if text else name
