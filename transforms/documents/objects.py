"""Reads objects from JSON documents: their columns, their fields without a column, and surprises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.documents import decode, drift
from transforms.documents.fields import Kind
from transforms.values import finite, integer, is_fraction, percent, text, unix_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.documents.fields import Field, ObjectSpec
    from transforms.documents.locate import Place

#: Column types of kinds other than text.
_TYPES: Final[dict[Kind, pl.DataType]] = {
    Kind.TIME: pl.Float64(),
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.TEXTS: pl.List(pl.String()),
    Kind.OBJECTS: pl.List(pl.String()),
}

#: Unknown entries of an object: `place` is the key of the nested object they are in, or ''.
_UNKNOWN: Final = pl.Schema(
    {"row": pl.UInt32(), "place": pl.String(), "key": pl.String(), "json_type": pl.String(), "entry": pl.String()}
)


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one kind.

    Attributes:
        columns: one row per object: `row`, the decoded fields, and `extras` (JSON text or null).
        surprises: unknown fields and unexpected types, in the schema `drift.SURPRISES`.
    """

    columns: pl.DataFrame
    surprises: pl.DataFrame


def read(con: decode.Connection, places: Sequence[Place], *specs: ObjectSpec) -> list[Objects]:
    """The objects of each of `specs` at `places`."""
    parts = [_objects_at(con, place) for place in places if not place.docs.is_empty()]
    return [_combined(spec, [part[spec] for part in parts if spec in part]) for spec in specs]


def _combined(spec: ObjectSpec, parts: Sequence[Objects]) -> Objects:
    fields = {field.column: _TYPES.get(field.kind, pl.String()) for field in spec.decoded}
    columns = pl.Schema({"row": pl.UInt32(), **fields, "extras": pl.String()})
    return Objects(
        pl.concat([columns.to_frame(), *(one.columns for one in parts)]),
        pl.concat([drift.NONE, *(one.surprises for one in parts)]),
    )


def _objects_at(con: decode.Connection, place: Place) -> dict[ObjectSpec, Objects]:
    decoded = decode.decode(con, place.docs, place.levels)
    judged = drift.judge(decoded.signatures, list(place.levels))
    return {spec: _read(con, place, decoded.objects[spec], judged[spec], spec) for spec in place.levels}


def _read(
    con: decode.Connection, place: Place, decoded: pl.DataFrame, judged: pl.DataFrame, spec: ObjectSpec
) -> Objects:
    mistyped = drift.mismatches(judged)
    decoded = _with_written_times(con, place, decoded, mistyped, spec)
    unknown = _unknown(con, place, judged, spec)
    numbers, unreadable = _numbers(decoded, spec)
    columns = _with_extras(decoded.with_columns(numbers), unknown, spec).drop("known_extras")
    unreadable = unreadable.join(mistyped, on=("row", "json_path"), how="anti")
    return Objects(columns, pl.concat([mistyped, _unknown_fields(unknown, spec), unreadable]))


def _with_written_times(
    con: decode.Connection, place: Place, decoded: pl.DataFrame, mistyped: pl.DataFrame, spec: ObjectSpec
) -> pl.DataFrame:
    """`decoded`, where times that were sent as text with a zone are converted to the documented unit."""
    texts = mistyped.filter(json_type="VARCHAR")
    for path in spec.time_paths if not texts.is_empty() else ():
        docs = place.docs.join(texts.filter(json_path=f"{spec.json_path}.{path}"), on="row", how="semi")
        if not docs.is_empty():
            said = decode.texts_at(con, docs, f"{decode.LEVELS[place.levels[spec]]}.{path}")
            seconds = pl.Series([unix_seconds(text) for text in said["text"]], dtype=pl.Float64)
            written = said.select("row", written=seconds * spec.time_units_per_second)
            joined = decoded.join(written, on="row", how="left")
            decoded = joined.with_columns(pl.coalesce(path, "written").alias(path)).drop("written")
    return decoded


