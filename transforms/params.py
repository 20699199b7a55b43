"""`animate_params_str`, the JSON in a string: parsed, and split into the elements of its `pt_infos`."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.documents import decode, objects
from transforms.documents.fields import PARAMS, PT_INFO
from transforms.documents.locate import Place
from transforms.documents.text import with_whole_characters
from transforms.values import percent_decoded, text


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of some works.

    Attributes:
        works: one row per work that has any: `row`, `animate_params_error` (null if readable), `params_extras`.
        pt_infos: one row per element of `pt_infos`: `row`, `pt_index` from 0, and its columns.
        surprises: in the shape of `drift.SURPRISES`.
        repaired: `row` of works whose parameters became JSON only after half a character was replaced.
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
    return Params(
        works=judged.join(params.columns.select("row", params_extras="extras"), on="row", how="left").select(
            "row", text("error").alias("animate_params_error"), "params_extras"
        ),
        pt_infos=_tidy(pt_infos.columns.rename({"row": "element"}).join(origin, on="element")),
        surprises=pl.concat([params.surprises, odd.select(params.surprises.columns)]),
        repaired=repaired,
    )


def _judged(con: decode.Connection, docs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`docs`, repaired if that makes them JSON, their errors, and `row` of those repaired."""
    judged = decode.params_errors(con, docs)
    broken = judged.filter(pl.col("error") == "invalid_json")
    whole = with_whole_characters(docs.join(broken, on="row", how="semi"))
    if not whole.is_empty():
        docs = pl.concat([docs.join(whole, on="row", how="anti"), whole])
        judged = pl.concat([judged.join(whole, on="row", how="anti"), decode.params_errors(con, whole)])
    return docs, judged, whole.select("row")


def _elements(columns: pl.DataFrame) -> pl.DataFrame:
    """One row per element: `row`, `pt_index`, `text`, and `element`, a number of its own."""
    listed = columns.select("row", "pt_infos").filter(pl.col("pt_infos").list.len() > 0)
    indexed = listed.with_columns(pt_index=pl.int_ranges(pl.col("pt_infos").list.len().cast(pl.Int32), dtype=pl.Int32))
    exploded = indexed.explode("pt_infos", "pt_index").rename({"pt_infos": "text"})
    return exploded.with_row_index("element").with_columns(pl.col("element").cast(pl.UInt32))


def _tidy(pt_infos: pl.DataFrame) -> pl.DataFrame:
    names = [field.column for field in PT_INFO.decoded]
    return pt_infos.with_columns(text(name).alias(name) for name in names).with_columns(
        percent_decoded("audio_url").alias("audio_path"), percent_decoded("video_url").alias("video_path")
    )
