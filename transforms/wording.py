"""Words that gateways and providers use to say nothing, and the keys under which they say what went wrong."""

from __future__ import annotations

import json
from typing import Any, Final

#: Texts, in lower case, that are there and say nothing: neither an address nor a reason.
NOTHING: Final = (
    "", "null", "none", "nil", "nan", "undefined", "n/a", "-", "[]", "{}", '""', "[null]", '[""]',
)  # fmt: skip

#: Texts, in lower case, that say that all is well, and so are no reason for a failure.
ALL_IS_WELL: Final = (
    "ok", "success", "succeed", "succeeded", "successful", "successfully", "done", "completed", "成功", "请求成功",
    "操作成功",
)  # fmt: skip

#: Reasons, in lower case, that only repeat that it failed: good enough when there is no other.
ONLY_FAILED: Final = ("fail", "failed", "failure", "error", "task failed", "任务失败", "失败")

#: Codes of an envelope, in lower case, that say that all is well.
OK_CODES: Final = ("success", "0", "200", "ok")

#: Keys under which an object says what went wrong, most telling first, as `plain_key` gives them.
_EXPLAINING_KEYS: Final = (
    "taskstatusmsg", "failreason", "failmsg", "errormessage", "errormsg", "errmsg", "statusmsg", "error", "reason",
    "message", "msg", "detail",
)  # fmt: skip

#: Longer documents are not parsed a second time: what they say is read from their first characters by people.
_LONGEST_CHARACTERS: Final = 2**20

_QUOTED_LEVELS: Final = 3


def plain_key(key: str) -> str:
    """A key without the case and the separators by which gateways differ: `task_id`, `taskId` and `TaskID` are one."""
    return key.replace("_", "").replace("-", "").lower()


def parsed(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON value of `text`, also where it is quoted several times; None where it is none, too deep or too long.

    Numbers are texts. Of a repeated key the first value that says something counts, so that no later one hides it.
    """
    value: Any = text
    for _ in range(_QUOTED_LEVELS):
        if not isinstance(value, str) or len(value) > _LONGEST_CHARACTERS:
            break
        try:
            value = json.loads(value, object_pairs_hook=_first_that_speaks, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return None
    return value


def opened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """`value`, or what is in it where it is a string that holds a JSON object or list; broken JSON is a text."""
    inside = parsed(value) if isinstance(value, str) and value.lstrip()[:1] in {"{", "[", '"'} else None
    return value if inside is None else inside


def is_empty(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a value is there only for its key: null, blank, {} or []."""
    return value is None or value in ({}, []) or (isinstance(value, str) and value.strip().lower() in NOTHING)


def word(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A scalar as a word in lower case; '' for anything else."""
    return str(value).strip().lower() if isinstance(value, str | int) else ""


def is_telling(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a value is a text that says more than that all is well, or that something failed."""
    said = word(value) if isinstance(value, str) else ""
    return said not in NOTHING and said not in ALL_IS_WELL and said not in ONLY_FAILED


def explanation(layer: dict[str, Any]) -> str | None:
    """What one object says of what went wrong, in its own words; None where it does not."""
    values = {plain_key(key): value for key, value in reversed(layer.items())}
    for key in _EXPLAINING_KEYS:
        if is_telling(values.get(key)):
            return well_formed(values[key].strip())
    return None


def well_formed(text: str) -> str:
    """`text` with U+FFFD for every half of a character, which no UTF-8 can hold; two halves become what they mean."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first_that_speaks(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found.clear()
    for key, value in pairs:
        if key not in found or (is_empty(found[key]) and not is_empty(value)):
            found[key] = value
    return found
