"""Where in an answer the task and the work stand, whatever was wrapped around them.

An answer is walked from its top along `data`: envelopes and tasks are passed through, a work ends the walk, and JSON
in a string is unwrapped and walked in turn (a *hop*). The letters passed, e for envelope, t for task, w for work, tell
the shape: `etw` is the plain answer, `ew` a work without its task, `etew` a gateway behind a gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from transforms import decode

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often JSON in a string is unwrapped before the rest is left alone.
HOPS: Final = 4

_PER_LEVEL: Final = 1 + len(decode.MARKERS)
_WORK_MARKERS: Final = ("web_work_status", "animate_id", "work_name", "work_video_path")

#: The walk of one document; `end` is the kind of object the walk stopped at, levels are null where there is none.
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
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """Objects of one kind: the documents they stand in (`row`, `text`) and the level inside these."""

    docs: pl.DataFrame
    level: int


@dataclass(frozen=True, slots=True)
class Located:
    """Every answer walked to its end.

    Attributes:
        walks: one row per answer: `row`, `is_json`, `letters` of the whole walk, `end` (the kind it stopped at).
        tasks: where the outermost tasks stand.
        inner_tasks: where the innermost tasks stand; the same as `tasks` but for gateways behind gateways.
        works: where the works stand.
        leftovers: `row` and `json_type` of payloads that are neither empty nor anything known.
    """

    walks: pl.DataFrame
    tasks: list[Place]
    inner_tasks: list[Place]
    works: list[Place]
    leftovers: pl.DataFrame


def locate(con: decode.Connection, docs: pl.DataFrame) -> Located:
    """Walk every document (`row`, `text`, which may be null) and whatever JSON its strings hold."""
    hops = [docs]
    walks = [_walk(con, docs, hop=0)]
    while len(hops) < HOPS and walks[-1]["end"].is_in(["string"]).any():
        hops.append(_unquoted(con, hops[-1], walks[-1]))
        walks.append(_walk(con, hops[-1], hop=len(hops) - 1))
    ends = pl.concat(_leftovers(con, hops[hop], walk) for hop, walk in enumerate(walks))
    every = pl.concat(walks)
    return Located(
        walks=_whole(every, ends.filter(pl.col("json_type").is_null())),
        tasks=_places(hops, every, "task_level", keep="first"),
        inner_tasks=_places(hops, every, "last_task_level", keep="last"),
        works=_places(hops, every, "work_level", keep="first"),
        leftovers=ends.drop_nulls("json_type"),
    )


def _unquoted(con: decode.Connection, docs: pl.DataFrame, walk: pl.DataFrame) -> pl.DataFrame:
    """The next hop's documents: the strings at which walks ended, without their quotes."""
    strings = walk.filter(pl.col("end") == "string").select("row", "end_level")
    parts = [
        decode.texts_at(con, docs.join(rows, on="row", how="semi"), int(level))
        for (level,), rows in strings.group_by("end_level")
    ]
    return pl.concat(parts)


def _leftovers(con: decode.Connection, docs: pl.DataFrame, walk: pl.DataFrame) -> pl.DataFrame:
    """`row` and `json_type` (null: empty after all) of whatever ended a walk below the top and is nothing known."""
    others = walk.filter((pl.col("end") == "other") & (pl.col("end_level") > 0)).select("row", "end_level")
    parts = [
        decode.empties(con, docs.join(rows, on="row", how="semi"), int(level))
        for (level,), rows in others.group_by("end_level")
    ]
    broken = walk.filter((pl.col("hop") > 0) & ~pl.col("is_json")).join(docs, on="row")
    blank = pl.col("text").str.strip_chars() == ""
    parts.append(broken.select("row", pl.when(~blank).then(pl.lit("VARCHAR")).alias("json_type")))
    return pl.concat(parts)


def _whole(every: pl.DataFrame, empty: pl.DataFrame) -> pl.DataFrame:
    """The hops of each answer put together."""
    end = (
        pl.when(pl.col("row").is_in(empty["row"].implode())).then(pl.lit("empty")).otherwise(pl.col("end")).alias("end")
    )
    return (
        every.sort("hop")
        .group_by("row", maintain_order=True)
        .agg(pl.col("is_json").first(), pl.col("letters").str.join(""), pl.col("end").last())
        .with_columns(end)
    )


def _places(hops: list[pl.DataFrame], every: pl.DataFrame, column: str, keep: Literal["first", "last"]) -> list[Place]:
    found = (
        every.drop_nulls(column).sort("hop").unique("row", keep=keep, maintain_order=True).select("row", "hop", column)
    )
    return [
        Place(hops[int(hop)].join(rows, on="row", how="semi"), int(level))
        for (hop, level), rows in sorted(found.group_by("hop", column))
    ]


def _walk(con: decode.Connection, docs: pl.DataFrame, hop: int) -> pl.DataFrame:
    """Walk each document (`row`, `text`) along `data`, as far as that goes without unwrapping strings."""
    probed = decode.probe(con, docs)
    levels = range(len(decode.LEVELS))
    kinds = probed.with_columns(_kind(level).alias(f"kind_{level}") for level in levels)
    walking = [pl.lit(value=True)]
    for level in levels:
        walking.append(walking[-1] & pl.col(f"kind_{level}").is_in(["envelope", "task"]))
    seen = kinds.with_columns(
        pl.when(walking[level]).then(pl.col(f"kind_{level}")).alias(f"kind_{level}") for level in levels
    )

    def level_of(pick: Callable[..., pl.Expr], condition: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
        return pick(*(pl.when(condition(pl.col(f"kind_{level}"))).then(level) for level in levels))

    def is_end(kind: pl.Expr) -> pl.Expr:
        return kind.is_not_null() & ~kind.is_in(["envelope", "task"])

    letter = {"envelope": "e", "task": "t", "work": "w"}
    return seen.select(
        "row",
        pl.lit(hop).alias("hop"),
        "is_json",
        pl.concat_str(
            pl.col(f"kind_{level}").replace_strict(letter, default="").fill_null("") for level in levels
        ).alias("letters"),
        pl.coalesce(pl.when(is_end(pl.col(f"kind_{level}"))).then(pl.col(f"kind_{level}")) for level in levels).alias(
            "end"
        ),
        level_of(pl.coalesce, is_end).alias("end_level"),
        level_of(pl.min_horizontal, lambda kind: kind == "task").alias("task_level"),
        level_of(pl.max_horizontal, lambda kind: kind == "task").alias("last_task_level"),
        level_of(pl.min_horizontal, lambda kind: kind == "work").alias("work_level"),
    ).cast(WALK)


def _kind(level: int) -> pl.Expr:
    """Which of our objects stands at `level`, from the JSON types that `decode.probe` found there."""
    types = pl.col("types").list
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
    """The name of a shape from the letters of its walk; null where there is neither task nor work."""
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
