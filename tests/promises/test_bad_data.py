"""Answers that nobody sends on purpose: none raises, harms its neighbour or is lost, and no leaf changes in silence.

What tests/transforms/test_fuzz.py mutates by the hundred is mutated here by the million; and of answers with one leaf
changed, that leaf is followed into its column.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.promises.leaves import LEAVES, VALUES, any_value, reported, wrong
from tests.transforms.answers import EXAMPLE, answer, dumps, flatten, params, task
from tests.transforms.test_fuzz import (
    NEIGHBOUR,
    assert_accounted_for,
    assert_extras_are_json,
    assert_missing_only_where_said,
    assert_split_and_order_do_not_matter,
    odd_answers,
)
from transforms.schema import ASKED_FOR

if TYPE_CHECKING:
    from tests.promises.conftest import Figures
    from tests.promises.leaves import Leaf
    from transforms.flatten import Frames

PLAIN = flatten(answer(EXAMPLE))


def follow(leaf: Leaf, values: list[Any]) -> tuple[int, int]:
    """Put each value at the leaf of an answer of its own; how many came out right, and how many were reported."""
    by_id = {f"t{number}": value for number, value in enumerate(values)}
    answers = [answer(leaf.put(value), task_id=task_id) for task_id, value in by_id.items()]
    frames = flatten(*answers, NEIGHBOUR)
    assert_accounted_for(frames, [*answers, NEIGHBOUR])
    assert_extras_are_json(frames)
    assert_other_leaves_are_as_ever(frames, leaf)
    not_right = wrong(frames, leaf, by_id)
    in_silence = len(not_right) - reported(frames, leaf)
    assert in_silence <= 0, f"{leaf.json_path}: {[by_id[one] for one in not_right][:9]} came out wrong in silence"
    return len(values) - len(not_right), len(not_right)


def assert_other_leaves_are_as_ever(frames: Frames, leaf: Leaf) -> None:
    """Of the work, every other column is what it is in the plain example; of the task, those that no time decides."""
    others = set(PLAIN.works.columns) - {"task_id", "answered_id", "body_hash", "is_terminal", "extras", leaf.column}
    others -= {"work_text"}
    if leaf.table == "pt_infos":
        others -= {"animate_params_str", *ASKED_FOR}
    if leaf.path != "status":
        works = frames.works.filter(frames.works["task_id"] != "neighbour").select(sorted(others)).unique()
        assert works.equals(PLAIN.works.select(sorted(others))), leaf


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.json_path[2:])
def test_a_changed_leaf_is_right_or_reported(leaf: Leaf) -> None:
    """Edges of numbers, texts that look like them, and every other type, each in an answer of its own."""
    right, _ = follow(leaf, VALUES)
    assert right > 3


def test_ten_thousand_elements_and_keys_in_any_case_and_twice_do_no_harm() -> None:
    """Each is read for what it is, and the neighbour is as it is alone."""
    many = params({"pt_infos": [{"context": f"c{number}"} for number in range(10_000)]})
    cases = task(**dict.fromkeys(("Status", "STATUS", "sTATUS"), "FAILURE"))
    twice = dumps(task()).replace(b'"status":', b'"status": "SUCCESS", "status":')
    frames = flatten(
        answer(many, task_id="many"), answer(cases, task_id="cases"), answer(twice, task_id="twice"), NEIGHBOUR
    )
    contexts = frames.pt_infos.filter(frames.pt_infos["task_id"] == "many").sort("pt_index")["context"].to_list()
    assert contexts == [f"c{number}" for number in range(10_000)]
    assert frames.tasks["status"].to_list() == ["SUCCESS"] * 4
    [extras] = frames.tasks.filter(frames.tasks["task_id"] == "cases")["extras"].to_list()
    assert {"Status", "STATUS", "sTATUS"} <= json.loads(extras).keys()
    assert_neighbour_is_unharmed(frames)


def assert_neighbour_is_unharmed(frames: Frames) -> None:
    alone = flatten(NEIGHBOUR)
    for table in ("tasks", "works", "pt_infos"):
        rows = getattr(frames, table)
        assert rows.filter(rows["task_id"] == "neighbour").equals(getattr(alone, table))


def mutate(answers: int, seed: int, *, in_other_batches: bool = False) -> dict[str, int]:
    """So many mutated answers and their neighbour; how many of each outcome."""
    batch = [*odd_answers(seed, answers), NEIGHBOUR]
    frames = flatten(*batch)
    assert_accounted_for(frames, batch)
    assert_extras_are_json(frames)
    assert_missing_only_where_said(frames, batch)
    assert_neighbour_is_unharmed(frames)
    if in_other_batches:
        assert_split_and_order_do_not_matter(Random(seed), frames, batch)
    return dict(frames.observations.group_by("outcome").len().iter_rows())


@pytest.mark.soak
def test_a_million_mutated_answers(figures: Figures) -> None:
    """In batches of 5,000, each with its neighbour."""
    began, totals = time.monotonic(), dict[str, int]()
    for seed in range(200):
        for outcome, count in mutate(5_000, 10_000 + seed).items():
            totals[outcome] = totals.get(outcome, 0) + count
    shown = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(totals.items()))
    counted = f"{sum(totals.values()):,} in {time.monotonic() - began:,.0f} s: {shown}; 0 raised, 0 lost, 0 harmed"
    figures("mutated answers", counted)


@pytest.mark.soak
def test_seventy_thousand_mutated_answers_in_any_batch(figures: Figures) -> None:
    """In batches of 5,000, each of them again in two parts and in another order: the same rows."""
    began, totals = time.monotonic(), Counter[str]()
    for seed in range(14):
        totals.update(mutate(5_000, 20_000 + seed, in_other_batches=True))
    shown = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(totals.items()))
    counted = f"{totals.total():,} in {time.monotonic() - began:,.0f} s: {shown}; missing only by a known word or by "
    figures(
        "mutated answers in any batch", f"{counted}nothing else said; 0 raised, 0 lost, 0 changed by batch or order"
    )


@pytest.mark.soak
def test_a_quarter_of_a_million_changed_leaves(figures: Figures) -> None:
    """Random values at every leaf."""
    rng, right, told = Random(11), 0, 0
    for leaf in LEAVES * 5:
        came_right, was_reported = follow(leaf, [any_value(rng) for _ in range(250_000 // (5 * len(LEAVES)) + 1)])
        right, told = right + came_right, told + was_reported
    figures("changed leaves", f"{right + told:,}: {right:,} right, {told:,} reported as drift, 0 wrong in silence")
