"""Answers to frames: the whole of this room in one pure function, `transform`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms import decode, drift, objects, schema, triage
from transforms.fields import ENVELOPE, INNER_ENVELOPE, TASK, WORK
from transforms.locate import Located, Place, locate, shape
from transforms.params import Params, read_params
from transforms.tasks import flatten_tasks
from transforms.text import decode_bodies
from transforms.works import flatten_works

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.failures import FailureRule

_EXCERPT_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Frames:
    """What some answers say, in the schemas of `transforms.schema`."""

    tasks: pl.DataFrame
    works: pl.DataFrame
    pt_infos: pl.DataFrame
    observations: pl.DataFrame
    quarantine: pl.DataFrame
    schema_drift: pl.DataFrame


def transform(answers: pl.DataFrame, rules: Sequence[FailureRule]) -> Frames:
    """Flatten answers (schema `ANSWERS`, any number, any content) by the failure rules in force.

    Pure: the same answers give the same rows, whatever batch they come in. Every answer becomes one row of
    `observations`, and either one of `tasks`, or one of `quarantine`, or an outcome that says why there is neither.
    Never raises for what an answer holds.
    """
    answers = answers.cast(schema.ANSWERS).with_columns(decode_bodies(answers)).with_row_index("row")
    with decode.connect() as con:
        located = locate(con, answers.select("row", "text"))
        triaged = _triage(con, answers, located)
        good = triaged.filter(pl.col("outcome") == "task")
        envelope, task, work = objects.read(con, _within(located.outer, good), ENVELOPE, TASK, WORK)
        inner_envelope, inner_task = objects.read(con, _within(located.inner, good), INNER_ENVELOPE, TASK)
        params = read_params(con, work.columns)
    works = flatten_works(good, work.columns, params)
    tasks = flatten_tasks(good, task.columns, inner_task.columns, works, rules)
    read = (task, work, params, envelope, inner_envelope)
    found = [*(one.surprises for one in read), _payload_surprises(good, located)]
    return Frames(
        tasks=tasks.select(schema.TASKS.names()).cast(schema.TASKS),
        works=_works(works, tasks),
        pt_infos=_pt_infos(good, params),
        observations=_observations(triaged, tasks),
        quarantine=_quarantine(triaged),
        schema_drift=drift.summarise(pl.concat(found), good),
    )


def _triage(con: decode.Connection, answers: pl.DataFrame, located: Located) -> pl.DataFrame:
    """`answers` with `letters`, `shape`, `code`, `message`, `outcome` and `reason`."""
    walked = answers.join(located.walks, on="row", how="left").with_columns(shape(pl.col("letters")).alias("shape"))
    silent = walked.filter(pl.col("shape").is_null())
    said = decode.messages(con, silent)
    return (
        walked.join(said, on="row", how="left")
        .with_columns(triage.outcome().alias("outcome"), triage.reason().alias("reason"))
        .sort("row")
    )


def _within(places: list[Place], answers: pl.DataFrame) -> list[Place]:
    return [Place(place.docs.join(answers, on="row", how="semi"), place.levels) for place in places]


def _payload_surprises(good: pl.DataFrame, located: Located) -> pl.DataFrame:
    """Payloads of tasks that are neither empty nor a work."""
    leftovers = located.leftovers.join(good, on="row", how="semi").with_columns(path=pl.lit("data"))
    return drift.surprises(leftovers, TASK, "type_mismatch")


def _works(works: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    terminal = tasks.select("row", "is_terminal", "answered_id")
    return works.join(terminal, on="row").select(schema.WORKS.names()).cast(schema.WORKS)


def _pt_infos(good: pl.DataFrame, params: Params) -> pl.DataFrame:
    keys = good.select("row", "source", "task_id", "observed_at", "body_hash", "run_id")
    joined = params.pt_infos.join(keys, on="row").sort("row", "pt_index")
    return joined.select(schema.PT_INFOS.names()).cast(schema.PT_INFOS)


def _observations(triaged: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    told = tasks.select("row", "status", "progress_pct", "answered_id", "answered_work_id")
    joined = triaged.join(told, on="row", how="left").sort("row")
    return joined.select(schema.OBSERVATIONS.names()).cast(schema.OBSERVATIONS)


def _quarantine(triaged: pl.DataFrame) -> pl.DataFrame:
    unreadable = triaged.filter(pl.col("outcome").is_in(triage.UNREADABLE))
    excerpt = pl.col("text").str.slice(0, _EXCERPT_CHARACTERS).alias("body_excerpt")
    detail = pl.coalesce("error", "message", _http_detail()).alias("detail")
    return unreadable.with_columns(excerpt, detail).select(schema.QUARANTINE.names()).cast(schema.QUARANTINE)


def _http_detail() -> pl.Expr:
    return pl.format("HTTP {}, {}", pl.col("http_status"), pl.col("content_type").fill_null("no content type"))
