"""The result of a task: its URL, or why it failed.

Gateways mix the two up: old ones put the URL of the result into `fail_reason`, new ones the reason of a failure into
`result_url`. So the status and the form of the text decide which of the two it is.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from transforms.payloads import deeper_result
from transforms.values import STATUSES
from transforms.wording import ALL_IS_WELL, NOTHING, ONLY_FAILED, explanation, opened, parsed, plain_key, word

#: An address of any kind: `https://…`, `oss://…`, `//host/…`, `/path`, `data:…,…`. Some contain spaces.
_ADDRESS: Final = r"^(?i)(?:(?:[a-z][a-z0-9+.-]*:)?//\S|data:[^,\s]*,|/[^\s/]\S*$)"

#: The same without spaces: the fields of a failed task may contain a sentence that begins with an address.
_ADDRESS_ALONE: Final = r"^(?i)(?:(?:[a-z][a-z0-9+.-]*:)?//\S+|data:[^,\s]*,\S*|/[^\s/]\S*)$"

#: A text in quotes, or the only text in a JSON list.
_QUOTED: Final = r"^(?:\[\s*)?\"((?:[^\"\\]|\\/)+)\"(?:\s*\])?$"

#: The part of a `data:` URL before its content, which is the result itself: it is stored with the URL's length.
_INLINE_PREFIX: Final = r"^([^,]{0,100})"

#: Keys of an answer that may contain the object that failed.
_CONTAINERS: Final = ("data", "error", "errors", "result", "output", "response", "baseresp", "task")
_STATUS_KEYS: Final = ("status", "taskstatus", "state")
_DEEPEST: Final = 8


#: The form of nearly all addresses.
_PLAIN_ADDRESS: Final = r"^https?://[^\s\"]+$"


def with_outcomes(tasks: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`tasks` with `result_url`, `fail_reason` and `reason_on_success`.

    Most tasks have no reason and at most a plain address; only the others are examined closely.

    Args:
        tasks: one row per task: `row`, `status`, and the fields as sent.
        answers: the answers of these tasks: `row`, `text`.
    """
    succeeded, result = pl.col("status") == "SUCCESS", pl.col("result_url")
    from_work = pl.coalesce("work_video_path", "no_wm_work_video_path")
    tasks = tasks.with_columns(is_plain=result.str.contains(_PLAIN_ADDRESS).fill_null(value=False))
    is_odd = pl.any_horizontal(
        pl.col("status") == "FAILURE",
        pl.col("fail_reason").str.contains(r"\S"),
        ~pl.col("is_plain") & result.str.contains(r"\S"),
        ~pl.col("is_plain") & succeeded & ~from_work.str.contains(_PLAIN_ADDRESS).fill_null(value=False),
    )
    odd = tasks.filter(is_odd.fill_null(value=False))
    examined = odd.select("row", "status", *_outcome_columns())
    named = _with_deeper_reasons(_with_inline_results_named(_with_deeper_results(examined, answers)), answers)
    found = named.select(
        "row", odd_url="result_url", odd_reason="fail_reason", reason_on_success="reason_on_success", is_odd=True
    )
    plain = pl.when("is_plain").then(result).when(succeeded).then(from_work)
    joined = tasks.join(found, on="row", how="left")
    return joined.with_columns(
        result_url=pl.when("is_odd").then("odd_url").otherwise(plain),
        fail_reason="odd_reason",
        reason_on_success=pl.col("reason_on_success").fill_null(value=False),
    ).drop("odd_url", "odd_reason", "is_odd", "is_plain")


def _outcome_columns() -> list[pl.Expr]:
    succeeded, failed = pl.col("status") == "SUCCESS", pl.col("status") == "FAILURE"
    reason, result = _said("fail_reason"), _unquoted(_said("result_url"))
    is_address = pl.when(failed).then(result.str.contains(_ADDRESS_ALONE)).otherwise(result.str.contains(_ADDRESS))
    address = pl.when(is_address).then(result)
    address_in_reason = pl.when(succeeded & _unquoted(reason).str.contains(_ADDRESS)).then(_unquoted(reason))
    from_work = pl.when(succeeded).then(pl.coalesce(_said("work_video_path"), _said("no_wm_work_video_path")))
    text_in_result = pl.when(failed & ~is_address).then(result)
    other = pl.when(succeeded & ~_is_in(result, ALL_IS_WELL)).then(result)
    why = pl.when(~_is_in(reason, ALL_IS_WELL)).then(pl.col("fail_reason"))  # as sent
    return [
        pl.coalesce(address, address_in_reason, from_work, other).alias("result_url"),
        pl.when(~succeeded).then(pl.coalesce(_telling(why), _telling(text_in_result), why)).alias("fail_reason"),
        (succeeded & why.is_not_null() & address_in_reason.is_null()).alias("reason_on_success"),
    ]


