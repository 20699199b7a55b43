"""The id that an answer names: that of its task, or of its work if there is no task around it.

Gateways write the same id in several ways: in upper or lower case, with or without a prefix (WIRE.md). The plain id is
the lower-case one without the prefix; two ids are the same if their plain ids are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from transforms.values import text

#: What newer gateways put before the id.
PREFIX: Final = "task_"


def plain_id(raw: pl.Expr) -> pl.Expr:
    """The id in lower case, without its prefix; the warehouse has the same function as the SQL macro `plain_id`."""
    return raw.str.strip_chars().str.to_lowercase().str.strip_prefix(PREFIX)


def other_id(answered: pl.Expr, polled: pl.Expr) -> pl.Expr:
    """The id that an answer named, as sent; null if it named none, or if it named the polled id."""
    return pl.when(plain_id(answered) != plain_id(polled)).then(answered)


def other_ids() -> list[pl.Expr]:
    """`answered_id` and `answered_work_id` of a task, from `named_id`, `has_task` and its work's `animate_id`."""
    polled, work_id = pl.col("task_id"), pl.col("animate_id")
    outermost = pl.when("has_task").then(text("named_id")).otherwise(work_id)
    return [
        other_id(outermost, polled).alias("answered_id"),
        pl.when("has_task").then(other_id(work_id, polled)).alias("answered_work_id"),
    ]
