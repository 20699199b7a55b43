"""Decide which values are task ids, for text and for values with a type."""

from __future__ import annotations

import functools
import math
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.ids import why_invalid
from pipeline.intake.formats.columns import is_header_word

#: (number of the line, row or argument, from 1; value).
Numbered = tuple[int, object]

#: A float can represent every whole number only below this.
_EXACT_BELOW: Final = 2**53

_WHOLE: Final = re.compile(r"(\d+)\.0+")
_FRACTION: Final = re.compile(r"\d+\.\d+|\d+\.\d+[eE][+-]?\d+|\d+[eE][+-]\d+")

#: What people paste together with an id: white space and invisible characters.
_UNSEEN: Final = " \t\r\n\f\v\u00a0\u200b\u2060\ufeff"

_INEXACT: Final = "is a floating-point number whose last digits are lost: export the column as text"


_KINDS: Final[dict[type, str]] = {dict: "an object", list: "a list"}


@dataclass(frozen=True, slots=True)
class NotAnId:
    """A value that its reader has found not to be an id, and the reason."""

    text: str
    reason: str


def clean(text: str) -> str:
    """`text` without white space and invisible characters around it."""
    return text.strip(_UNSEEN)


@functools.singledispatch
def judge(value: object) -> tuple[str, str | None]:
    """(id, None) if the value is an id; otherwise (text to show, reason)."""
    return "", f"is {_KINDS.get(type(value), 'a value of another kind')}, not a task id"


@judge.register
def _not_an_id(value: NotAnId) -> tuple[str, str | None]:
    return value.text, value.reason


@judge.register
def _nothing(_value: None) -> tuple[str, str | None]:
    return "null", "is a missing value"


@judge.register
def _truth(value: bool) -> tuple[str, str | None]:  # noqa: FBT001 - it is a value of a file
    return str(value).lower(), "is true or false, not an id"


@judge.register
def _text(value: str) -> tuple[str, str | None]:
    text = clean(value)
    reason = why_invalid(text)
    if reason is not None:
        return text, reason
    if is_header_word(text):
        return text, "is the name of a column"
    if found := _WHOLE.fullmatch(text):
        return (found[1], None) if int(found[1][:20]) < _EXACT_BELOW else (text, _INEXACT)
    if _FRACTION.fullmatch(text):
        return text, "is a number with a fraction or an exponent: export the column as text"
    return text, None


@judge.register
def _whole(value: int) -> tuple[str, str | None]:
    if value < 0:
        return "-…", "is a negative number"
    if value.bit_length() > 1024:  # noqa: PLR2004 - Python writes no more than 4,300 digits, and no id has 300
        return "", "is a number of hundreds of digits"
    return str(value), why_invalid(str(value))


@judge.register(float)
@judge.register(Decimal)
def _fractional(value: float | Decimal) -> tuple[str, str | None]:
    if not math.isfinite(value):
        return str(value), "is not a finite number"
    if value != int(value):
        return str(value), "is a number with a fraction"
    if isinstance(value, float) and abs(value) >= _EXACT_BELOW:
        return str(value), _INEXACT
    return _whole(int(value))


@judge.register
def _bytes(value: bytes) -> tuple[str, str | None]:
    try:
        return _text(value.decode("utf-8"))
    except UnicodeDecodeError:
        return "", f"is {len(value):,} bytes that are not text"


@judge.register
def _uuid(value: uuid.UUID) -> tuple[str, str | None]:
    return str(value), None
