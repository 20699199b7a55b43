"""Which texts are valid task ids: the forms that gateways issue, and nothing that could change the request's path."""

import re

from gateway.errors import InvalidTaskId

MAX_ID_LENGTH = 191
"""Characters; the width of the column in the gateways' own database."""

TASK_ID = re.compile(rf"(?!\.)[A-Za-z0-9_.~:-]{{1,{MAX_ID_LENGTH}}}")
"""Use with `fullmatch`. No slash, percent sign or question mark, and no leading dot, so not `..` either."""

_ALLOWED = re.compile(r"[A-Za-z0-9_.~:-]")

_NOTHING = frozenset(
    {"null", "none", "nil", "nan", "na", "nat", "undefined", "true", "false", "inf", "infinity", "-inf", "-infinity"}
)
"""Words, in any case, that programs write for a missing value or a value of another type."""

_KEY = re.compile(
    r"""
    (?<![A-Za-z0-9]) (?:                            # the `sk-…` in `task-…` is not a key
    (sk|pk|rk)[-_][A-Za-z0-9_-]{8,}                 # this API's own keys, and those of many others
    | gh[a-z]_[A-Za-z0-9]{20,} | github_pat_\w{20,} | glpat-[\w-]{16,}
    | xox[a-z]-[A-Za-z0-9-]{10,}
    | (AKIA|ASIA)[A-Z0-9]{16} | AIza[\w-]{30,}
    | eyJ[\w-]{5,}\.[\w-]+\.[\w-]*                 # a JSON web token
    )
    """,
    re.VERBOSE,
)


def why_invalid(text: str) -> str | None:
    """Why `text` cannot be a task id, in a few words, or None if it can."""
    if TASK_ID.fullmatch(text):
        return _why_not_meant(text)
    if not text:
        return "empty"
    if len(text) > MAX_ID_LENGTH:
        return f"longer than {MAX_ID_LENGTH} characters"
    for character in text:
        if not _ALLOWED.match(character):
            return f"has a character that no task id has: {character!r}"
    return "begins with a dot"


def looks_like_key(text: str) -> bool:
    """Whether `text` contains what looks like a secret key; such a text is never sent or printed."""
    return bool(_KEY.search(text))


def _why_not_meant(text: str) -> str | None:
    """Why a text with valid characters only is still not an id; None if it is one."""
    if text.lower() in _NOTHING:
        return "is a placeholder for a missing value"
    return "looks like a secret key" if looks_like_key(text) else None


def check_task_id(text: str) -> str:
    """`text` itself.

    Raises:
        InvalidTaskId: it cannot be a task id.
    """
    reason = why_invalid(text)
    if reason is not None:
        raise InvalidTaskId(text, reason)
    return text
