"""Which base URLs a client accepts: those without parts that may be secret or that would change the request's path."""

import ipaddress
import re

import httpx

from gateway.errors import InvalidBaseUrl
from gateway.wire.endpoints import ENDPOINT

_LAST_PORT = 65_535


def check_base_url(text: str) -> str:
    """`text` normalised, without a slash at its end: scheme, host and perhaps a port and a path prefix.

    Raises:
        InvalidBaseUrl: it is not such a URL. The message leaves out parts that may be secret.
    """
    url = _parse(text.strip())
    shown = f"{url.scheme}://{url.host}"
    if url.scheme not in {"http", "https"}:
        raise InvalidBaseUrl(shown, "begins with neither http:// nor https://.")
    if not url.host:
        raise InvalidBaseUrl(shown, "has no host.")
    if url.userinfo:
        raise InvalidBaseUrl(shown, "has a user name or password in it; the key goes into AVATAR_TASKS_API_KEY.")
    if url.port is not None and not 1 <= url.port <= _LAST_PORT:
        raise InvalidBaseUrl(shown, f"has port {url.port}; ports go from 1 to {_LAST_PORT}.")
    if "?" in text or "#" in text:
        raise InvalidBaseUrl(
            shown, "has a query or fragment; leave it out, because task ids are appended to the address."
        )
    base_url = str(url).rstrip("/")
    if base_url.endswith(ENDPOINT.rstrip("/")):
        raise InvalidBaseUrl(base_url, f"ends with {ENDPOINT.rstrip('/')}, which is added automatically; leave it out.")
    return base_url


def _parse(text: str) -> httpx.URL:
    if "://" not in text:
        raise InvalidBaseUrl(text.partition("@")[2] or text, "does not begin with http:// or https://.")
    if re.search(r"\s", text):
        raise InvalidBaseUrl(text.partition("://")[0] + "://…", "has a space or a line break in it.")
    try:
        return httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InvalidBaseUrl(text.partition("://")[0] + "://…", f"cannot be read as a URL: {error}.") from None


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_query(location: str) -> str:
    """The target of a redirect without the parts that may be secret: user, query and fragment."""
    bare = location.partition("?")[0].partition("#")[0]
    scheme, separator, rest = bare.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}" if separator else bare
