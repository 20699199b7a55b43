"""Finds the task and the work in an answer, however they are nested.

An answer is walked from its top along `data`: the walk continues through envelopes and tasks, and ends at a work.
Anything deeper than `decode.LEVELS`, and JSON in a string, is extracted and walked next (a *hop*). Each object on the
way adds a letter to the shape, e for envelope, t for task, w for work: `etw` is the plain answer, `ew` a work without
its task, `etew` a gateway behind a gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from transforms.documents import decode
from transforms.documents.fields import ENVELOPE, INNER_ENVELOPE, TASK, WORK
from transforms.documents.text import with_whole_characters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transforms.documents.fields import ObjectSpec

#: After this many hops the rest of an answer is ignored.
HOPS: Final = 5

_NO_TEXT: Final = pl.lit(None, pl.String())
_PER_LEVEL: Final = 1 + len(decode.MARKERS)
_BELOW: Final = len(decode.LEVELS)
_GO_ON: Final = ("string", "below")
_PASSED: Final = {"envelope": "e", "task": "t"}
_LETTERS: Final = {**_PASSED, "work": "w"}
_WORK_MARKERS: Final = ("web_work_status", "animate_id", "work_name", "work_video_path")

#: One row per document: `end` is the kind of object at which the walk ended; the level of a missing object is null.
WALK: Final = pl.Schema(
    {
        "row": pl.UInt32(),
        "hop": pl.Int8(),
        "is_json": pl.Boolean(),
        "letters": pl.String(),
        "end": pl.String(),
        "end_level": pl.Int8(),
        "task_level": pl.Int8(),
        "last_task_level": pl.Int8(),
        "work_level": pl.Int8(),
        "last_envelope_level": pl.Int8(),
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """Documents (`row`, `text`) with the same objects at the same levels."""

    docs: pl.DataFrame
    levels: Mapping[ObjectSpec, int]


@dataclass(frozen=True, slots=True)
class Located:
    """The result of walking some answers.

    Attributes:
        walks: one row per answer: `row`, `is_json`, `letters` of the whole walk, `end` (the kind at which it ended).
        outer: the places of the outermost envelopes, the outermost tasks and the works.
        inner: the places of the innermost envelopes and tasks, if there is a gateway behind the gateway.
        leftovers: `row`, `json_type` and text (`value`) of payloads that are neither empty nor known.
        repaired: `row` of answers that were valid JSON only after a lone surrogate was replaced.
    """

    walks: pl.DataFrame
    outer: list[Place]
    inner: list[Place]
    leftovers: pl.DataFrame
    repaired: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One hop: the documents, their walks, and the `row` of documents that had to be repaired first."""

    docs: pl.DataFrame
    walk: pl.DataFrame
    repaired: pl.DataFrame


def locate(con: decode.Connection, docs: pl.DataFrame) -> Located:
    """Walk every document (`row`, `text`, which may be null) and the JSON in its strings."""
    stretches = [_stretch(con, docs, hop=0)]
    while len(stretches) < HOPS and stretches[-1].walk["end"].is_in(_GO_ON).any():
        ahead = _ahead(con, stretches[-1].docs, stretches[-1].walk)
        stretches.append(_stretch(con, ahead, hop=len(stretches)))
    hops, walks = [one.docs for one in stretches], [one.walk for one in stretches]
    too_far = walks[-1].filter(pl.col("end").is_in(_GO_ON)).select("row", json_type=_json_type_ahead(), value=_NO_TEXT)
    ends = pl.concat([too_far, *(_leftovers(con, hops[hop], walk) for hop, walk in enumerate(walks))])
    every = pl.concat(walks)
    whole = _whole(walks, ends.filter(pl.col("json_type").is_null()))
    outermost = every.filter(pl.col("letters").str.starts_with("e"), hop=0).with_columns(first_level=0)
    is_inner = (pl.col("hop") > 0) | (pl.col("last_envelope_level") > 0)
    nested = every.join(whole.filter(pl.col("letters").str.count_matches("t") > 1), on="row", how="semi")
    outer = {
        ENVELOPE: _levels(outermost, "first_level", keep="first"),
        TASK: _levels(every, "task_level", keep="first"),
        WORK: _levels(every, "work_level", keep="first"),
    }
    inner = {
        INNER_ENVELOPE: _levels(every.filter(is_inner), "last_envelope_level", keep="last"),
        TASK: _levels(nested, "last_task_level", keep="last"),
    }
    repaired = pl.concat(one.repaired for one in stretches).unique()
    return Located(whole, _places(hops, outer), _places(hops, inner), ends.drop_nulls("json_type"), repaired)


