"""Under which id an answer came, and which ids are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.transforms.answers import EXAMPLE, EXAMPLE_ID, answer, flatten, in_one_batch, task, task_row, without, work

CASES = Path(__file__).parent / "cases"
TASK, WORK = EXAMPLE["data"], EXAMPLE["data"]["data"]


def test_another_tasks_answer_is_flagged_and_named() -> None:
    """As a proxy mixed it up; alone it is no proof, so that the answer still counts."""
    case = json.loads((CASES / "74-other-tasks-answer.json").read_text(encoding="utf-8"))
    row = task_row(case["body"].encode(), task_id=case["task_id"])
    assert (row["task_id"], row["answered_id"], row["status"]) == ("field-a74", "some-other-task", "SUCCESS")
    assert "task_id_differs" in row["quality_flags"]


IDS: Final[list[Any]] = [
    pytest.param("abc1", "abc1", None, id="the_same"),
    pytest.param("abc1", "ABC1", None, id="the_same_but_for_case"),
    pytest.param("task_abc1", "abc1", None, id="the_same_without_its_prefix"),
    pytest.param("ABC1", "Task_abc1", None, id="the_same_with_a_prefix_and_in_another_case"),
    pytest.param("abc1", " abc1\n", None, id="the_same_with_blanks_around"),
    pytest.param("abc1", "", None, id="none"),
    pytest.param("abc1", None, None, id="null"),
    pytest.param("abc1", "abc2", "abc2", id="another"),
    pytest.param("abc1", "task_ABC2", "task_ABC2", id="another_as_it_came"),
    pytest.param("abc1", "xtask_abc1", "xtask_abc1", id="a_prefix_that_is_not_documented"),
    pytest.param("task_task_abc1", "abc1", "abc1", id="a_prefix_comes_off_once"),
]


def in_task(polled: str, named: str | None) -> dict[str, Any]:
    return answer(task(task_id=named, data=None), task_id=polled)


def alone(polled: str, named: str | None) -> dict[str, Any]:
    return answer(WORK | {"animate_id": named}, task_id=polled)


named_by = in_one_batch(make(*case.values[:2]) for case in IDS for make in (in_task, alone))


@pytest.mark.parametrize(("polled", "named", "answered_id"), IDS)
def test_ids_that_differ_by_case_or_prefix_are_the_same(
    polled: str, named: str | None, answered_id: str | None
) -> None:
    """In the task, and in a work that came alone."""
    both = [named_by(make(polled, named)).tasks.row(0, named=True) for make in (in_task, alone)]
    assert [row["answered_id"] for row in both] == [answered_id] * 2
    assert ("task_id_differs" in both[0]["quality_flags"]) == (answered_id is not None)


NESTED: Final[list[Any]] = [
    pytest.param(task(), None, None, id="task_and_work_of_the_id_polled"),
    pytest.param(work(animate_id="w9"), None, "w9", id="a_work_with_an_id_of_its_own"),
    pytest.param(task(task_id="t9"), "t9", None, id="a_task_of_another_id"),
    pytest.param(task(task_id="t9", data=WORK | {"animate_id": "w9"}), "t9", "w9", id="both_others"),
    pytest.param(WORK | {"animate_id": "w9"}, "w9", None, id="a_work_alone"),
    pytest.param({"code": 0, "data": WORK | {"animate_id": "w9"}}, "w9", None, id="a_work_in_an_envelope"),
    pytest.param(without(EXAMPLE, "data", "task_id"), None, None, id="a_task_that_names_none"),
    pytest.param(
        {"code": "success", "data": TASK | {"data": {"code": "success", "data": TASK | {"task_id": "inner"}}}},
        None,
        None,
        id="the_outermost_task_counts",
    ),
]
nested = in_one_batch(answer(case.values[0]) for case in NESTED)


@pytest.mark.parametrize(("body", "answered_id", "answered_work_id"), NESTED)
def test_the_id_of_an_answer_is_that_of_its_outermost_task(
    body: object, answered_id: str | None, answered_work_id: str | None
) -> None:
    """Else of its work; `observations` and `works` say the same as `tasks`."""
    frames = nested(answer(body))
    assert frames.tasks["task_id"].item() == EXAMPLE_ID
    for rows in (frames.tasks, frames.observations):
        assert (rows["answered_id"].item(), rows["answered_work_id"].item()) == (answered_id, answered_work_id)
    assert set(frames.works["answered_id"]) <= {answered_id}


def test_an_answer_that_is_not_a_task_names_no_id() -> None:
    """Whatever it says."""
    rows = flatten(answer(b'{"code":"task_not_exist","data":{"task_id":"t9"}}', http_status=400)).observations
    assert (rows["answered_id"].item(), rows["answered_work_id"].item()) == (None, None)
