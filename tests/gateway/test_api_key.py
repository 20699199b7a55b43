"""What becomes of a key that a gateway echoes."""

import pytest

from gateway.api_key import ApiKey
from gateway.errors import InvalidApiKey


def test_an_echoed_key_is_masked_in_every_spelling() -> None:
    """A gateway may repeat the key it refuses, also with JSON's escaped slashes."""
    key = ApiKey("sk-a/b-secret")
    assert key.scrub_bytes(rb'{"a":"sk-a/b-secret","b":"sk-a\/b-secret"}') == b'{"a":"***","b":"***"}'


def test_a_key_of_a_letter_or_two_leaves_answers_alone() -> None:
    """Masking every k of an answer would ruin its field names for the sake of a key that opens nothing."""
    assert ApiKey("k").scrub_bytes(b'{"work_name":"k"}') == b'{"work_name":"k"}'


def test_a_key_never_shows_in_its_repr() -> None:
    """Log lines and tracebacks print reprs."""
    assert "sk-secret-1" not in repr(ApiKey("sk-secret-1"))


@pytest.mark.parametrize("text", ["sk with space", "sk\nline", "schlüssel"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_being_repeated(text: str) -> None:
    """The message helps, and holds nothing of the key."""
    with pytest.raises(InvalidApiKey) as refused:
        ApiKey(text)
    assert text not in str(refused.value)
