"""The package as a whole: a pure function of the set of answers, whatever batch they come in."""

from __future__ import annotations

import ast
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import World
from simulator.render import body_at
from tests.transforms.answers import ROOT, RULES, answer, frame
from tests.transforms.test_shapes import NON_ANSWERS, SHAPES
from transforms.flatten import Frames, transform

pytestmark = pytest.mark.e2e  # loads, or many worlds

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)
MODULES = sorted((ROOT / "transforms").glob("*.py"))


@cache
def everything() -> pl.DataFrame:
    """Every shape, every answer that is no task, and a world with oddities, in an order of its own."""
    world = World(5, 60, start=NOW - timedelta(hours=1), end=NOW, odd_share=0.7)
    bodies = [(task.id, body_at(task, NOW.timestamp())) for task in world.tasks]
    found = [answer(body[0], task_id=task_id) for task_id, body in bodies if body]
    found += [answer(case.values[0], task_id=f"shape {n}") for n, case in enumerate(SHAPES)]
    found += [answer(case.values[0], **case.values[1], task_id=f"none {n}") for n, case in enumerate(NON_ANSWERS)]
    spread = [one | {"observed_at": NOW + timedelta(seconds=37 * n % 101)} for n, one in enumerate(found)]
    return frame(*spread).sample(fraction=1, shuffle=True, seed=3)


@cache
def whole() -> Frames:
    return transform(everything(), RULES)


def assert_same(found: Frames, expected: Frames) -> None:
    """Row for row, but for the sums of drift: these by path and kind."""
    for name in ("tasks", "works", "pt_infos", "observations", "quarantine"):
        assert getattr(found, name).equals(getattr(expected, name)), name
    order = ("json_path", "kind")
    assert found.schema_drift.sort(order).equals(expected.schema_drift.sort(order))


def together(parts: list[Frames]) -> Frames:
    """The rows of all parts, and their drift summed up as the warehouse does it."""
    columns = {one.name: pl.concat([getattr(part, one.name) for part in parts]) for one in fields(Frames)}
    ordered = columns["schema_drift"].sort("first_seen_at", "example_task_id")
    summed = ordered.group_by("json_path", "kind").agg(
        pl.col("json_type").str.split("|").explode(empty_as_null=True).unique().sort().str.join("|"),
        pl.col("first_seen_at").min(),
        pl.col("last_seen_at").max(),
        pl.col("seen_count").sum(),
        pl.col("example_task_id").first(),
    )
    return Frames(**columns | {"schema_drift": summed})


@settings(derandomize=True, deadline=None, max_examples=4)
@given(st.lists(st.integers(0, 150), min_size=1, max_size=2))
def test_any_split_of_the_answers_gives_the_same_rows(cuts: list[int]) -> None:
    """What an answer becomes depends on nothing but itself."""
    edges = [0, *sorted(min(cut, everything().height) for cut in cuts), everything().height]
    parts = [transform(everything()[begin:end], RULES) for begin, end in pairwise(edges)]
    assert_same(together(parts), whole())


@settings(derandomize=True, deadline=None, max_examples=2)
@given(st.integers(0, 2**32))
def test_any_order_of_the_answers_gives_the_same_rows(seed: int) -> None:
    """Rows come in the order of their answers."""
    order = pl.int_range(everything().height, eager=True).shuffle(seed)
    shuffled = transform(everything()[order], RULES)
    for name, key in (("tasks", ["task_id"]), ("works", ["task_id"]), ("pt_infos", ["task_id", "pt_index"])):
        assert getattr(shuffled, name).sort(key).equals(getattr(whole(), name).sort(key))
    assert shuffled.observations["task_id"].equals(everything()["task_id"][order])
    assert shuffled.schema_drift.sort("json_path", "kind").equals(whole().schema_drift.sort("json_path", "kind"))


def test_the_same_answers_give_the_same_rows_again() -> None:
    assert_same(transform(everything(), RULES), whole())


def test_every_answer_is_accounted_for_once() -> None:
    """One observation each, in their order, and a task or a place in quarantine or an outcome that explains itself."""
    assert whole().observations["task_id"].equals(everything()["task_id"])
    outcomes = whole().observations["outcome"]
    assert whole().tasks.height == (outcomes == "task").sum()
    assert whole().quarantine.height == outcomes.is_in(["malformed", "oversized"]).sum()


def imported(module: str) -> set[str]:
    tree = ast.parse(module)
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


PURE: set[str] = {
    "__future__", "codecs", "collections", "dataclasses", "datetime", "duckdb", "enum", "functools", "hashlib",
    "itertools", "json", "polars", "pyarrow", "re", "transforms", "typing", "urllib",
}  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_package_cannot_reach_the_outside(path: Any) -> None:  # noqa: ANN401 - a path
    """No file, no clock, no environment, no network; and DuckDB, in memory, in one module."""
    source = path.read_text(encoding="utf-8")
    assert imported(source) <= PURE
    assert ("duckdb" in imported(source)) == (path.stem == "decode")
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "eval", "exec", "__import__"}
    methods = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert not methods & {"now", "utcnow", "today", "fromtimestamp"}
    assert not [name for name in methods if name.startswith(("read_", "scan_"))]
