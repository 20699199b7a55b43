"""What becomes of a key that a gateway echoes."""

import gzip
import html
import json
from functools import partial
from timeit import repeat, timeit
from urllib.parse import quote

import pytest

from gateway.errors import InvalidApiKey
from gateway.secrets.api_key import ApiKey

ODD = r"sk-a/b&c<d'e+\secret-0123"


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(ODD, id="as it is"),
        pytest.param(ODD.removeprefix("sk-"), id="as it is in a database"),
        pytest.param(json.dumps(ODD)[1:-1], id="in JSON"),
        pytest.param(json.dumps(json.dumps(ODD))[3:-3], id="in JSON in JSON"),
        pytest.param(json.dumps(ODD)[1:-1].replace("/", "\\/"), id="in PHP's JSON"),
        pytest.param(json.dumps(ODD)[1:-1].replace("<", "\\u003c").replace("&", "\\u0026"), id="in Go's JSON"),
        pytest.param(quote(ODD), id="in a path"),
        pytest.param(quote(quote(ODD, safe=""), safe=""), id="in a URL in a URL"),
        pytest.param(html.escape(ODD), id="in a page"),
        pytest.param("".join(f"\\u{ord(one):04x}" for one in ODD), id="every letter escaped for JSON"),
        pytest.param("".join(f"\\\\u{ord(one):04X}" for one in ODD), id="for JSON in JSON"),
        pytest.param("".join(f"%{ord(one):02x}" for one in ODD), id="every letter escaped for a URL"),
        pytest.param("".join(f"%25{ord(one):02X}" for one in ODD), id="for a URL in a URL"),
        pytest.param("".join(f"&#{ord(one)};" for one in ODD), id="every letter escaped for a page"),
        pytest.param("".join(f"&#x{ord(one):x};" for one in ODD), id="in hex"),
        pytest.param(ODD[:9] + f"\\u{ord(ODD[9]):04x}" + ODD[10:], id="one letter escaped"),
    ],
)
def test_an_echoed_key_is_masked_in_every_spelling(spelling: str) -> None:
    """A gateway may repeat the key it refuses."""
    text = f"Invalid token: {spelling}."
    assert ApiKey(ODD).scrub(text) in {"Invalid token: ***.", "Invalid token: sk-***."}
    assert ApiKey(ODD).scrub_bytes(text.encode()).decode() == ApiKey(ODD).scrub(text)
    assert len(spelling) <= ApiKey(ODD).longest


def test_the_part_in_the_database_is_masked_without_prefix_and_suffix() -> None:
    """`sk-` before it, and a channel behind it."""
    assert (
        ApiKey("sk-0123456789abcdef0123-17").scrub("token 0123456789abcdef0123 is disabled") == "token *** is disabled"
    )
    assert ApiKey("sk-proj-0123456789abcdef").scrub("no such proj") == "no such proj"


def test_a_thousand_answers_are_searched_quickly() -> None:
    """What does not hold the key is not searched closely."""
    key, body = ApiKey("sk-" + "k3y" * 16), b'{"fail_reason":"sk-k3y k3yk3y"}' * 70
    assert timeit(lambda: key.scrub_bytes(body), number=1000) < 100 * timeit(lambda: body.count(b"k3y"), number=1000)


def test_a_body_without_escaped_letters_is_not_searched_closely() -> None:
    """Every payload has percent signs, and none of them encodes a letter."""
    key = ApiKey("sk-" + "k3y" * 16)
    plain, encoded = b'{"audio_url":"server/audio/main/a.mp3"}' * 70, b'{"audio_url":"server%2Faudio%2Fa.mp3"}' * 70
    timed = {body: min(repeat(partial(key.scrub_bytes, body), number=300)) for body in (plain, encoded)}
    assert timed[encoded] < 20 * timed[plain]


def test_a_key_of_a_letter_or_two_leaves_answers_alone() -> None:
    """Masking every k of an answer would ruin its field names for the sake of a key that opens nothing."""
    assert ApiKey("k").scrub_bytes(b'{"work_name":"k"}') == b'{"work_name":"k"}'


def test_a_key_never_shows_in_its_repr() -> None:
    """Log lines and tracebacks print reprs."""
    assert "sk-secret-1" not in repr(ApiKey("sk-secret-1"))


@pytest.mark.parametrize("text", ["sk with space", "sk\nline", "schlüssel"])
def test_a_key_that_is_invalid_in_a_header_is_refused_without_being_repeated(text: str) -> None:
    """The message helps, and holds nothing of the key."""
    with pytest.raises(InvalidApiKey) as refused:
        ApiKey(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_key_in_wide_characters_is_masked(encoding: str) -> None:
    """Both orders, with a mark or without."""
    kept = ApiKey(ODD).scrub_bytes(f'{{"m": "Invalid token {ODD}"}}'.encode(encoding))
    assert ODD[3:] not in kept.replace(b"\0", b"").decode("latin-1")
    assert b"***" in kept


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_an_undeclared_gzip_body_with_the_key_is_replaced(layers: int) -> None:
    """What is packed likewise and does not hold it stays as it came."""
    holds, does_not = f"Invalid token {ODD}".encode(), b"Invalid token"
    for _ in range(layers):
        holds, does_not = gzip.compress(holds), gzip.compress(does_not)
    assert ApiKey(ODD).scrub_bytes(holds) == b"***"
    assert ApiKey(ODD).scrub_bytes(does_not) == does_not
