"""`animate_params_str`, the JSON in a string: parsed, and split into the elements of its `pt_infos`."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.documents import decode, objects
from transforms.documents.fields import PARAMS, PT_INFO
from transforms.documents.locate import Place
from transforms.documents.text import with_whole_characters
from transforms.values import percent_decoded, text, without_query


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of some works.

    Attributes:
        works: one row per work that has parameters: `row`, `animate_params_error` (null if readable), `params_extras`,
            and the columns of `asked_for`.
        pt_infos: one row per element of `pt_infos`: `row`, `pt_index` from 0, and its columns.
        surprises: unknown fields and unexpected types, in the schema `drift.SURPRISES`.
        repaired: `row` of works whose parameters were valid JSON only after a lone surrogate was replaced.
    """

    works: pl.DataFrame
    pt_infos: pl.DataFrame
    surprises: pl.DataFrame
    repaired: pl.DataFrame


def read_params(con: decode.Connection, works: pl.DataFrame) -> Params:
    """Parse `animate_params_str` of works (`row`, `animate_params_str`): once or twice encoded, or an object."""
    docs = works.select("row", text("animate_params_str").alias("text")).drop_nulls()
    docs = decode.unwrap(con, docs)
    docs, judged, repaired = _judged(con, docs)
    readable = docs.join(judged.filter(pl.col("error").is_null()), on="row", how="semi")
    [params] = objects.read(con, [Place(readable, {PARAMS: 0})], PARAMS)
    elements = _elements(params.columns)
    by_element = elements.select("text", row="element")
    [pt_infos] = objects.read(con, [Place(by_element, {PT_INFO: 0})], PT_INFO)
    origin = elements.select("element", "row", "pt_index")
    odd = pt_infos.surprises.rename({"row": "element"}).join(origin, on="element")
    tidy = _tidy(pt_infos.columns.rename({"row": "element"}).join(origin, on="element"))
    works = judged.select("row", text("error").alias("animate_params_error"))
    return Params(
        works=works.join(params.columns.select("row", params_extras="extras"), on="row", how="left").join(
            asked_for(tidy, "row"), on="row", how="left"
        ),
        pt_infos=tidy,
        surprises=pl.concat([params.surprises, odd.select(params.surprises.columns)]),
        repaired=repaired,
    )


def _judged(con: decode.Connection, docs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`docs`, repaired where needed to be valid JSON; the errors that remain; and `row` of the repaired ones."""
    judged = decode.params_errors(con, docs)
    broken = judged.filter(pl.col("error") == "invalid_json")
    whole = with_whole_characters(docs.join(broken, on="row", how="semi"))
    if not whole.is_empty():
        docs = pl.concat([docs.join(whole, on="row", how="anti"), whole])
        judged = pl.concat([judged.join(whole, on="row", how="anti"), decode.params_errors(con, whole)])
    return docs, judged, whole.select("row")


def _elements(columns: pl.DataFrame) -> pl.DataFrame:
    """One row per element: `row`, `pt_index`, `text`, and `element`, its number in this frame."""
    listed = columns.select("row", "pt_infos").filter(pl.col("pt_infos").list.len() > 0)
    indexed = listed.with_columns(pt_index=pl.int_ranges(pl.col("pt_infos").list.len().cast(pl.Int32), dtype=pl.Int32))
    exploded = indexed.explode("pt_infos", "pt_index").rename({"pt_infos": "text"})
    return exploded.with_row_index("element").with_columns(pl.col("element").cast(pl.UInt32))


def _tidy(pt_infos: pl.DataFrame) -> pl.DataFrame:
    names = [field.column for field in PT_INFO.decoded]
    return pt_infos.with_columns(text(name).alias(name) for name in names).with_columns(
        percent_decoded("audio_url").alias("audio_path"), percent_decoded("video_url").alias("video_path")
    )


def asked_for(pt_infos: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """What `works` keeps of a work's elements, one row per `keys`: `pt_count`, `first_…`, and `elements`.

    `elements` is one text of all elements, for the hash. It leaves out the queries of URLs, whose signatures change.
    """
    kinds = {
        "text": pl.col("context") != "",
        "audio": pl.any_horizontal(pl.col("audio_url", "audio_id").is_not_null()),
        "video": pl.col("video_url").is_not_null(),
    }
    named = [pl.when(has).then(pl.lit(kind)) for kind, has in kinds.items()]
    first = {
        "first_input_kind": pl.concat_str(named, separator="+", ignore_nulls=True).replace("", None),
        "first_text_length": pl.col("context").str.len_chars().cast(pl.Int64),
        "first_voice_engine_id": pl.col("voice_engine_id"),
        "first_lan": pl.col("lan"),
    }
    parts = (
        "context", without_query("audio_path"), "voice_engine_id", "audio_id", without_query("video_path"),
        "video_pattern_url", "lan", "character_id",
    )  # fmt: skip
    values = [(pl.col(part) if isinstance(part, str) else part).fill_null("") for part in parts]
    return (
        pt_infos.sort(*keys, "pt_index")
        .with_columns(
            pl.concat_str(pl.col("pt_index").cast(pl.String), *values, separator="|").alias("elements"), **first
        )
        .group_by(*keys, maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("pt_count"), pl.col(*first).first(), pl.col("elements").str.join("|"))
    )
