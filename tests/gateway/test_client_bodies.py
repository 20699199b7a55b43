"""What is kept of a body: decoded, cut, and with no secret in it."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from gateway.client import GatewayClient
from gateway.errors import InvalidApiKey
from tests.gateway.servers import KEY, answer, look, raw


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("x-gzip", gzip.compress, id="its old name"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param("deflate", lambda body: zlib.compress(body, wbits=-15), id="deflate without its header"),
        pytest.param("identity", bytes, id="identity"),
    ],
)
def test_an_unrequested_compressed_body_is_decoded(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """The body of the observation is the text."""
    body = b'{"a": "' + b"x" * 100_000 + b'"}'
    seen, _ = look(lambda _: answer(200, pack(body), Content_Encoding=encoding))
    assert (seen.body, seen.body_cut, seen.error) == (body, False, None)


@pytest.mark.parametrize("size", [999, 1000, 1001, 1_000_000])
def test_a_body_is_cut_at_the_limit_and_not_before(size: int) -> None:
    """A longer one says so, and its connection is dropped rather than read to the end."""
    seen, _ = look(lambda _: answer(200, b"x" * size), max_body_bytes=1000)
    assert seen.body == b"x" * min(size, 1000)
    assert (seen.body_cut, seen.error, seen.http_status) == (size > 1000, None, 200)


def test_a_body_without_length_ends_with_its_connection() -> None:
    """As HTTP/1.0 servers do it; that is no truncation."""
    seen, _ = look(lambda _: raw("HTTP/1.0 200 OK\n\n{}"))
    assert (seen.body, seen.error) == (b"{}", None)


@pytest.mark.parametrize("limit", [8_000_000, *range(30, 75, 3)])
def test_the_key_is_never_stored(limit: int) -> None:
    """Echoed in body, headers or redirect, whole or cut by the limit, it is masked."""
    body = f'{{"key": "{KEY}", "again": "{KEY}", "and": "{KEY}"}}'.encode()
    headers = {"Content_Type": f"text/{KEY}", "X_Oneapi_Request_Id": KEY, "Location": f"/{KEY}"}
    seen, _ = look(lambda _: answer(302, body, **headers), max_body_bytes=limit)
    assert not any(KEY[:4] in text for text in (repr(seen), (seen.body or b"").decode()))


def test_the_key_is_in_no_representation() -> None:
    """Neither the client's nor an error's."""
    with pytest.raises(InvalidApiKey) as caught:
        GatewayClient("https://host", KEY + "\nX: y")
    client = GatewayClient("https://host", KEY)
    assert KEY not in f"{client!r} {client!s} {caught.value!r} {caught.value} {vars(client)}"


def test_redactions_are_applied_before_anything_is_kept() -> None:
    """Also where the limit cuts through a hook."""
    body = b'{"notify_hook": "https://hook/secret?x=1", "rest": 1}'
    whole, _ = look(lambda _: answer(200, body), redact=frozenset({"notify_hook"}))
    cut, _ = look(lambda _: answer(200, body), redact=frozenset({"notify_hook"}), max_body_bytes=30)
    assert whole.body == b'{"notify_hook": "", "rest": 1}'
    assert b"hook/" not in (cut.body or b"")
