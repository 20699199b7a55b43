"""Classifies an answer: one of eight outcomes, and for unreadable answers the reason.

`task`, `missing`, `denied`, `throttled`, `server_error`, `transport_error`, `malformed`, `oversized`.
"""

# ruff: noqa: PLR2004 - HTTP statuses are their own names

from __future__ import annotations

from typing import Final

import polars as pl

#: Outcomes that go to quarantine: an answer was received and could not be understood.
UNREADABLE: Final = ("malformed", "oversized")

_http = pl.col("http_status")
_error_kind = pl.col("error").str.extract(r"^([a-z_]+):").fill_null("")
_meaning = pl.col("meaning").fill_null("")
_text = pl.col("text")
_answered = _http.is_between(200, 299)

#: (outcome, reason, condition): the first true condition decides.
_RULES: Final = (
    ("oversized", "oversized", pl.col("body_cut")),
    ("malformed", "redirect", _error_kind == "redirect"),
    ("malformed", "wrong_encoding", _error_kind == "encoding"),
    ("denied", None, (_http == 401) | (_http == 403) & pl.col("is_refusal").fill_null(value=False)),
    ("throttled", None, _http == 429),
    ("transport_error", None, pl.col("error").is_not_null() | _http.is_null()),
    ("missing", None, (_meaning == "no_such_task") & (_http < 500)),
    ("server_error", None, (_http >= 500) | (_http == 408) | (_meaning == "get_task_failed")),
    ("task", None, pl.col("shape").is_not_null() & _answered),
    ("malformed", "empty_body", pl.col("body").bin.size().fill_null(0) == 0),
    ("malformed", "html", _text.str.contains(r"^(?i)\s*<(!doctype|html|head|body)")),
    ("malformed", "not_text", _text.is_null() | pl.col("text_repaired") & ~pl.col("is_json")),
    ("malformed", "wrong_path", _http == 404),
    ("malformed", "http_error", ~_answered),
    ("malformed", "not_json", ~pl.col("is_json")),
    ("malformed", "renamed_envelope", _meaning == "renamed_task"),
    ("server_error", None, _meaning == "failed"),
    ("missing", None, _meaning == "nothing"),
    ("malformed", "error_answer", _meaning == "error"),
    ("malformed", "unknown_shape", pl.lit(value=True)),
)


def outcome() -> pl.Expr:
    """The outcome of an answer, from its facts (`http_status`, `error`, `body_cut`, …), its walk and its reply."""
    return pl.coalesce(pl.when(condition).then(pl.lit(name)) for name, _, condition in _RULES)


def reason() -> pl.Expr:
    """Why an answer is unreadable; null for the others. Only meaningful if `outcome` is one of `UNREADABLE`."""
    return pl.coalesce(pl.when(condition).then(pl.lit(why or "")) for _, why, condition in _RULES)