def _stretch(con: decode.Connection, docs: pl.DataFrame, hop: int) -> _Stretch:
    """One hop of all answers. Answers that are not JSON only because of a lone surrogate are repaired and retried."""
    walk = _walk(con, docs, hop)
    broken = docs.join(walk.filter(~pl.col("is_json")), on="row", how="semi")
    whole = with_whole_characters(broken)
    if not whole.is_empty():
        docs = pl.concat([docs.join(whole, on="row", how="anti"), whole])
        walk = pl.concat([walk.join(whole, on="row", how="anti"), _walk(con, whole, hop)])
    return _Stretch(docs, walk, whole.select("row"))


def _ahead(con: decode.Connection, docs: pl.DataFrame, walk: pl.DataFrame) -> pl.DataFrame:
    """The next hop's documents: the values below the last level, and the unquoted strings at which walks ended."""
    unfinished = walk.filter(pl.col("end").is_in(_GO_ON)).select("row", "end_level")
    parts = [
        decode.texts_at(con, docs.join(rows, on="row", how="semi"), "$" + ".data" * int(level))
        for (level,), rows in unfinished.group_by("end_level")
    ]
    return pl.concat(parts)


def _json_type_ahead() -> pl.Expr:
    return pl.when(pl.col("end") == "string").then(pl.lit("VARCHAR")).otherwise(pl.lit("OBJECT"))


def _leftovers(con: decode.Connection, docs: pl.DataFrame, walk: pl.DataFrame) -> pl.DataFrame:
    """`row`, `json_type` (null if empty) and `value` of values below the top at which a walk ended without a work."""
    is_below = (pl.col("end_level") > 0) | (pl.col("hop") > 0)
    others = walk.filter(pl.col("end").is_in(["other", "error"]) & is_below).select("row", "end_level")
    parts = [
        decode.empties(con, docs.join(rows, on="row", how="semi"), int(level))
        for (level,), rows in others.group_by("end_level")
    ]
    broken = walk.filter((pl.col("hop") > 0) & ~pl.col("is_json")).join(docs, on="row")
    blank = pl.col("text").str.strip_chars() == ""
    json_type = pl.when(~blank).then(pl.lit("VARCHAR"))
    parts.append(broken.select("row", json_type=json_type, value=_NO_TEXT))
    return pl.concat(parts)


def _whole(walks: Sequence[pl.DataFrame], empty: pl.DataFrame) -> pl.DataFrame:
    """The hops of each answer combined."""
    whole = walks[0].select("row", "is_json", "letters", "end")
    for walk in walks[1:]:
        whole = whole.join(walk.select("row", more="letters", last="end"), on="row", how="left").select(
            "row",
            "is_json",
            pl.concat_str("letters", "more", ignore_nulls=True),
            pl.coalesce("last", "end").alias("end"),
        )
    is_empty = pl.col("row").is_in(empty["row"].implode())
    return whole.with_columns(pl.when(is_empty).then(pl.lit("empty")).otherwise("end").alias("end"))


def _levels(every: pl.DataFrame, column: str, keep: Literal["first", "last"]) -> pl.DataFrame:
    """`row`, `hop` and `level` of the first or the last object of a kind in each answer."""
    found = every.drop_nulls(column).sort("hop").unique("row", keep=keep, maintain_order=True)
    return found.select("row", "hop", level=pl.col(column).cast(pl.Int8))


def _places(hops: list[pl.DataFrame], levels: Mapping[ObjectSpec, pl.DataFrame]) -> list[Place]:
    """Documents grouped by place: those with the same objects at the same levels."""
    columns = [spec.json_path for spec in levels]
    named = [found.rename({"level": column}) for column, found in zip(columns, levels.values(), strict=True)]
    together = pl.concat(named, how="align_full")
    return [
        Place(
            hops[int(hop)].join(rows, on="row", how="semi"),
            {spec: int(level) for spec, level in zip(levels, at, strict=True) if level is not None},
        )
        for (hop, *at), rows in together.group_by("hop", *columns, maintain_order=True)
    ]