def _unknown(con: decode.Connection, place: Place, judged: pl.DataFrame, spec: ObjectSpec) -> pl.DataFrame:
    """The entries of objects that are not in `spec`, in the schema `_UNKNOWN`.

    If a nested value should be an object and is not, it is included with a null `key`, because it has no column either.
    """
    docs = place.docs.join(judged.filter("has_more"), on="row", how="semi")
    if docs.is_empty():
        return _UNKNOWN.to_frame()
    here = decode.LEVELS[place.levels[spec]]
    top = decode.entries(con, docs, here).with_columns(place=pl.lit(""))
    parts = [top.filter(~pl.col("key").is_in(spec.known_keys))]
    for key, known in spec.nested_keys.items():
        inner = decode.entries(con, docs, f"{here}.{key}").filter(~pl.col("key").is_in(known))
        parts.append(inner.with_columns(place=pl.lit(key)))
        is_none = (pl.col("key") == key) & ~pl.col("json_type").is_in(["OBJECT", "NULL"])
        if key not in spec.extra_keys:
            parts.append(top.filter(is_none).with_columns(key=pl.lit(None, pl.String())))
    return pl.concat(part.select(_UNKNOWN.names()).cast(_UNKNOWN) for part in parts)


def _unknown_fields(unknown: pl.DataFrame, spec: ObjectSpec) -> pl.DataFrame:
    path = pl.when(pl.col("place") == "").then("key").otherwise(pl.format("{}.{}", "place", "key")).alias("path")
    return drift.surprises(unknown.drop_nulls("key").select("row", path, "json_type"), spec, "unknown_field")


def _with_extras(decoded: pl.DataFrame, unknown: pl.DataFrame, spec: ObjectSpec) -> pl.DataFrame:
    """`decoded` with `extras`: all fields without a column, known or not, as one JSON object."""
    if unknown.is_empty():
        joined = decoded.with_columns(unknown_extras=pl.lit(None, pl.String()))
    else:
        joined = decoded.join(_unknown_extras(unknown, spec), on="row", how="left")
    both = pl.concat_str("known_extras", "unknown_extras", separator=",", ignore_nulls=True)
    return joined.with_columns(extras=pl.when(both != "").then(pl.format("{{{}}}", both))).drop("unknown_extras")


def _unknown_extras(unknown: pl.DataFrame, spec: ObjectSpec) -> pl.DataFrame:
    apart = (pl.col("place") != "") & ~pl.col("place").is_in(spec.extra_keys)
    inner = unknown.filter(apart).group_by("row", "place", maintain_order=True).agg(_joined())
    wrapped = inner.with_columns(entry=pl.format('"{}":{{{}}}', "place", "entry"))
    top = unknown.filter(pl.col("place") == "")
    entries = pl.concat([top.select("row", "entry"), wrapped.select("row", "entry")]).sort("row", "entry")
    return entries.group_by("row").agg(_joined().alias("unknown_extras"))


def _joined() -> pl.Expr:
    return pl.col("entry").str.join(",")


def _numbers(decoded: pl.DataFrame, spec: ObjectSpec) -> tuple[list[pl.Expr], pl.DataFrame]:
    """The numbers, null for those that cannot be read; and the unreadable ones as surprises."""
    numbers = {field: _number(field) for field in spec.decoded if field.kind in {Kind.INTEGER, Kind.NUMBER}}
    lost = {field: pl.col(field.column).is_not_null() & number.is_null() for field, number in numbers.items()}
    lost |= {
        field: text(field.column).is_not_null() & percent(field.column).is_null()
        for field in spec.decoded
        if field.kind is Kind.PROGRESS
    }
    is_lost = decoded.select(expr.any().alias(field.column) for field, expr in lost.items())
    found = [
        decoded.filter(expr).select("row", path=pl.lit(field.path), json_type=_json_type(field))
        for field, expr in lost.items()
        if is_lost[field.column].any()
    ]
    surprises = [drift.surprises(rows, spec, "type_mismatch") for rows in found]
    return [number.alias(field.column) for field, number in numbers.items()], pl.concat([drift.NONE, *surprises])


def _number(field: Field) -> pl.Expr:
    return integer(field.column) if field.kind is Kind.INTEGER else finite(field.column)


def _json_type(field: Field) -> pl.Expr:
    """The JSON type to report for a number that has an expected type but cannot be read."""
    if field.kind is Kind.PROGRESS:
        return pl.when(is_fraction(field.column)).then(pl.lit("DOUBLE")).otherwise(pl.lit("VARCHAR"))
    if field.kind is Kind.NUMBER:
        return pl.lit("DOUBLE")
    return pl.when(pl.col(field.column).str.starts_with("-")).then(pl.lit("BIGINT")).otherwise(pl.lit("UBIGINT"))
