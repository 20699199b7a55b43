"""Turns answers into frames: `transform`, the pure function that calls all other modules of the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms import schema, triage
from transforms.documents import decode, drift, objects
from transforms.documents.fields import ENVELOPE, INNER_ENVELOPE, TASK, WORK
from transforms.documents.locate import Located, Place, locate, shape
from transforms.documents.text import decode_bodies
from transforms.documents.videos import SHAPE as VIDEO
from transforms.documents.videos import with_tasks
from transforms.params import Params, read_params
from transforms.payloads import with_payloads
from transforms.replies import interpret_all
from transforms.tasks import flatten_tasks
from transforms.works import flatten_works

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.failures import FailureRule

_EXCERPT_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Frames:
    """The content of some answers, in the schemas of `transforms.schema`."""

    tasks: pl.DataFrame
    works: pl.DataFrame
    pt_infos: pl.DataFrame
    observations: pl.DataFrame
    quarantine: pl.DataFrame
    schema_drift: pl.DataFrame


def transform(answers: pl.DataFrame, rules: Sequence[FailureRule]) -> Frames:
    """Flatten answers (schema `ANSWERS`, any number, any content) with the given failure rules.

    Pure: the same answers give the same rows, however they are divided into batches. Every answer becomes one row of
    `observations`, whose `outcome` says whether it also becomes a row of `tasks`, of `quarantine`, or of neither. Never
    raises because of an answer's content.
    """
    answers = answers.cast(schema.ANSWERS).with_columns(decode_bodies(answers).get_columns()).with_row_index("row")
    with decode.connect() as con:
        docs, videos = with_tasks(answers.select("row", "text"))
        located = locate(con, docs)
        triaged = _triage(answers, located, videos)
        good = triaged.filter(pl.col("outcome") == "task")
        envelope, task, work = objects.read(con, _within(located.outer, good), ENVELOPE, TASK, WORK)
        inner_envelope, inner_task = objects.read(con, _within(located.inner, good), INNER_ENVELOPE, TASK)
        params = read_params(con, work.columns)
    works = flatten_works(good, work.columns, params)
    good = _with_repairs(good, located.repaired, params.repaired)
    payloads = pl.concat([located.leftovers.select("row", "value"), videos])
    columns = with_payloads(task.columns, payloads)
    tasks = flatten_tasks(good, columns, inner_task.columns, works, rules)
    read = (task, work, params, envelope, inner_envelope)
    found = [*(one.surprises for one in read), _payload_surprises(good, located), _renamed_envelopes(triaged)]
    return Frames(
        tasks=tasks.select(schema.TASKS.names()).cast(schema.TASKS),
        works=_works(works, tasks),
        pt_infos=_pt_infos(good, params),
        observations=_observations(triaged, tasks),
        quarantine=_quarantine(triaged),
        schema_drift=drift.summarise(pl.concat(found), triaged),
    )


def _triage(answers: pl.DataFrame, located: Located, videos: pl.DataFrame) -> pl.DataFrame:
    """`answers` with `letters`, `shape`, the columns of `REPLIES`, `outcome` and `reason`."""
    is_video = pl.col("row").is_in(videos["row"].implode())
    named = pl.when(is_video).then(pl.lit(VIDEO)).otherwise(shape(pl.col("letters")))
    walked = answers.join(located.walks, on="row", how="left").with_columns(named.alias("shape"))
    is_silent = (pl.col("shape").is_null() & pl.col("is_json")).fill_null(value=False)
    silent = walked.filter(is_silent).select("row", "text")
    said = silent.join(interpret_all(silent["text"]), on="text").drop("text")
    return (
        walked.join(said, on="row", how="left")
        .with_columns(triage.outcome().alias("outcome"), triage.reason().alias("reason"))
        .sort("row")
    )


def _with_repairs(answers: pl.DataFrame, *repaired: pl.DataFrame) -> pl.DataFrame:
    """`answers` with `text_repaired` also set for the rows in `repaired`, where a lone surrogate was replaced."""
    rows = pl.concat(repaired)
    return (
        answers
        if rows.is_empty()
        else answers.with_columns(pl.col("text_repaired") | pl.col("row").is_in(rows["row"].implode()))
    )


def _renamed_envelopes(triaged: pl.DataFrame) -> pl.DataFrame:
    """Tasks under unexpected keys, as surprises with the path of each."""
    renamed = triaged.filter(pl.col("reason") == "renamed_envelope")
    kind, json_type = pl.lit("unknown_field"), pl.lit("OBJECT")
    return renamed.select("row", json_path="task_path", kind=kind, json_type=json_type).cast(drift.SURPRISES)


def _within(places: list[Place], answers: pl.DataFrame) -> list[Place]:
    return [Place(place.docs.join(answers, on="row", how="semi"), place.levels) for place in places]


def _payload_surprises(good: pl.DataFrame, located: Located) -> pl.DataFrame:
    """Payloads of tasks that are neither empty nor a work, as surprises."""
    leftovers = located.leftovers.drop("value").join(good, on="row", how="semi").with_columns(path=pl.lit("data"))
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
    detail = pl.coalesce("error", _renamed_detail(), "message", _http_detail()).alias("detail")
    return unreadable.with_columns(excerpt, detail).select(schema.QUARANTINE.names()).cast(schema.QUARANTINE)


def _renamed_detail() -> pl.Expr:
    said = pl.format(": {}", pl.col("message")).fill_null("")
    where = pl.format("a task under unexpected keys is at {}{}", pl.col("task_path"), said)
    return pl.when(pl.col("reason") == "renamed_envelope").then(where)


def _http_detail() -> pl.Expr:
    return pl.format("HTTP {}, {}", pl.col("http_status"), pl.col("content_type").fill_null("no content type"))
