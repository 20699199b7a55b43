"""What the gateway says that nobody expected: unknown fields, and JSON types that do not fit.

An object is judged by its signature (see `decode.signatures`), once for all the answers that share it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.schema import SCHEMA_DRIFT

if TYPE_CHECKING:
    from transforms.fields import ObjectSpec

#: One row per surprise in one object: `row` is the answer it stands in.
SURPRISES: Final = pl.Schema(
    {"row": pl.UInt32(), "json_path": pl.String(), "kind": pl.String(), "json_type": pl.String()}
)


def judge(signatures: pl.DataFrame, spec: ObjectSpec) -> pl.DataFrame:
    """`row`, `mismatches` (a list of {json_path, json_type}), `has_unknown` and `has_extras` for each signature."""
    distinct = signatures["signature"].unique().to_list()
    verdicts = pl.DataFrame(
        [(signature, *_verdict(signature, spec)) for signature in distinct],
        schema={
            "signature": pl.String(),
            "mismatches": pl.List(pl.Struct({"json_path": pl.String(), "json_type": pl.String()})),
            "has_unknown": pl.Boolean(),
            "has_extras": pl.Boolean(),
        },
        orient="row",
    )
    return signatures.join(verdicts, on="signature", how="left").drop("signature")


def _verdict(signature: str, spec: ObjectSpec) -> tuple[list[dict[str, str]], bool, bool]:
    keys, types = json.loads(signature)
    expected = [spec.known_keys, *spec.nested_keys.values()]
    mismatches = [
        {"json_path": f"{spec.json_path}.{path}", "json_type": found}
        for (path, accepted), found in zip(spec.json_types, types, strict=True)
        if found not in {None, "NULL"} and found not in accepted
    ]
    has_unknown = any(set(present or ()) - set(known) for present, known in zip(keys, expected, strict=True))
    has_extras = not set(keys[0] or ()).isdisjoint(spec.extra_keys)
    return mismatches, has_unknown, has_extras


def mismatches(judged: pl.DataFrame) -> pl.DataFrame:
    """The type mismatches of judged objects, in the shape of `SURPRISES`."""
    exploded = judged.filter(pl.col("mismatches").list.len() > 0).explode("mismatches").unnest("mismatches")
    return exploded.select("row", "json_path", pl.lit("type_mismatch").alias("kind"), "json_type").cast(SURPRISES)


def surprises(found: pl.DataFrame, spec: ObjectSpec, kind: str) -> pl.DataFrame:
    """`row`, `path` (inside the object) and `json_type` in the shape of `SURPRISES`."""
    full_path = pl.concat_str(pl.lit(f"{spec.json_path}."), "path").alias("json_path")
    return found.select("row", full_path, pl.lit(kind).alias("kind"), "json_type").cast(SURPRISES)


def summarise(found: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """One row per path and kind, in the schema `SCHEMA_DRIFT`.

    Args:
        found: frames in the shape of `SURPRISES`.
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
