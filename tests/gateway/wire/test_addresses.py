"""Which base URLs a client accepts."""

import pytest

from gateway.client import check_base_url
from gateway.errors import InvalidBaseUrl
from gateway.wire.addresses import without_query


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("https://host", "https://host"),
        (" https://host/ ", "https://host"),
        ("HTTP://Host:8080/a/b/", "http://host:8080/a/b"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("http://127.0.0.1:1//", "http://127.0.0.1:1"),
    ],
)
def test_a_base_url_is_normalised(text: str, base_url: str) -> None:
    """No slash at its end."""
    assert check_base_url(text) == base_url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with http"),
        ("host.example", "does not begin with http"),
        ("ftp://host", "neither http"),
        ("https://", "has no host"),
        ("https:///path", "has no host"),
        ("https://user:hidden@host", "user name or password"),
        ("user:hidden@host", "does not begin with http"),
        ("https://host?key=hidden", "query or fragment"),
        ("https://host/#hidden", "query or fragment"),
        ("https://host:port", "cannot be read"),
        ("http://127.0.0.1:99999", "ports go from 1 to 65535"),
        ("https://host:0/v1", "ports go from 1 to 65535"),
        ("https://[::1]:65536", "ports go from 1 to 65535"),
        ("https://ho st", "has a space"),
        ("https://host/v1/avatar/task/", "which is added automatically"),
    ],
)
def test_other_texts_are_refused_without_repeating_a_secret(text: str, reason: str) -> None:
    """The message says what is wrong and what one looks like."""
    with pytest.raises(InvalidBaseUrl, match=reason) as caught:
        check_base_url(text)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/login?next=1#x", "/login"),
        ("https://u:p@host:1/a?b", "https://host:1/a"),
        ("//host/a", "//host/a"),
        ("", ""),
    ],
)
def test_a_redirect_is_shown_without_what_may_be_secret(location: str, shown: str) -> None:
    """Neither user nor query nor fragment."""
    assert without_query(location) == shown