def _with_deeper_results(tasks: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`tasks`, where successes without a result get one from deeper in their `answers` (`row`, `text`)."""
    without = tasks.filter((pl.col("status") == "SUCCESS") & pl.col("result_url").is_null())
    answered = without.select("row").join(answers.select("row", "text"), on="row")
    results = pl.Series([deeper_result(text) for text in answered["text"]], dtype=pl.String)
    if results.null_count() == results.len():
        return tasks
    joined = tasks.join(answered.select("row", deeper=results), on="row", how="left")
    return joined.with_columns(result_url=pl.coalesce("result_url", "deeper")).drop("deeper")


def _with_inline_results_named(tasks: pl.DataFrame) -> pl.DataFrame:
    """`tasks` with `data:video/mp4;base64 (264 characters)` for a `result_url` that contains the result itself."""
    url = pl.col("result_url")
    is_inline = url.str.contains("^(?i)data:").fill_null(value=False)
    if not tasks.select(is_inline.any()).item():
        return tasks
    named = pl.format("{} ({} characters)", url.str.extract(_INLINE_PREFIX), url.str.len_chars())
    return tasks.with_columns(result_url=pl.when(is_inline).then(named).otherwise(url))


def _with_deeper_reasons(tasks: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`tasks`, where failures without a specific reason get one from deeper in their `answers` (`row`, `text`)."""
    is_unexplained = (pl.col("status") == "FAILURE") & (
        pl.col("fail_reason").is_null() | _is_in(pl.col("fail_reason"), ONLY_FAILED)
    )
    unexplained = tasks.filter(is_unexplained).select("row").join(answers.select("row", "text"), on="row")
    reasons = pl.Series([deeper_reason(text) for text in unexplained["text"]], dtype=pl.String)
    if reasons.null_count() == reasons.len():
        return tasks
    found = unexplained.select("row", deeper=reasons)
    joined = tasks.join(found, on="row", how="left")
    return joined.with_columns(fail_reason=pl.coalesce("deeper", "fail_reason")).drop("deeper")


def deeper_reason(text: str) -> str | None:
    """The reason of the innermost object that failed, in the text of an answer; None if there is none."""
    return _innermost(parsed(text), depth=0)


def _innermost(value: Any, depth: int) -> str | None:  # noqa: ANN401 - any JSON value
    content = opened(value)
    if isinstance(content, list):
        content = next(iter(content), None)
    if not isinstance(content, dict) or depth > _DEEPEST:
        return None
    values = {plain_key(key): inside for key, inside in reversed(content.items())}
    inner = (_innermost(values[key], depth + 1) for key in _CONTAINERS if key in values)
    return next(filter(None, inner), None) or (explanation(content) if _may_have_failed(values) else None)


def _may_have_failed(values: dict[str, Any]) -> bool:
    """Whether an object's status is missing, unknown or FAILURE."""
    words = [word(values.get(key)) for key in _STATUS_KEYS]
    return all(STATUSES.get(one, "FAILURE") == "FAILURE" for one in words)


def _said(column: str) -> pl.Expr:
    """The stripped text, or null if it has no information."""
    said = pl.col(column).str.strip_chars()
    return pl.when(~_is_in(said, NOTHING)).then(said)


def _telling(reason: pl.Expr) -> pl.Expr:
    return pl.when(~_is_in(reason, (*ALL_IS_WELL, *ONLY_FAILED))).then(reason)


def _unquoted(said: pl.Expr) -> pl.Expr:
    """A text in quotes or alone in a JSON list, unquoted; anything else unchanged."""
    return pl.coalesce(said.str.extract(_QUOTED).str.replace_all(r"\/", "/", literal=True), said)


def _is_in(said: pl.Expr, words: tuple[str, ...]) -> pl.Expr:
    return said.str.strip_chars().str.to_lowercase().is_in(words)
