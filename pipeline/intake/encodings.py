"""Detect the encoding of a text. Ids are ASCII, so only UTF-16 and UTF-32 have to be told apart from all others."""

from __future__ import annotations

import codecs
from typing import Final

#: UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Control characters that do not occur in texts: all but tab, line feed, form feed and carriage return.
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 12, 13})

#: A text may contain a few of them by accident.
_FORGIVEN: Final = 3
_FORGIVEN_SHARE: Final = 0.02


def encoding_of(head: bytes) -> str | None:
    """The name of the encoding of a text that begins with `head`; None if it is not a text.

    All other encodings are read as UTF-8 with invalid bytes replaced: ids are the same bytes in all of them.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if wide := _wide_without_mark(head):
        return wide
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return "utf-8" if controls <= max(_FORGIVEN, _FORGIVEN_SHARE * len(head)) else None


def _wide_without_mark(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: if the text is nearly all ASCII, every other byte is zero, and only those."""
    half = len(head) // 2
    low, high = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if not half or max(low, high) < 0.8 * half or min(low, high) > 0.02 * half:
        return None
    return "utf-16-le" if high > low else "utf-16-be"
