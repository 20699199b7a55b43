"""What is stripped from a body, and what is left alone."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UnknownRedaction
from gateway.secrets.redact import REDACTIONS, check_redactions, redact

HOOK = frozenset({"notify_hook"})
URLS = frozenset({"signed_urls"})


def wrapped(value: object, times: int) -> object:
    """`value` as JSON within a string, so many times."""
    for _ in range(times):
        value = json.dumps(value)
    return value


def unwrapped(value: Any, times: int) -> Any:  # noqa: ANN401 - JSON
    for _ in range(times):
        value = json.loads(value)
    return value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('{"notify_hook":"https://h/x"}', '{"notify_hook":""}', id="a string"),
        pytest.param('{"notify_hook" :\n "h"}', '{"notify_hook" :\n ""}', id="with spaces"),
        pytest.param(r'{"notify_hook":"a\"b\\","c":"d"}', '{"notify_hook":"","c":"d"}', id="with escapes"),
        pytest.param('{"notify_hook":{"url":["x"]},"c":1}', '{"notify_hook":"","c":1}', id="an object"),
        pytest.param('{"notify_hook":null}', '{"notify_hook":""}', id="null"),
        pytest.param(r'{"notify\u005fhook":"x"}', r'{"notify\u005fhook":""}', id="with an escaped key"),
        pytest.param('{"a":"notify_hook","b":"x"}', '{"a":"notify_hook","b":"x"}', id="as a value it is just a word"),
        pytest.param('{"my_notify_hook":"x"}', '{"my_notify_hook":"x"}', id="another key"),
        pytest.param('{"a": 1.0e3, "b":"\\u4e2d/\\/" }', '{"a": 1.0e3, "b":"\\u4e2d/\\/" }', id="nothing to strip"),
        pytest.param('\ufeff{"notify_hook":"x"}', '\ufeff{"notify_hook":""}', id="after a byte order mark"),
        pytest.param('{"notify_hook":"https://h/sec', '{"notify_hook":""', id="cut within the value"),
        pytest.param(r'{"p":"{\"notify_hook\":\"https://h/sec', r'{"p":"{\"notify_hook\":\"\"', id="cut within both"),
        pytest.param("<p>notify_hook</p>", "<p>notify_hook</p>", id="a page"),
    ],
)
def test_the_hook_is_emptied(before: str, after: str) -> None:
    """Whatever its value is, and nothing else changes by a byte."""
    assert redact(before.encode(), HOOK).decode() == after


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_the_hook_is_emptied_within_strings_that_hold_json(times: int) -> None:
    """However often it was wrapped, what comes out is JSON at every level."""
    value = {"notify_hook": 'https://h/"quoted"\\', "text": 'a "b" \\ c', "n": 1}
    body = json.dumps({"params": wrapped(value, times), "other": "é中"}, ensure_ascii=False)
    redacted = json.loads(redact(body.encode(), HOOK))
    assert unwrapped(redacted["params"], times) == {**value, "notify_hook": ""}
    assert redacted["other"] == "é中"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("https://h/a.mp4?Expires=1&Signature=x%2Fy", "https://h/a.mp4", id="a signed URL"),
        pytest.param("HTTP://h?a", "HTTP://h", id="in capitals"),
        pytest.param("https://h/a.mp4", "https://h/a.mp4", id="without a query"),
        pytest.param("why? https://h/a, who?", "why? https://h/a, who?", id="a question is no query"),
        pytest.param("see https://h/a?x=1 and http://i/b?y='z", "see https://h/a and http://i/b", id="two in a text"),
        pytest.param("https://h/a?x=1,https://h/b?y=2", "https://h/a,https://h/b", id="a list"),
        pytest.param("下载失败：https://h/a?x=1，请重试", "下载失败：https://h/a，请重试", id="in Chinese"),
        pytest.param("ftp://h/a?x=1", "ftp://h/a?x=1", id="another scheme"),
        pytest.param('say "https://h/a?x=1"', 'say "https://h/a"', id="in quotes"),
    ],
)
@pytest.mark.parametrize("times", [0, 1, 2])
def test_urls_lose_their_queries(before: str, after: str, times: int) -> None:
    """In strings, in strings within strings, and in keys."""
    body = json.dumps({"v": wrapped({"url": before}, times) if times else before})
    redacted = json.loads(redact(body.encode(), URLS))["v"]
    assert (unwrapped(redacted, times)["url"] if times else redacted) == after


@pytest.mark.parametrize(
    "url", [r"https:\/\/h\/a?x=1\u0026s=secret", "https://h/a?x=1\\u0026s=secret", r"https:\/\/h\/a\u003fs=secret"]
)
@pytest.mark.parametrize("body", ['{{"u":"{}"}}', '{{"u":"{}', "<a href='{}'>"])
def test_escaped_urls_lose_their_queries_too(url: str, body: str) -> None:
    """As Go and PHP write them, in JSON and in what is no JSON."""
    redacted = redact(body.format(url).encode(), URLS)
    assert b"secret" not in redacted
    assert b"h" in redacted
    if body.endswith('"}}'):
        assert json.loads(redacted)["u"] == "https://h/a"


HIDDEN = "https://h/a.mp4?Signature=hidden&x=1"
IN_JSON = json.dumps({"notify_hook": "https://hook/hidden", "result": HIDDEN})


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("place", ["a value", "a value in JSON in a string", "a text", "a cut body"])
@pytest.mark.parametrize("secret", [HIDDEN, f"u={HIDDEN}&b=2", IN_JSON, "a=1&notify_hook=https://hook/hidden&b=2"])
def test_what_is_percent_encoded_is_stripped_too(secret: str, place: str, times: int) -> None:
    """Once or several times, as paths are within `animate_params_str`."""
    for _ in range(times):
        secret = quote(secret, safe="=&" if times == 1 and secret.startswith("a=1") else "")
    wrapped_in = {
        "a value": json.dumps({"v": secret}),
        "a value in JSON in a string": json.dumps({"data": {"animate_params_str": json.dumps({"video_path": secret})}}),
        "a text": f"see {secret} there",
        "a cut body": json.dumps({"v": secret})[:-2],
    }
    redacted = redact(wrapped_in[place].encode(), frozenset(REDACTIONS)).decode()
    assert "hidden" not in redacted
    if place.startswith("a value"):
        json.loads(redacted)


def test_invalid_unicode_and_deep_nesting_pass() -> None:
    """Bytes that are no UTF-8, lone surrogates and a hundred thousand brackets."""
    both = frozenset(REDACTIONS)
    assert redact(b'{"a":"\xff","notify_hook":"x"}', both) == b'{"a":"\xff","notify_hook":""}'
    lone = redact(rb'{"a":"\ud800 https://h?x"}', both)
    assert json.loads(lone)["a"] == "\ud800 https://h"
    deep = b"[" * 100_000 + b'{"notify_hook":"x"}' + b"]" * 100_000
    assert b'"x"' not in redact(deep, both)


def test_hostile_bodies_are_redacted_quickly() -> None:
    """A third of a megabyte of what makes patterns backtrack: what is quadratic takes minutes."""
    for piece in (
        b"\\",
        b"http://",
        b'"notify_hook":"',
        b'\\"',
        b"https://a?",
        b'"',
        b"https%3A%2F%2F",
        b"notify_hook%3D",
        b"%25",
        b"%22notify_hook%22%3A%22",
    ):
        redact(piece * (300_000 // len(piece)), frozenset(REDACTIONS))


def test_nothing_is_done_unless_asked() -> None:
    """The very same bytes."""
    body = b'{"notify_hook":"https://h?x"}'
    assert redact(body, frozenset()) is body


def test_an_unknown_redaction_is_refused() -> None:
    """The message lists those that there are."""
    assert check_redactions(frozenset(REDACTIONS)) == REDACTIONS
    with pytest.raises(UnknownRedaction, match=r"no 'hooks'.*notify_hook and signed_urls"):
        check_redactions(frozenset({"hooks"}))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["https://h/a?b=c", "http://x"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("notify_hook"), inner) | inner.map(json.dumps),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_json_stays_json_and_no_secret_stays(value: object, ensure_ascii: bool) -> None:  # noqa: FBT001 - drawn
    """For anything that can be said in JSON."""
    try:
        body = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    except UnicodeEncodeError:
        return
    redacted = redact(body, frozenset(REDACTIONS))
    json.loads(redacted)
    assert b"?b=c" not in redacted
    assert redact(redacted, frozenset(REDACTIONS)) == redacted
