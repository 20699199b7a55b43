"""Tasks, one row per answer that has one: status, times, whose fault a failure is, and quality flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.failures import fail_class, fail_rule
from transforms.identity import other_ids
from transforms.results import with_outcomes
from transforms.values import (
    TERMINAL,
    WORK_RUNNING,
    WORK_SUCCEEDED,
    is_corrected,
    is_implausible,
    object_id_time,
    percent,
    seconds_between,
    status,
    text,
    time,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transforms.failures import FailureRule

#: Differences between clocks up to these, in seconds, are not flagged.
CLOCK_GAP_SECONDS: Final = 300
FUTURE_SECONDS: Final = 60
OBJECT_ID_SECONDS: Final = 2

_TASK_TIMES: Final = ("submit_time", "start_time", "finish_time")
_OF_ANSWER: Final = (
    "row", "source", "task_id", "observed_at", "segment_id", "body_hash", "run_id", "shape", "text_repaired",
    "gateway_version",
)  # fmt: skip
_OF_WORK: Final = (
    "row", "create_time", "raw_create_time", "raw_template_create_time", "web_work_status", "work_video_path",
    "no_wm_work_video_path", "animate_params_error", "animate_id",
)  # fmt: skip
_SECOND: Final = 1e6
_MILLISECOND: Final = 1e3


def flatten_tasks(
    answers: pl.DataFrame,
    columns: pl.DataFrame,
    inner: pl.DataFrame,
    works: pl.DataFrame,
    rules: Sequence[FailureRule],
) -> pl.DataFrame:
    """Tasks in the columns of `schema.TASKS`, with `row`.

    Args:
        answers: the answers with a task or a bare work: `row`, `shape` and the keys of an answer.
        columns: the decoded tasks, by `row`; a bare work has no row here.
        inner: the decoded innermost tasks, by `row`, if there is a gateway behind the gateway.
        works: the flattened works, by `row`.
        rules: the current failure rules.
    """
    task = columns.rename({"task_id": "named_id"}).with_columns(has_task=True)
    work = works.select(_OF_WORK, has_work=True, work_id="id")
    return (
        answers.select(_OF_ANSWER)
        .join(task, on="row", how="left")
        .join(work, on="row", how="left")
        .join(inner.select("row", inner_status="status"), on="row", how="left")
        .with_columns(pl.col("has_task", "has_work").fill_null(value=False))
        .with_columns(_raw_times() + other_ids())
        .with_columns(_status_columns())
        .with_columns(_plain_columns())
        .pipe(with_outcomes, answers)
        .with_columns(_durations(), fail_rule=_if_failed(fail_rule(pl.col("fail_reason"), rules)))
        .with_columns(fail_class=_if_failed(fail_class(pl.col("fail_rule"), rules)))
        .with_columns(quality_flags=_flag_list())
        .sort("row")
    )


def _raw_times() -> list[pl.Expr]:
    return [pl.col(name).alias(f"raw_{name}") for name in _TASK_TIMES]


def _status_columns() -> list[pl.Expr]:
    """`status`, `status_raw`, `is_terminal`; a work without a task has only a `web_work_status` to derive them from."""
    work = pl.col("web_work_status")
    work_status = (
        pl.when(work == WORK_SUCCEEDED)
        .then(pl.lit("SUCCESS"))
        .when(work < 0)
        .then(pl.lit("FAILURE"))
        .when(work == WORK_RUNNING)
        .then(pl.lit("IN_PROGRESS"))
        .otherwise(pl.lit("UNKNOWN"))
    )
    known = pl.when("has_task").then(status(pl.col("status"))).otherwise(work_status)
    raw = pl.when("has_task").then(pl.col("status")).otherwise(pl.col("web_work_status").cast(pl.String))
    return [known.alias("status"), raw.alias("status_raw"), known.is_in(TERMINAL).alias("is_terminal")]


def _plain_columns() -> list[pl.Expr]:
    return [
        *(time(name).alias(name) for name in _TASK_TIMES),
        *(text(name).alias(name) for name in ("action", "notify_hook", "platform")),
        _progress().alias("progress_pct"),
        pl.coalesce(text("properties_origin_model_name"), text("properties_upstream_model_name")).alias("model"),
    ]


def _progress() -> pl.Expr:
    """`progress` in percent. For a success, 1 means 1 of 1 and not 1%."""
    is_whole = (pl.col("status") == "SUCCESS") & pl.col("progress").str.strip_chars().str.contains(r"^1(\.0*)?$")
    return pl.when(is_whole).then(100.0).otherwise(percent("progress"))


def _if_failed(value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("status") == "FAILURE").then(value)


def _durations() -> list[pl.Expr]:
    """The durations; null if the end is in the future, because then the clock or the unit is wrong."""
    return [
        pl.when(~_is_in_future(end)).then(seconds_between(start, end)).alias(name)
        for name, start, end in (
            ("queue_seconds", "submit_time", "start_time"),
            ("run_seconds", "start_time", "finish_time"),
            ("latency_seconds", "submit_time", "finish_time"),
            ("provider_latency_seconds", "create_time", "finish_time"),
        )
    ]


def _is_in_future(column: str) -> pl.Expr:
    return pl.col(column) > pl.col("observed_at") + pl.duration(seconds=FUTURE_SECONDS)


def _flags() -> Mapping[str, pl.Expr]:
    """The quality flags of a task, by name."""
    task, ended = pl.col("has_task"), pl.col("is_terminal")
    submit, start, finish = (pl.col(name) for name in _TASK_TIMES)
    created, submitted_in_ms = pl.col("create_time"), (pl.col("create_time") - submit).dt.total_milliseconds()
    id_gap = object_id_time("work_id") - created.dt.epoch("s")
    started = ended | (pl.col("status") == "IN_PROGRESS")
    inner = status(pl.col("inner_status"))
    return {
        "start_missing": task & started & start.is_null(),
        "finish_missing": task & ended & finish.is_null(),
        "submit_missing": task & submit.is_null(),
        "finish_before_submit": finish < submit,
        "start_out_of_order": (start < submit) | (start > finish),
        "finish_in_future": _is_in_future("finish_time"),
        "units_corrected": pl.any_horizontal(
            *(is_corrected(f"raw_{name}", expected=_SECOND) for name in _TASK_TIMES),
            is_corrected("raw_create_time", expected=_MILLISECOND),
        ),
        "time_implausible": pl.any_horizontal(
            is_implausible(f"raw_{name}") for name in (*_TASK_TIMES, "create_time", "template_create_time")
        ),
        "provider_clock_gap": submitted_in_ms.abs() > CLOCK_GAP_SECONDS * 1000,
        "object_id_time_differs": id_gap.abs() > OBJECT_ID_SECONDS,
        "outer_inner_disagree": _disagreement(inner),
        "result_missing": (pl.col("status") == "SUCCESS") & pl.col("result_url").is_null(),
        "reason_on_success": pl.col("reason_on_success"),
        "params_unreadable": pl.col("animate_params_error").is_not_null(),
        "task_id_differs": pl.col("answered_id").is_not_null(),
        "status_unknown": pl.col("status") == "UNKNOWN",
        "text_repaired": pl.col("text_repaired"),
    }


def _disagreement(inner: pl.Expr) -> pl.Expr:
    """Whether the gateway says that the task has ended and the work or the inner gateway disagrees, or the reverse."""
    outer_ended, outer = pl.col("is_terminal"), pl.col("status")
    work = pl.col("web_work_status")
    by_work = (outer == "SUCCESS") & (work != WORK_SUCCEEDED) | (outer != "SUCCESS") & (work == WORK_SUCCEEDED)
    failed_alone = (outer != "FAILURE") & (work < 0)
    swept = (outer == "FAILURE") & pl.col("fail_class").eq("gateway_timeout") & (work >= 0)
    by_task = pl.col("inner_status").is_not_null() & (outer_ended | inner.is_in(TERMINAL)) & (inner != outer)
    doubts = (by_work, failed_alone, swept, by_task)
    return pl.any_horizontal(doubt.fill_null(value=False) for doubt in doubts)


def _flag_list() -> pl.Expr:
    """The names of the flags that are set. They are joined as text and split: joining lists takes six times as long."""
    named = [pl.when(condition).then(pl.lit(name)) for name, condition in _flags().items()]
    return pl.concat_str(named, separator=" ", ignore_nulls=True).str.extract_all(r"\S+")
