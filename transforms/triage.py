"""What an answer is: one of eight outcomes, and for those nobody can read, why.

`task`, `missing`, `denied`, `throttled`, `server_error`, `transport_error`, `malformed`, `oversized`.
"""

# ruff: noqa: PLR2004 - HTTP statuses are their own names

from __future__ import annotations

from typing import Final

import polars as pl

#: Outcomes that go to quarantine: an answer came and could not be understood.
UNREADABLE: Final = ("malformed", "oversized")

_NO_SUCH_TASK: Final = ("task_not_exist", "task_not_found", "record not found")
_SERVER_FAILED: Final = ("get_task_failed",)
_OK_CODES: Final = ("success", "0", "200", "ok")

_http = pl.col("http_status")
_error_kind = pl.col("error").str.extract(r"^([a-z_]+):").fill_null("")
_code = pl.col("code").str.strip_chars().str.to_lowercase().fill_null("")
_text = pl.col("text")
_nothing = (pl.col("end") == "empty") & pl.col("letters").is_in(["", "e", "ee", "eee"]) & pl.col("is_json")

#: (outcome, reason, condition): the first that holds decides.
_RULES: Final = (
    ("oversized", "oversized", pl.col("body_cut")),
    ("malformed", "redirect", _error_kind == "redirect"),
    ("malformed", "wrong_encoding", _error_kind == "encoding"),
    ("denied", None, _http.is_in([401, 403])),
    ("throttled", None, _http == 429),
    ("transport_error", None, pl.col("error").is_not_null() | _http.is_null()),
    ("missing", None, _code.is_in(_NO_SUCH_TASK) & (_http < 500)),
    ("server_error", None, (_http >= 500) | (_http == 408) | _code.is_in(_SERVER_FAILED)),
    ("task", None, pl.col("shape").is_not_null() & _http.is_between(200, 299)),
    ("malformed", "empty_body", pl.col("body").bin.size().fill_null(0) == 0),
    ("malformed", "not_text", _text.is_null()),
    ("malformed", "html", _text.str.contains(r"^(?i)\s*<(!doctype|html|head|body)")),
    ("malformed", "wrong_path", _http == 404),
    ("malformed", "http_error", ~_http.is_between(200, 299)),
    ("malformed", "not_json", ~pl.col("is_json")),
    ("missing", None, _nothing & _code.is_in([*_OK_CODES, ""]) & (pl.col("letters") != "")),
    ("malformed", "error_answer", (pl.col("end") == "error") | _nothing & (_code != "")),
    ("malformed", "unknown_shape", pl.lit(value=True)),
)


def outcome() -> pl.Expr:
    """The outcome of an answer, from its facts (`http_status`, `error`, `body_cut`, `body`) and its walk."""
    return pl.coalesce(pl.when(condition).then(pl.lit(name)) for name, _, condition in _RULES)


def reason() -> pl.Expr:
    """Why an answer is unreadable; null for the others. Meaningful only where `outcome` is one of `UNREADABLE`."""
    return pl.coalesce(pl.when(condition).then(pl.lit(why or "")) for _, why, condition in _RULES)
