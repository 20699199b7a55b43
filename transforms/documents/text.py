"""Decodes bytes to text: UTF-8, and the other encodings that some servers send."""

from __future__ import annotations

import codecs
import re
from typing import Final

import polars as pl

from transforms.wording import well_formed

_CHARSET: Final = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_BOMS: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

#: An escape in JSON: a high surrogate and the low surrogate after it, a low surrogate alone, or any other.
_ESCAPE: Final = re.compile(
    r"""
    \\(?:
        u(?P<high>[dD][89abAB][0-9a-fA-F]{2}) (?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?
      | (?P<alone>u[dD][c-fC-F][0-9a-fA-F]{2})
      | .
    )
    """,
    re.VERBOSE | re.DOTALL,
)


def decode_bodies(answers: pl.DataFrame) -> pl.DataFrame:
    """The bodies of `answers` (`body`, `content_type`) as `text`, without a byte order mark, and `text_repaired`.

    UTF-8 first; only bodies that are not UTF-8 are tried, one by one, as UTF-16 with a byte order mark and as the
    declared charset. If none of them fits, a body is decoded as UTF-8 with U+FFFD for every invalid byte, and
    `text_repaired` is true. `text` is null if there is no body.

    polars' cast raises for the whole batch because of one invalid byte, even with `strict=False` (2.1.0).
    """
    try:
        texts, repaired = answers["body"].cast(pl.String), pl.repeat(value=False, n=answers.height, eager=True)
    except pl.exceptions.ComputeError:
        read = [_as_text(body, content_type) for body, content_type in answers.select("body", "content_type").rows()]
        texts = pl.Series([text for text, _ in read], dtype=pl.String)
        repaired = pl.Series([is_repaired for _, is_repaired in read], dtype=pl.Boolean)
    if texts.str.starts_with("\ufeff").any():  # few have one, and the check copies nothing
        texts = texts.str.strip_prefix("\ufeff")
    return pl.DataFrame({"text": texts, "text_repaired": repaired})


def with_whole_characters(docs: pl.DataFrame) -> pl.DataFrame:
    r"""Those of `docs` (`row`, `text`) with a lone surrogate in a JSON escape (`\ud83d` alone), replaced by U+FFFD.

    DuckDB's parser rejects a whole document because of a lone surrogate, as RFC 8259 allows.
    """
    suspects = docs.filter(pl.col("text").str.contains(r"\u", literal=True))
    repaired = [_ESCAPE.sub(_whole, text) for text in suspects["text"]]
    changed = suspects.with_columns(repaired=pl.Series(repaired, dtype=pl.String)).filter(
        pl.col("repaired") != pl.col("text")
    )
    return changed.select("row", text="repaired")


def _whole(escape: re.Match[str]) -> str:
    is_half = (escape["high"] and not escape["low"]) or escape["alone"]
    return r"\ufffd" if is_half else escape[0]


def _as_text(body: bytes | None, content_type: str | None) -> tuple[str | None, bool]:
    """The text of one body, and whether characters in it were replaced."""
    if body is None:
        return None, False
    declared = _CHARSET.search(content_type or "")
    encodings = [name for mark, name in _BOMS if body.startswith(mark)] + ([declared[1]] if declared else [])
    for encoding in ("utf-8", *encodings):
        try:
            return body.decode(encoding).encode().decode(), False  # some codecs produce lone surrogates
        except (UnicodeError, LookupError):
            continue
    return _repaired(body), True


def _repaired(body: bytes) -> str:
    """UTF-8 with U+FFFD for invalid bytes. Two surrogates of three bytes each (CESU-8, Java) become one character."""
    try:
        return well_formed(body.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace")
