"""An httpx transport over aiohttp, configured to do nothing on its own: no retries, redirects or cookies.

httpx's own connection pool collapses with concurrency (450 requests/s at 64 in flight, 187 at 512); aiohttp's keeps its
speed. The client calls `handle_async_request`, httpx's transport interface, and not `httpx.AsyncClient`, which would
spend half of the time of a request on cookies, redirects, authentication and a log line per request; none of them is
wanted here. httpx-aiohttp connects the same two libraries, but adds half of aiohttp's own time (docs/performance.md),
and reports a server that closes the connection as a timeout.
"""

import contextlib
import functools
import ipaddress
import os
import select
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from gateway.errors import InvalidCertificates, InvalidProxy
from gateway.wire.addresses import is_loopback

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

KEEP_IDLE_SECONDS = 4.0
"""Less than the 5 s after which common servers close idle connections, so that few requests meet a closing one."""

_CHUNK_BYTES = 16 * 1024


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One origin through one aiohttp session per method; bodies and their encoding are passed on unchanged.

    It uses a request's method, headers, content, the timeouts `connect` and `pool`, and httpx's extension `target`: the
    raw path to request at the URL's origin, so that no URL is parsed per request. Headers that are the same object as
    those of the first request with that method are not converted again. Errors are aiohttp's own, which are more
    precise than httpx's; see `faults`.
    """

    def __init__(self, open_session: Callable[[dict[str, str]], aiohttp.ClientSession]) -> None:
        self._open_session = open_session
        self._sessions: dict[str, tuple[aiohttp.ClientSession, httpx.Headers]] = {}
        """By method, each with the headers it was opened with: those of a POST must not be sent with a GET."""
        self._base, self._origin = httpx.URL(), URL()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method not in self._sessions:  # not opened earlier: a session needs a running event loop
            self._sessions[request.method] = (self._open_session(_as_dict(request.headers)), request.headers)
        session, headers = self._sessions[request.method]
        timeout = request.extensions["timeout"]
        response = await session.request(
            request.method,
            self._address(request),
            headers=None if request.headers is headers else _as_dict(request.headers),
            data=request.content or None,
            allow_redirects=False,
            timeout=_time_limits(timeout["connect"], timeout["pool"]),
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Stream(response))

    def _address(self, request: httpx.Request) -> URL:
        if request.url is not self._base:
            origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
            self._base, self._origin = request.url, URL(origin, encoded=True)
        target: bytes = request.extensions.get("target", request.url.raw_path)
        return self._origin.with_path(target.decode(), encoded=True)

    async def aclose(self) -> None:
        for session, _ in self._sessions.values():
            await session.close()


def _as_dict(headers: httpx.Headers) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.raw}


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_chunked(_CHUNK_BYTES)

    async def aclose(self) -> None:
        """Return the connection, which is reused if the body was read completely."""
        self._response.release()


@functools.cache
def _time_limits(connect: float, pool: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=connect, connect=pool)


class _Connector(aiohttp.TCPConnector):
    """Never reuses a connection on which the server has sent unrequested data.

    aiohttp 3.14 would: the data is then taken for the answer to the next request, that request's answer for the answer
    to the one after, and so on, so that each task gets another task's data. Polling the socket detects unread data.
    """

    async def _get(self, key: "ConnectionKey", traces: list["Trace"]) -> "Connection | None":
        while (connection := await super()._get(key, traces)) is not None:
            if not _is_spoilt(connection):
                break
            connection.close()
        return connection


def _is_spoilt(connection: "Connection") -> bool:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        return False  # closed already: aiohttp notices, and the request is retried
    if protocol.should_close:
        return True
    waiting = select.poll()
    waiting.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def build_transport(base_url: str, concurrency: int) -> httpx.AsyncBaseTransport:
    """A transport for one origin, with as many connections as there are requests in flight.

    Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), never for loopback
    addresses; so are certificate authorities (`SSL_CERT_FILE`, `SSL_CERT_DIR`). `.netrc` is never read, cookies are
    never kept.

    Raises:
        InvalidProxy: the environment names a proxy that cannot be used.
        InvalidCertificates: the environment names certificates that cannot be used.
    """

    def open_session(headers: dict[str, str]) -> aiohttp.ClientSession:
        connector = _Connector(limit=concurrency, ssl=ssl_context, keepalive_timeout=KEEP_IDLE_SECONDS)
        session = aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            proxy=proxy,
            auto_decompress=False,
            read_bufsize=_CHUNK_BYTES,
        )
        # aiohttp would resend a request when a connection breaks: uncounted, without pacing, above `RATE`.
        session._retry_connection = False  # noqa: SLF001 - there is no public way; a test counts the requests
        return session

    url = httpx.URL(base_url)
    proxy = _proxy_for(url)
    ssl_context = _trusted() if url.scheme == "https" else True  # reading certificates takes 20 ms, wasted on http
    return AiohttpTransport(open_session)


def _trusted() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # includes `ssl.SSLError`; neither names the file
        raise InvalidCertificates(
            f"{_named_certificates()} cannot be used: {error.strerror or error}. "
            "It must contain certificates in PEM form; unset it to trust the usual authorities."
        ) from error


def _named_certificates() -> str:
    name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
    return f"{name} {os.environ.get(name, '')!r}"


def _proxy_for(url: httpx.URL) -> str | None:
    """The proxy's URL, which may contain a user and a password; None to connect directly."""
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or is_loopback(url.host) or proxy_bypass(url.host) or _is_in_a_network(url.host, proxies):
        return None
    proxy_url = address if "://" in address else f"http://{address}"
    if not proxy_url.startswith(("http://", "https://")):
        scheme = proxy_url.partition("://")[0]
        raise InvalidProxy(f"The environment names a {scheme} proxy for {url.scheme}; only http proxies can be used.")
    try:
        return str(httpx.URL(proxy_url))
    except httpx.InvalidURL:
        raise InvalidProxy(f"The proxy that the environment names for {url.scheme} is not a URL.") from None


def _is_in_a_network(host: str, proxies: dict[str, str]) -> bool:
    """Whether `NO_PROXY` has a network (`10.0.0.0/8`) that contains this address; Python itself only compares names."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(proxies.get("no", "")))


def _networks(no_proxy: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for part in no_proxy.split(","):
        if "/" in part:
            with contextlib.suppress(ValueError):
                yield ipaddress.ip_network(part.strip(), strict=False)
