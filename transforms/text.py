"""Bytes to text: UTF-8 as everybody sends it, and what a few send instead."""

from __future__ import annotations

import codecs
import re
from typing import Final

import polars as pl

_CHARSET: Final = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_BOMS: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode_bodies(answers: pl.DataFrame) -> pl.Series:
    """The bodies of `answers` (`body`, `content_type`) as text, without a byte order mark.

    UTF-8 first; only bodies that are no UTF-8 are tried, one by one, as UTF-16 with a mark and as the declared charset.
    Null where there is no body or nothing fits.
    """
    text = answers["body"].cast(pl.String, strict=False)
    odd = (text.is_null() & answers["body"].is_not_null()).arg_true()
    if len(odd):
        rows = answers[odd].select("body", "content_type").iter_rows()
        text = text.scatter(odd, [_decode_odd(body, content_type) for body, content_type in rows])
    return text.str.strip_prefix("\ufeff").alias("text")


def _decode_odd(body: bytes, content_type: str | None) -> str | None:
    declared = _CHARSET.search(content_type or "")
    encodings = [name for mark, name in _BOMS if body.startswith(mark)] + ([declared[1]] if declared else [])
    for encoding in encodings:
        try:
            return body.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return None