def _walk(con: decode.Connection, docs: pl.DataFrame, hop: int) -> pl.DataFrame:
    """Walk each document (`row`, `text`) along `data`, down to the last of `decode.LEVELS`.

    Millions of documents have only a few different `types`, and each of these is walked once.
    """
    probed = decode.probe(con, docs)
    distinct = probed.select(pl.col("types").unique())
    types = distinct.with_columns(pl.col("types").str.json_decode(pl.List(pl.String)).alias("found"))
    kinds = types.select("types", *(_kind(level).alias(f"kind_{level}") for level in range(_BELOW)))
    walked = kinds.select("types", *_steps(kinds.columns[1:])).with_columns(hop=pl.lit(hop))
    joined = probed.join(walked, on="types", how="left", nulls_equal=True)
    return joined.with_columns(is_json=pl.col("types").is_not_null()).select(WALK.names()).cast(WALK)


def _steps(kinds: Sequence[str]) -> list[pl.Expr]:
    """The columns of `WALK`, from the kinds of object at the levels."""
    passed = [pl.col(kind).is_in(list(_PASSED)) for kind in kinds]
    reached = [pl.all_horizontal(pl.lit(value=True), *passed[:level]) for level in range(_BELOW + 1)]
    seen = [pl.when(here).then(kind) for here, kind in zip(reached, kinds, strict=False)]
    tasks = [pl.when(kind == "task").then(level) for level, kind in enumerate(seen)]
    envelopes = [pl.when(kind == "envelope").then(level) for level, kind in enumerate(seen)]
    ends = [pl.when(here & ~passing) for here, passing in zip(reached, passed, strict=False)]
    return [
        pl.concat_str(kind.replace_strict(_LETTERS, default="").fill_null("") for kind in seen).alias("letters"),
        pl.coalesce(*(end.then(kind) for end, kind in zip(ends, kinds, strict=True)), pl.lit("below")).alias("end"),
        pl.coalesce(*(end.then(level) for level, end in enumerate(ends)), _BELOW).alias("end_level"),
        pl.min_horizontal(tasks).alias("task_level"),
        pl.max_horizontal(tasks).alias("last_task_level"),
        pl.coalesce(pl.when(kind == "work").then(level) for level, kind in enumerate(seen)).alias("work_level"),
        pl.max_horizontal(envelopes).alias("last_envelope_level"),
    ]


def _kind(level: int) -> pl.Expr:
    """The kind of object at `level`, from the JSON types that `decode.probe` found there."""
    types = pl.col("found").list
    here = types.get(level * _PER_LEVEL, null_on_oob=True)

    def has(*names: str) -> pl.Expr:
        found = [types.get(level * _PER_LEVEL + 1 + decode.MARKERS.index(name), null_on_oob=True) for name in names]
        return pl.any_horizontal(value.is_not_null() for value in found)

    is_error = types.get(level * _PER_LEVEL + 1 + decode.MARKERS.index("error"), null_on_oob=True).is_in(
        ["OBJECT", "VARCHAR"]
    )
    return (
        pl.when(here.is_null() | (here == "NULL"))
        .then(pl.lit("empty"))
        .when(here == "VARCHAR")
        .then(pl.lit("string"))
        .when(here != "OBJECT")
        .then(pl.lit("other"))
        .when(has("task_id") & has("status", "submit_time") | has("status") & has("submit_time"))
        .then(pl.lit("task"))
        .when(has(*_WORK_MARKERS))
        .then(pl.lit("work"))
        .when(is_error)
        .then(pl.lit("error"))
        .when(has("code", "data"))
        .then(pl.lit("envelope"))
        .otherwise(pl.lit("other"))
    )


def shape(letters: pl.Expr) -> pl.Expr:
    """The name of a shape from the letters of its walk; null if there is neither task nor work."""
    return (
        pl.when(letters.str.contains("^e?tw?$"))
        .then(pl.lit("task_envelope"))
        .when(letters == "ew")
        .then(pl.lit("work_envelope"))
        .when(letters == "w")
        .then(pl.lit("bare_work"))
        .when(letters.str.contains("[tw]"))
        .then(pl.lit("nested_gateway"))
    )
