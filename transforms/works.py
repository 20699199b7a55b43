"""The provider's work (`data.data`), one row per answer that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.documents.fields import WORK, Kind
from transforms.values import text, time, without_query

if TYPE_CHECKING:
    from transforms.params import Params

_TEXTS: Final = [field.column for field in WORK.decoded if field.kind in {Kind.TEXT, Kind.ENCODED}]
_TIMES: Final = [field.column for field in WORK.decoded if field.kind is Kind.TIME]


def flatten_works(answers: pl.DataFrame, columns: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Works in the columns of `schema.WORKS` except `is_terminal`, with `row`, and the times as sent in `raw_…`.

    Args:
        answers: the answers with a task: `row` and the keys of an answer.
        columns: the decoded works, by `row`.
        params: the parsed parameters of these works.
    """
    keys = answers.select("row", "source", "task_id", "observed_at", "body_hash", "run_id")
    return (
        keys.join(columns, on="row")
        .join(params.works, on="row", how="left")
        .with_columns(pl.col("create_time", "template_create_time").name.prefix("raw_"))
        .with_columns(
            *(text(name).alias(name) for name in _TEXTS),
            *(time(name).alias(name) for name in _TIMES),
            _with_params_extras().alias("extras"),
            pl.col("pt_count").fill_null(0),
        )
        .with_columns(_work_text().alias("work_text"))
        .sort("row")
    )


def _work_text() -> pl.Expr:
    """The text whose MD5 is `work_hash`; null if there are no elements."""
    template, image = pl.col("template_id").fill_null(""), without_query("user_image_url").fill_null("")
    return pl.concat_str(template, image, "elements", separator="|")


def _with_params_extras() -> pl.Expr:
    """The work's own extras, and the parameters' under the key `animate_params`."""
    own, nested = pl.col("extras"), pl.format('"animate_params":{}', pl.col("params_extras"))
    both = pl.format("{},{}}}", own.str.strip_suffix("}"), nested)
    return (
        pl.when(pl.col("params_extras").is_null()).then(own).otherwise(pl.coalesce(both, pl.format("{{{}}}", nested)))
    )
