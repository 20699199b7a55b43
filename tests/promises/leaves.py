"""Answers with one leaf changed, and whether the result for that leaf is right: judged without the code under test."""

from __future__ import annotations

import json
import math
import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tests.transforms.answers import EXAMPLE, params
from transforms.documents.fields import PT_INFO, TASK, WORK, Kind

if TYPE_CHECKING:
    from random import Random

    import polars as pl

    from transforms.flatten import Frames

#: Numbers at the edges, texts that look like numbers, and values of every other type.
VALUES: Final[list[Any]] = [
    None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**40, 1e308, -1e308, 5e-324,
    0.1,
    1736868741, 1736868741000, "", " ", "NaN", "Infinity", "-0", "1e999", "1736868741", "50", "42%", "true", "null",
    "\0", "a\0b", "é" * 9, "数字人", "😀", "x" * 5_000, "%E6%95%B0", "%FF", "{}", "[]",
    '{"pt_infos":[]}', "'; drop table tasks",
    [], [None], ["a"], ["a", 1], [[]], {}, {"a": 1}, {"": None},
]  # fmt: skip

#: Columns that hold a leaf as it is; the others are worked out from several.
TASK_COLUMNS: Final = {
    "notify_hook": "notify_hook",
    "action": "action",
    "status": "status_raw",
    "submit_time": "submit_time",
    "start_time": "start_time",
    "finish_time": "finish_time",
    "progress": "progress_pct",
    "platform": "platform",
    "quota": "quota",
}


@dataclass(frozen=True)
class Leaf:
    """One field of one object, and the column that holds it."""

    table: str
    path: str
    column: str
    kind: Kind
    json_path: str

    def put(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        """The example with `value` at this leaf."""
        if self.table == "pt_infos":
            return params({"pt_infos": [{"context": "first"}, {self.path: value}]})
        whole = deepcopy(EXAMPLE)
        inside = whole["data"] if self.table == "tasks" else whole["data"]["data"]
        *outer, name = self.path.split(".")
        for key in outer:
            inside = inside[key]
        inside[name] = value
        return whole


LEAVES: Final = [
    *(
        Leaf("tasks", field.path, TASK_COLUMNS[field.path], field.kind, f"$.data.{field.path}")
        for field in TASK.fields
        if field.path in TASK_COLUMNS
    ),
    *(
        Leaf("works", field.path, field.column, field.kind, f"$.data.data.{field.path}")
        for field in WORK.fields
        if field.kind is not Kind.ENCODED
    ),
    *(
        Leaf("pt_infos", field.path, field.column, field.kind, f"{PT_INFO.json_path}.{field.path}")
        for field in PT_INFO.fields
    ),
]


def any_value(rng: Random) -> Any:  # noqa: ANN401 - any JSON value
    """One of the edges, or something of a random size."""
    made = [
        rng.choice(VALUES),
        rng.choice(VALUES),
        rng.randint(-(2 ** rng.randrange(70)), 2 ** rng.randrange(1, 70)),
        rng.uniform(-1, 1) * 10 ** rng.randrange(-20, 300),
        "".join(
            chr(rng.choice((rng.randrange(1, 128), rng.randrange(0x4E00, 0x9FFF)))) for _ in range(rng.randrange(9))
        ),
        str(rng.randrange(10**9)),
        [rng.choice(VALUES) for _ in range(rng.randrange(4))],
    ]
    return rng.choice(made)


def wrong(frames: Frames, leaf: Leaf, values: dict[str, Any]) -> list[str]:
    """The ids of answers whose column does not say what their leaf says, by values by task id."""
    rows = getattr(frames, leaf.table)
    if leaf.table == "pt_infos":
        rows = rows.filter(rows["pt_index"] == 1)
    found = dict(rows.select("task_id", leaf.column).iter_rows())
    return [task_id for task_id, value in values.items() if not says(found[task_id], value, leaf.kind)]


def reported(frames: Frames, leaf: Leaf) -> int:
    """How often something at this leaf, or below it, was reported as drift; and times that are none, by their flag."""
    drift: pl.DataFrame = frames.schema_drift
    here = drift.filter(drift["json_path"].str.starts_with(leaf.json_path))
    flagged = frames.tasks["quality_flags"].list.contains("time_implausible").sum() if leaf.kind is Kind.TIME else 0
    return int(here["seen_count"].sum()) + int(flagged or 0)


def says(found: Any, value: Any, kind: Kind) -> bool:  # noqa: ANN401, PLR0911 - one answer for each type
    """Whether a column's value is what the leaf says, in that column's words."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return found is None or found == value
    if kind is Kind.TIME:
        return _says_time(found, value)
    if isinstance(value, bool):
        return str(found).lower() == str(value).lower()
    if kind is Kind.PROGRESS and value in (1, "1"):
        return bool(found == 100)
    if isinstance(value, int | float):
        return _number(found) == value
    if isinstance(value, str):
        return _says_text(found, value, kind)
    if isinstance(value, list):
        return found == value if isinstance(found, list) else isinstance(found, str) and json.loads(found) == value
    return False


def _says_time(found: Any, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    number = _number(value)
    if found is None:
        return number == 0
    assert isinstance(found, datetime)
    micros = round(found.timestamp() * 1e6)
    return number is not None and any(
        abs(number * factor - micros) <= 1 + micros * 1e-9 for factor in (1e6, 1e3, 1, 1e-3)
    )


def _says_text(found: Any, value: str, kind: Kind) -> bool:  # noqa: ANN401 - any JSON value
    if kind is Kind.PROGRESS:
        return found is not None and found == _number(re.sub(r"\s*%\s*$", "", value))
    if isinstance(found, bool):
        return str(found).lower() == value.lower()
    if isinstance(found, int | float):
        return found == _number(value)
    return bool(found == value)


def _number(value: Any) -> float | int | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(value) if re.fullmatch(r"-?\d+", str(value)) else number if math.isfinite(number) else None
