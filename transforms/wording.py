"""Placeholder texts of gateways and providers, and the keys under which they explain an error."""

from __future__ import annotations

import json
from typing import Any, Final

#: Texts, in lower case, without information: neither an address nor a reason.
NOTHING: Final = (
    "", "null", "none", "nil", "nan", "undefined", "n/a", "-", "[]", "{}", '""', "[null]", '[""]',
)  # fmt: skip

#: Texts, in lower case, that mean success, and so are not a reason for a failure.
ALL_IS_WELL: Final = (
    "ok", "success", "succeed", "succeeded", "successful", "successfully", "done", "completed", "成功", "请求成功",
    "操作成功",
)  # fmt: skip

#: Reasons, in lower case, that only repeat that the task failed: used if there is no other.
ONLY_FAILED: Final = ("fail", "failed", "failure", "error", "task failed", "任务失败", "失败")

#: Codes of an envelope, in lower case, that mean success.
OK_CODES: Final = ("success", "0", "200", "ok")

#: Keys under which an object explains an error, most specific first, normalized by `plain_key`.
_EXPLAINING_KEYS: Final = (
    "taskstatusmsg", "failreason", "failmsg", "errormessage", "errormsg", "errmsg", "statusmsg", "error", "reason",
    "message", "msg", "detail",
)  # fmt: skip

#: Longer documents are not parsed a second time; quarantine shows their first characters.
_LONGEST_CHARACTERS: Final = 2**20

_QUOTED_LEVELS: Final = 3


def plain_key(key: str) -> str:
    """A key without case and separators: `task_id`, `taskId` and `TaskID` are the same."""
    return key.replace("_", "").replace("-", "").lower()


def parsed(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON value of `text`, also if it is quoted several times; None if it is not JSON, too deep or too long.

    Numbers become texts. For a repeated key the first non-empty value counts, so that a later one cannot hide it.
    """
    value: Any = text
    for _ in range(_QUOTED_LEVELS):
        if not isinstance(value, str) or len(value) > _LONGEST_CHARACTERS:
            break
        try:
            value = json.loads(value, object_pairs_hook=_first_non_empty, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return None
    return value


def opened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """`value`, or its content if it is a string with a JSON object or list; broken JSON stays a text."""
    inside = parsed(value) if isinstance(value, str) and value.lstrip()[:1] in {"{", "[", '"'} else None
    return value if inside is None else inside


def is_empty(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a value has no content: null, blank, {} or []."""
    return value is None or value in ({}, []) or (isinstance(value, str) and value.strip().lower() in NOTHING)


def word(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A scalar as a word in lower case; '' for anything else."""
    return str(value).strip().lower() if isinstance(value, str | int) else ""


def is_telling(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a value is a text that says more than "success" or "failed"."""
    said = word(value) if isinstance(value, str) else ""
    return said not in NOTHING and said not in ALL_IS_WELL and said not in ONLY_FAILED


def explanation(layer: dict[str, Any]) -> str | None:
    """The text by which one object explains the error; None if it has none."""
    values = {plain_key(key): value for key, value in reversed(layer.items())}
    for key in _EXPLAINING_KEYS:
        if is_telling(values.get(key)):
            return well_formed(values[key].strip())
    return None


def well_formed(text: str) -> str:
    """`text` with U+FFFD for every lone surrogate, which UTF-8 cannot encode; pairs become their character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first_non_empty(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found.clear()
    for key, value in pairs:
        if key not in found or (is_empty(found[key]) and not is_empty(value)):
            found[key] = value
    return found
