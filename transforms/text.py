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

    polars' cast raises for the whole batch over one byte that is no UTF-8, `strict=False` or not (2.1.0).
    """
    try:
        texts = answers["body"].cast(pl.String)
    except pl.exceptions.ComputeError:
        rows = answers.select("body", "content_type").iter_rows()
        utf8 = pl.Series([_as_utf8(body, content_type) for body, content_type in rows], dtype=pl.Binary)
        texts = utf8.cast(pl.String)
    return texts.str.strip_prefix("\ufeff").alias("text")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_utf8(body: bytes | None, content_type: str | None) -> bytes | None:
    if body is None or _is_utf8(body):
        return body
    declared = _CHARSET.search(content_type or "")
    encodings = [name for mark, name in _BOMS if body.startswith(mark)] + ([declared[1]] if declared else [])
    for encoding in encodings:
        try:
            return body.decode(encoding).encode()
        except (UnicodeError, LookupError):
            continue
    return None
