"""What lies between a client and its gateway: proxies and certificate authorities, as the environment names them."""

import asyncio
from pathlib import Path

import httpx
import pytest

from gateway.client import GatewayClient
from gateway.errors import InvalidCertificates, InvalidProxy
from gateway.observation import Observation
from gateway.wire.transport import _proxy_for
from tests.gateway.certificates import self_signed
from tests.gateway.servers import KEY, NO_WAIT, Server, answer, closed_port, fetch, raw, serve

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def one(base_url: str) -> Observation:
    async with GatewayClient(base_url, KEY, clock=NO_WAIT, timeout=2.0) as client:
        return (await fetch(client, ["a"]))["a"]


def with_credentials(server: Server) -> str:
    return server.url.replace("//", "//user:hidden@")


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used_but_not_for_loopback(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own credentials go to it."""

    async def main() -> None:
        async with serve(lambda _: answer()) as proxy, serve(lambda _: answer()) as server:
            monkeypatch.setenv(variable, with_credentials(proxy))
            seen = await one("http://gateway.invalid")
            assert (seen.http_status, seen.error) == (200, None)
            assert proxy.requests[0].line == "GET http://gateway.invalid/avatar/task/a HTTP/1.1"
            assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")
            await one(server.url)
            assert (len(proxy.requests), len(server.requests)) == (1, 1)
            assert "proxy-authorization" not in server.requests[0].headers

    asyncio.run(main())


def test_no_proxy_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy sees nothing of a host that it is not for."""

    async def main() -> None:
        async with serve(lambda _: answer()) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "elsewhere.example,.invalid")
            assert ((await one("http://gateway.invalid")).error or "").startswith(("dns: ", "timeout: "))
            assert proxy.connections == 0

    asyncio.run(main())


@pytest.mark.parametrize("status", [407, 502, 200])
def test_a_proxy_of_https_learns_the_host_and_nothing_else(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes through a tunnel or not at all; the proxy's credentials are in no error."""

    async def main() -> None:
        async with serve(lambda _: raw(f"HTTP/1.1 {status} Whatever\nContent-Length: 0\n\n")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", with_credentials(proxy))
            seen = await one("https://gateway.invalid")
            assert seen.error is not None
            assert seen.error.startswith(("connect: ", "tls: ", "reset: "))
            assert "hidden" not in seen.error
            assert {request.line for request in proxy.requests} == {"CONNECT gateway.invalid:443 HTTP/1.1"}
            assert not any(KEY in str(request.headers) for request in proxy.requests)

    asyncio.run(main())


def test_an_unreachable_proxy_is_named_without_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """And never bypassed: if a proxy is set, no request goes out without it."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hidden@127.0.0.1:{closed_port()}")
    seen = asyncio.run(one("https://gateway.invalid"))
    assert seen.error is not None
    assert seen.error.startswith("connect: ")
    assert "127.0.0.1" in seen.error
    assert "hidden" not in seen.error


def test_a_proxy_that_cannot_be_used_is_named_without_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which sort it is."""
    monkeypatch.setenv("https_proxy", "socks5://user:hidden@proxy:1")
    with pytest.raises(InvalidProxy, match="socks5") as caught:
        GatewayClient("https://host", KEY)
    assert "hidden" not in str(caught.value)


def test_an_authority_of_ones_own_is_trusted_where_the_environment_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSL_CERT_FILE`: a gateway inside a company is spoken to with its certificate checked; without it, it is not."""
    signed = self_signed(tmp_path)

    async def main() -> None:
        async with serve(lambda _: answer(), signed.server_context()) as server:
            stranger = await one(server.url)
            assert (stranger.error or "").startswith("tls: ")
            assert server.requests == []
            monkeypatch.setenv("SSL_CERT_FILE", str(signed.certificate))
            friend = await one(server.url)
            assert (friend.http_status, friend.error) == (200, None)
            assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
            other_name = await one(server.url.replace("127.0.0.1", "localhost"))
            assert (other_name.error or "").startswith("tls: ")

    asyncio.run(main())


def test_a_missing_authority_file_is_an_invalid_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is asked, with the file's name."""
    (tmp_path / "empty.pem").write_text("no certificate")
    for path in (tmp_path / "missing.pem", tmp_path / "empty.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(InvalidCertificates, match=path.name):
            GatewayClient("https://host", KEY)


@pytest.mark.parametrize(
    ("url", "is_passed_by"),
    [
        ("http://10.1.2.3", True),
        ("http://11.1.2.3", False),
        ("http://[fd00::1]", True),
        ("http://[fe80::1]", False),
        ("http://gateway.corp", True),
        ("http://gateway.example", False),
    ],
)
def test_no_proxy_may_name_networks(url: str, is_passed_by: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a table
    """As in `10.0.0.0/8`; what is no network is skipped."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8, fd00::/8,300.0.0.0/8,1.2.3.4/99,.corp")
    assert (_proxy_for(httpx.URL(url)) is None) == is_passed_by
