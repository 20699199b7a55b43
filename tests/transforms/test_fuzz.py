"""Answers nobody thought of: real ones, mutated. None may raise, none may be lost, none may harm its neighbour."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.transforms.answers import EXAMPLE, answer, dumps, flatten, task, work
from tests.transforms.test_shapes import NON_ANSWERS, SHAPES

if TYPE_CHECKING:
    from transforms.flatten import Frames

WITH_OPEN_PARAMS: Final = work(animate_params_str=json.loads(EXAMPLE["data"]["data"]["animate_params_str"]))
SHAPED: Final = [case.values[0] for case in SHAPES if isinstance(case.values[0], dict)]
REFUSED: Final = [case.values[0] for case in NON_ANSWERS if isinstance(case.values[0], dict)]
SEEDS: Final = [*[WITH_OPEN_PARAMS] * 20, *SHAPED * 3, *REFUSED]
KEYS: Final = [
    "data",
    "code",
    "error",
    "status",
    "task_id",
    "ext",
    "properties",
    "pt_infos",
    "id",
    "",
    "a.b",
    "/",
    '"',
    "'",
]
VALUES: Final[list[Any]] = [
    None, True, 0, -1, 2**63, 2**64, 10**40, 1e308, 0.1, "", "{}", "[]", "null", "7", '"', "{", "\0", "\ud83d", "é" * 9,
    [], {}, [[]], [None], [{}], [1, "x", None, {}], {"": 1}, {"data": {"data": {}}}, "NaN", "1e999", "%FF%", "😀" * 50,
]  # fmt: skip
BYTES: Final = [
    b"\xff",
    b"\x00",
    b"{",
    b"}",
    b'"',
    b"\\",
    b"[",
    b",",
    b"NaN",
    b"1e999",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"//",
    b":",
]
OUTCOMES: Final = {
    "task", "missing", "denied", "throttled", "server_error", "transport_error", "malformed", "oversized",
}  # fmt: skip
NEIGHBOUR: Final = answer(task(submit_time=1736868740), task_id="neighbour")


def containers(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, dict | list) else []) + [one for part in inner for one in containers(part)]


def change(rng: Random, whole: Any) -> None:  # noqa: ANN401 - likewise
    """One thing in `whole` dropped, added or replaced."""
    inside = rng.choice(containers(whole))
    keys: list[Any] = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
    if isinstance(inside, dict) and rng.random() < 0.15:
        inside[rng.choice(KEYS)] = deepcopy(rng.choice(VALUES))
    elif keys and rng.random() < 0.2:
        del inside[rng.choice(keys)]
    elif keys:
        key = rng.choice(keys)
        inside[key] = deepcopy(instead(rng, whole, inside[key]))


def instead(rng: Random, whole: Any, old: Any) -> Any:  # noqa: ANN401 - likewise
    """Something odd, or the old value put into a string, an envelope or a list, or something from elsewhere."""
    wrapped = rng.choice(
        [json.dumps(old), str(old), [old], {"data": old}, {"code": "success", "data": old}, {rng.choice(KEYS): old}]
    )
    return rng.choice([rng.choice(VALUES), rng.choice(VALUES), wrapped, wrapped, rng.choice(containers(whole))])


def mutated(rng: Random) -> bytes:
    whole = deepcopy(rng.choice(SEEDS))
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        change(rng, whole)
    body = dumps(whole)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        at = rng.randrange(len(body) + 1)
        body = rng.choice([body[:at], body[at:], body[:at] + rng.choice(BYTES) + body[at + rng.choice((0, 1, 9)) :]])
    return body


def odd_answers(seed: int, count: int) -> list[dict[str, Any]]:
    rng = Random(seed)
    statuses = [200] * 12 + [400, 404, 500, None]
    return [answer(mutated(rng), task_id=f"t{number}", http_status=rng.choice(statuses)) for number in range(count)]


def assert_accounted_for(frames: Frames, answers: list[dict[str, Any]]) -> None:
    outcomes = dict(frames.observations.select("task_id", "outcome").iter_rows())
    assert frames.observations["task_id"].to_list() == [one["task_id"] for one in answers]
    assert set(outcomes.values()) <= OUTCOMES
    assert frames.tasks["task_id"].to_list() == [key for key, outcome in outcomes.items() if outcome == "task"]
    unreadable = [key for key, outcome in outcomes.items() if outcome in ("malformed", "oversized")]
    assert frames.quarantine["task_id"].to_list() == unreadable
    assert set(frames.works["task_id"]) <= set(frames.tasks["task_id"])
    assert set(frames.pt_infos["task_id"]) <= set(frames.works["task_id"])
    assert frames.works["task_id"].is_unique().all()
    assert frames.pt_infos.select("task_id", "pt_index").is_unique().all()


def assert_extras_are_json(frames: Frames) -> None:
    for extras in (frames.tasks["extras"], frames.works["extras"], frames.pt_infos["extras"]):
        for text in extras.drop_nulls():
            assert isinstance(json.loads(text), dict), text


@pytest.mark.parametrize("seed", range(5))
def test_no_answer_raises_or_is_lost_or_harms_its_neighbour(seed: int) -> None:
    """250 mutated answers at a time: each has an outcome, and the row or the reason that goes with it."""
    answers = [*odd_answers(seed, 250), NEIGHBOUR]
    frames, alone = flatten(*answers), flatten(NEIGHBOUR)
    assert_accounted_for(frames, answers)
    assert_extras_are_json(frames)
    assert frames.tasks.filter(task_id="neighbour").equals(alone.tasks)
    assert frames.works.filter(task_id="neighbour").equals(alone.works)
    assert frames.pt_infos.filter(task_id="neighbour").equals(alone.pt_infos)


def test_the_mutations_reach_every_corner() -> None:
    """Otherwise the test above would say little: tasks, works, elements, extras, drift and quarantine all occur."""
    frames = flatten(*odd_answers(1, 500))
    assert frames.tasks.height > 100
    assert frames.works["extras"].count() > 0
    assert frames.pt_infos["extras"].count() > 0
    assert frames.tasks["shape"].n_unique() == 4
    assert frames.quarantine["reason"].n_unique() >= 5
    assert frames.schema_drift.height > 50
