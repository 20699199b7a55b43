"""Which texts can be task ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, InvalidTaskId
from gateway.ids import check_task_id, why_invalid


@pytest.mark.parametrize(
    "text",
    ["57b9ba07db5e4ed5bf18ebb4179a826d", "task_" + "A" * 32, "a", "x" * 191, "a.b~c:d-e_f", "-", "~", "a..b"],
)
def test_ids_that_gateways_issue_are_valid(text: str) -> None:
    """And come back as they are."""
    assert check_task_id(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("x" * 192, "longer than 191 characters"),
        ("a/b", "has a character that no task id has: '/'"),
        ("a b", "has a character that no task id has: ' '"),
        ("a\n", r"has a character that no task id has: '\n'"),
        ("a?b", "has a character that no task id has: '?'"),
        ("%2e", "has a character that no task id has: '%'"),
        ("任务", "has a character that no task id has: '任'"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".a", "begins with a dot"),
    ],
)
def test_other_texts_are_not_and_say_why(text: str, reason: str) -> None:
    """In a few words that can stand in a table."""
    assert why_invalid(text) == reason
    with pytest.raises(InvalidTaskId) as caught:
        check_task_id(text)
    assert (caught.value.task_id, caught.value.reason) == (text, reason)
    assert isinstance(caught.value, GatewayError)
    assert len(str(caught.value)) < 250


@given(st.text(max_size=200))
def test_a_valid_id_is_one_path_segment(text: str) -> None:
    """Nothing that is let through can leave the endpoint's path."""
    if why_invalid(text) is None:
        assert not set(text) & set("/\\?#%@ \r\n\t")
        assert text not in {"", ".", ".."}
        assert text.isascii()
