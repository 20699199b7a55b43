"""`transform` for the answers of `answers.KINDS`, remembered: a hundred loads in the time of five.

`transform` is pure, and what it makes of an answer does not depend on the batch (see tests/transforms). So each kind is
transformed once for each time it may be seen at, and the rows get the keys of the answers at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tests.warehouse.answers import KINDS, MIXED_UP, SURPRISING, SURPRISING_OTHERWISE, Answer, Kind
from transforms import schema
from transforms.flatten import Frames, transform
from transforms.identity import other_id
from transforms.schema import body_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from transforms.failures import FailureRule

KEYS = ("source", "task_id", "segment_id", "run_id")


class Remembered:
    """In the place of `transform`, by the failure rules given."""

    def __init__(self, times: Sequence[datetime], rules: Sequence[FailureRule]) -> None:
        self._rules = rules
        kinds = (*KINDS, *MIXED_UP)
        frames = transform(_frame([_named(kind, at) for kind in kinds for at in times]), rules)
        self._tasks, self._works = _without_keys(frames.tasks), _without_keys(frames.works)
        self._pt_infos, self._observations = _without_keys(frames.pt_infos), _without_keys(frames.observations)
        self._quarantine = _without_keys(frames.quarantine.with_columns(body_hash="task_id"))
        odd = (SURPRISING, SURPRISING_OTHERWISE)
        plain = transform(_frame([_named(kind, times[0]) for kind in kinds if kind not in odd]), self._rules)
        assert plain.schema_drift.is_empty(), "kinds that have surprises are to be in `odd`"
        self._drift = pl.concat(self._drift_of(kind, times[0]) for kind in odd)

    def __call__(self, answers: pl.DataFrame, rules: Sequence[FailureRule]) -> Frames:
        assert rules == self._rules
        keys = answers.select(*KEYS, "observed_at", "body_hash")

        def about(rows: pl.DataFrame, names: pl.Schema) -> pl.DataFrame:
            return _under_their_ids(keys.join(rows, on=("observed_at", "body_hash"))).select(names.names())

        return Frames(
            tasks=about(self._tasks, schema.TASKS),
            works=about(self._works, schema.WORKS),
            pt_infos=about(self._pt_infos, schema.PT_INFOS),
            observations=about(self._observations, schema.OBSERVATIONS),
            quarantine=about(self._quarantine, schema.QUARANTINE),
            schema_drift=_summarise(keys.join(self._drift, on="body_hash")),
        )

    def _drift_of(self, kind: Kind, at: datetime) -> pl.DataFrame:
        drift = transform(_frame([_named(kind, at)]), self._rules).schema_drift
        return drift.select("json_path", "kind", "json_type", "seen_count", body_hash=pl.lit(body_hash(kind.body)))


def _named(kind: Kind, at: datetime) -> Answer:
    return Answer(body_hash(kind.body), at, kind)


def _frame(answers: Sequence[Answer]) -> pl.DataFrame:
    return pl.DataFrame([one.row() for one in answers], schema=schema.ANSWERS, orient="row")


def _under_their_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """No kind was transformed under the id that it names; some of these rows are."""
    there = [name for name in ("answered_id", "answered_work_id") if name in rows.columns]
    rows = rows.with_columns(other_id(pl.col(name), pl.col("task_id")) for name in there)
    if "quality_flags" not in rows.columns:
        return rows
    is_own = pl.col("answered_id").is_null()
    without = pl.col("quality_flags").list.set_difference(["task_id_differs"])
    return rows.with_columns(quality_flags=pl.when(is_own).then(without).otherwise("quality_flags"))


def _without_keys(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop(*KEYS, strict=False)


def _summarise(found: pl.DataFrame) -> pl.DataFrame:
    summary = (
        found.sort("observed_at", "task_id")
        .group_by("json_path", "kind")
        .agg(
            pl.col("json_type").str.split("|").list.explode().unique().sort().str.join("|"),
            pl.col("observed_at").min().alias("first_seen_at"),
            pl.col("observed_at").max().alias("last_seen_at"),
            pl.col("seen_count").sum(),
            pl.col("task_id").first().alias("example_task_id"),
        )
    )
    return summary.select(schema.SCHEMA_DRIFT.names()).cast(schema.SCHEMA_DRIFT)
