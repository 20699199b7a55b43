"""httpx's transport over aiohttp, set up so that it does what it is told and nothing on its own.

httpx's own connection pool collapses with concurrency (450 requests/s at 64 in flight, 187 at 512); this transport
keeps its speed. A client speaks to it through `handle_async_request`, httpx's own seam, and not through
`httpx.AsyncClient`: half of the time of a request would go into cookies, redirects, authentication and a log line per
request, none of which is wanted here.
"""

import ipaddress
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.errors import InvalidProxy

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

KEEP_IDLE_SECONDS = 4.0
"""Below the 5 s after which common servers hang up, so that few requests meet a connection that is just closing."""


class _Connector(aiohttp.TCPConnector):
    """Never uses a connection again on which something came that nobody had asked for.

    aiohttp 3.14 does: what came becomes the answer to the next request, the answer to that one the answer to the one
    after it, and so on, each task's row holding the task before.
    """

    async def _get(self, key: "ConnectionKey", traces: list["Trace"]) -> "Connection | None":
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is None or not connection.protocol.should_close:
                break
            connection.close()
        return connection


def build_transport(base_url: str, concurrency: int) -> httpx.AsyncBaseTransport:
    """A transport for one origin, with as many connections as there are requests in flight.

    Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), never for loopback
    addresses; so are certificate authorities (`SSL_CERT_FILE`, `SSL_CERT_DIR`). `.netrc` is never read, cookies are
    never kept.

    Raises:
        InvalidProxy: the environment names a proxy that cannot be used.
    """

    def open_session() -> aiohttp.ClientSession:
        connector = _Connector(limit=concurrency, ssl=transport.ssl_context, keepalive_timeout=KEEP_IDLE_SECONDS)
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, proxy=proxy
        )
        # aiohttp would send a request a second time when a connection breaks: uncounted, unpaced, over any cap.
        session._retry_connection = False  # noqa: SLF001 - there is no public way; a test counts the requests
        return session

    proxy = _proxy_for(httpx.URL(base_url))
    transport = AiohttpTransport(client=open_session)
    return transport


def _proxy_for(url: httpx.URL) -> str | None:
    """The proxy's URL, perhaps with its own user and password."""
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxy_url = address if "://" in address else f"http://{address}"
    if not proxy_url.startswith(("http://", "https://")):
        scheme = proxy_url.partition("://")[0]
        raise InvalidProxy(f"The environment names a {scheme} proxy for {url.scheme}; only http proxies can be used.")
    try:
        return str(httpx.URL(proxy_url))
    except httpx.InvalidURL:
        raise InvalidProxy(f"The proxy that the environment names for {url.scheme} is not a URL.") from None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
