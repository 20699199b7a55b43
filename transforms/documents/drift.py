"""Schema drift: unknown fields, and unexpected JSON types.

Objects are checked by the signature of their document (see `decode.Decoded`), once for all answers that share it.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from transforms.schema import SCHEMA_DRIFT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.documents.fields import ObjectSpec

#: One row per surprise (unknown field or unexpected type) in one object; `row` identifies the answer.
SURPRISES: Final = pl.Schema(
    {"row": pl.UInt32(), "json_path": pl.String(), "kind": pl.String(), "json_type": pl.String()}
)

#: No surprises.
NONE: Final = SURPRISES.to_frame()

_VERDICT: Final = pl.Schema(
    {
        "signature": pl.String(),
        "mismatches": pl.List(pl.Struct({"json_path": pl.String(), "json_type": pl.String()})),
        "has_more": pl.Boolean(),
    }
)


def judge(signatures: pl.DataFrame, specs: Sequence[ObjectSpec]) -> dict[ObjectSpec, pl.DataFrame]:
    """The objects that differ from their spec, in documents (`row`, `signature`) that have one of each of `specs`.

    Returns:
        For each object `row`, `mismatches` (a list of {json_path, json_type}) and `has_more`: the object has, or may
        have, fields that its spec does not know.
    """
    parts = {signature: _shares(json.loads(signature), specs) for signature in signatures["signature"].unique()}
    return {spec: _judge(signatures, {one: part[spec] for one, part in parts.items()}, spec) for spec in specs}


def _shares(signature: dict[str, list[Any]], specs: Sequence[ObjectSpec]) -> dict[ObjectSpec, dict[str, list[Any]]]:
    """A document's signature split into those of its objects."""
    types, sizes, elements = (iter(signature[name]) for name in ("types", "sizes", "elements"))
    return {
        spec: {
            "types": list(islice(types, len(spec.json_types))),
            "sizes": list(islice(sizes, 1 + len(spec.nested_keys))),
            "elements": list(islice(elements, len(spec.list_keys))),
        }
        for spec in specs
    }


def _judge(signatures: pl.DataFrame, parts: dict[str, dict[str, list[Any]]], spec: ObjectSpec) -> pl.DataFrame:
    verdicts = [(signature, *_verdict(part, spec)) for signature, part in parts.items()]
    odd = [verdict for verdict in verdicts if any(verdict[1:])]
    judged = pl.DataFrame(odd, schema=_VERDICT, orient="row")
    return signatures.join(judged, on="signature").drop("signature")


def _verdict(signature: dict[str, list[Any]], spec: ObjectSpec) -> tuple[list[dict[str, str]], bool]:
    types = dict(zip((path for path, _ in spec.json_types), signature["types"], strict=True))
    surprising = [*_mistyped(types, spec), *_mistyped_elements(signature["elements"], spec)]
    mismatches = [{"json_path": f"{spec.json_path}.{path}", "json_type": found} for path, found in surprising]
    known = [spec.known_keys, *([f"{key}.{inner}" for inner in keys] for key, keys in spec.nested_keys.items())]
    present = [sum(types[path] is not None for path in paths) for paths in known]
    has_more = any((size or 0) > count for size, count in zip(signature["sizes"], present, strict=True))
    return mismatches, has_more or any(types[key] not in {None, "NULL", "OBJECT"} for key in spec.nested_keys)


def _mistyped(types: dict[str, str | None], spec: ObjectSpec) -> Iterator[tuple[str, str]]:
    for path, accepted in spec.json_types:
        found = types[path]
        if found is not None and found not in {"NULL"} | accepted:
            yield path, found


def _mistyped_elements(elements: list[list[str] | None], spec: ObjectSpec) -> Iterator[tuple[str, str]]:
    for (key, accepted), found in zip(spec.list_keys.items(), elements, strict=True):
        yield from ((f"{key}[*]", json_type) for json_type in found or () if json_type not in {"NULL", accepted})


def mismatches(judged: pl.DataFrame) -> pl.DataFrame:
    """The type mismatches of judged objects, in the schema `SURPRISES`."""
    if judged.is_empty():
        return NONE
    exploded = judged.filter(pl.col("mismatches").list.len() > 0).explode("mismatches").unnest("mismatches")
    return exploded.select("row", "json_path", pl.lit("type_mismatch").alias("kind"), "json_type").cast(SURPRISES)


def surprises(found: pl.DataFrame, spec: ObjectSpec, kind: str) -> pl.DataFrame:
    """`found` (`row`, `path` inside the object, `json_type`) in the schema `SURPRISES`."""
    if found.is_empty():
        return NONE
    full_path = pl.concat_str(pl.lit(f"{spec.json_path}."), "path").alias("json_path")
    return found.select("row", full_path, pl.lit(kind).alias("kind"), "json_type").cast(SURPRISES)


def summarise(found: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """One row per path and kind, in the schema `SCHEMA_DRIFT`.

    Args:
        found: the surprises, in the schema `SURPRISES`.
        answers: `row`, `task_id`, `observed_at`.
    """
    return (
        found.join(answers.select("row", "task_id", "observed_at"), on="row", how="inner")
        .sort("observed_at", "task_id")
        .group_by("json_path", "kind", maintain_order=True)
        .agg(
            pl.col("json_type").unique().sort().str.join("|"),
            pl.col("observed_at").min().alias("first_seen_at"),
            pl.col("observed_at").max().alias("last_seen_at"),
            pl.len().cast(pl.Int64).alias("seen_count"),
            pl.col("task_id").first().alias("example_task_id"),
        )
        .select(SCHEMA_DRIFT.names())
        .cast(SCHEMA_DRIFT)
    )
