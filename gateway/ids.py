"""Which texts can be task ids: what gateways hand out, and nothing that could leave the endpoint's path."""

import re

from gateway.errors import InvalidTaskId

MAX_ID_LENGTH = 191
"""Characters; the width of the column in the gateways' own database."""

TASK_ID = re.compile(rf"(?!\.)[A-Za-z0-9_.~:-]{{1,{MAX_ID_LENGTH}}}")
"""To be used with `fullmatch`. No slash, percent or question mark, and no leading dot, so no `..` either."""

_ALLOWED = re.compile(r"[A-Za-z0-9_.~:-]")


def why_invalid(text: str) -> str | None:
    """Why `text` cannot be a task id, in a few words, or None if it can."""
    if TASK_ID.fullmatch(text):
        return None
    if not text:
        return "empty"
    if len(text) > MAX_ID_LENGTH:
        return f"longer than {MAX_ID_LENGTH} characters"
    for character in text:
        if not _ALLOWED.match(character):
            return f"has a character that no task id has: {character!r}"
    return "begins with a dot"


def check_task_id(text: str) -> str:
    """`text` itself.

    Raises:
        InvalidTaskId: it cannot be a task id.
    """
    reason = why_invalid(text)
    if reason is not None:
        raise InvalidTaskId(text, reason)
    return text
