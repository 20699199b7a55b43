"""Answers to flatten, made from the endpoint document's own example."""

from __future__ import annotations

import hashlib
import json
import tomllib
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from transforms import schema
from transforms.failures import FailureRule
from transforms.flatten import Frames, transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final[dict[str, Any]] = json.loads((ROOT / "simulator/seed_example.json").read_bytes())
EXAMPLE_ID: Final = EXAMPLE["data"]["task_id"]
NOW: Final = datetime(2025, 1, 14, 16, 0, tzinfo=UTC)
OLD: Final = object()

RULES: Final = [
    FailureRule(**rule)
    for rule in tomllib.loads((ROOT / "warehouse/analysis.toml").read_text(encoding="utf-8"))["failure_rules"]
]

Json = Any


def answer(body: bytes | Json = OLD, /, **facts: object) -> dict[str, Any]:
    """One row of `schema.ANSWERS`: 200 with `body`, which is the example unless given; not bytes, it becomes JSON."""
    content = body if isinstance(body, bytes | None) else dumps(EXAMPLE if body is OLD else body)
    plain = {
        "source": "default",
        "task_id": EXAMPLE_ID,
        "observed_at": NOW,
        "segment_id": "s1",
        "run_id": "r1",
        "http_status": 200,
        "content_type": "application/json; charset=utf-8",
        "body": content,
        "body_cut": False,
        "body_hash": "" if content is None else hashlib.blake2b(content, digest_size=16).hexdigest(),
        "elapsed_ms": 12.5,
        "attempts": 1,
        "refusals": 0,
        "request_id": "20250114-1",
        "gateway_version": "v0.9",
        "error": None,
    }
    assert facts.keys() <= plain.keys()
    return plain | facts


def dumps(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def frame(*answers: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(answers), schema=schema.ANSWERS)


def flatten(*answers: dict[str, Any]) -> Frames:
    return transform(frame(*answers), RULES)


def in_one_batch(answers: Iterable[dict[str, Any]]) -> Callable[[dict[str, Any]], Frames]:
    """Flattens all answers at once, when first asked; what it returns tells what a single one of them became.

    The rows' `source` is a number, and `schema_drift` is everybody's.
    """
    listed = list(answers)

    @cache
    def rows() -> dict[str, list[pl.DataFrame]]:
        whole = flatten(*(one | {"source": str(number)} for number, one in enumerate(listed)))
        per_answer = (whole.tasks, whole.works, whole.pt_infos, whole.observations, whole.quarantine)
        return {
            repr(one): [*(part.filter(pl.col("source") == str(number)) for part in per_answer), whole.schema_drift]
            for number, one in enumerate(listed)
        }

    return lambda one: Frames(*rows()[repr(one)])


def task(**changes: Json) -> dict[str, Json]:
    """The example, its task changed."""
    whole = deepcopy(EXAMPLE)
    whole["data"] |= changes
    return whole


def work(**changes: Json) -> dict[str, Json]:
    """The example, its work changed."""
    whole = deepcopy(EXAMPLE)
    whole["data"]["data"] |= changes
    return whole


def params(value: Json) -> dict[str, Json]:
    """The example with `value`, as JSON, for its parameters."""
    return work(animate_params_str=json.dumps(value, ensure_ascii=False))


def without(whole: dict[str, Json], *path: str) -> dict[str, Json]:
    """`whole` without what stands at `path`."""
    copy = deepcopy(whole)
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    del inside[path[-1]]
    return copy


def task_row(body: bytes | Json = OLD, /, **facts: object) -> dict[str, Any]:
    """The only task in the only answer."""
    return flatten(answer(body, **facts)).tasks.row(0, named=True)


def work_row(body: bytes | Json = OLD, /) -> dict[str, Any]:
    return flatten(answer(body)).works.row(0, named=True)


def outcome(body: bytes | Json = OLD, /, **facts: object) -> str:
    return str(flatten(answer(body, **facts)).observations["outcome"].item())


def quarantined(body: bytes | Json = OLD, /, **facts: object) -> str | None:
    """Why the only answer is in quarantine; None if it is not."""
    found = flatten(answer(body, **facts)).quarantine["reason"].to_list()
    assert len(found) <= 1
    return found[0] if found else None


def drift(body: bytes | Json = OLD, /) -> dict[tuple[str, str], str]:
    """The surprises in the only answer: JSON type by path and kind, the path without its '$.'."""
    rows = flatten(answer(body)).schema_drift.rows(named=True)
    return {(row["json_path"].removeprefix("$."), row["kind"]): row["json_type"] for row in rows}
