"""Objects of one kind out of JSON documents: their columns, what has no column, and what was a surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from transforms import decode, drift

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transforms.fields import ObjectSpec
    from transforms.locate import Place

NO_DOCS = pl.DataFrame(schema={"row": pl.UInt32(), "text": pl.String()})


def read_all(con: decode.Connection, places: Iterable[Place], spec: ObjectSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The objects at `places`: see `read`."""
    parts = [read(con, place.docs, spec, place.level) for place in places] or [read(con, NO_DOCS, spec)]
    return pl.concat(columns for columns, _ in parts), pl.concat(found for _, found in parts)


def read(
    con: decode.Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The objects at `level` of documents (`row`, `text`).

    Returns:
        One row per document with `row`, the decoded fields of `spec` and `extras` (JSON text or null); the surprises.
    """
    judged = drift.judge(decode.signatures(con, docs, spec, level), spec)
    odd = docs.join(judged.filter("has_unknown"), on="row", how="semi")
    plain = docs.join(judged.filter(~pl.col("has_unknown") & pl.col("has_extras")), on="row", how="semi")
    extras = [decode.all_extras(con, odd, spec, level)]
    if not plain.is_empty():
        extras.append(decode.known_extras(con, plain, spec, level))
    columns = decode.decode(con, docs, spec, level).join(pl.concat(extras), on="row", how="left")
    found = _surprises(con, odd, judged, spec, level)
    if spec.lists:
        found.append(drift.surprises(decode.odd_elements(con, docs, spec, level), spec, "type_mismatch"))
    return columns, pl.concat(found)


def surprises(con: decode.Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """Only the surprises of objects that have nothing to read."""
    judged = drift.judge(decode.signatures(con, docs, spec, level), spec)
    odd = docs.join(judged.filter("has_unknown"), on="row", how="semi")
    return pl.concat(_surprises(con, odd, judged, spec, level))


def _surprises(
    con: decode.Connection, odd: pl.DataFrame, judged: pl.DataFrame, spec: ObjectSpec, level: int
) -> list[pl.DataFrame]:
    found = [drift.mismatches(judged)]
    if not odd.is_empty():
        found.append(drift.surprises(decode.unknown_fields(con, odd, spec, level), spec, "unknown_field"))
    return found
