"""What is doubtful about a task: each flag raised, and not raised where there is no doubt."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transforms.answers import EXAMPLE, EXAMPLE_ID, NOW, answer, flatten, in_one_batch, task, work

TASK = EXAMPLE["data"]
WORK = TASK["data"]
SUBMIT, FINISH = TASK["submit_time"], TASK["finish_time"]
CREATED = WORK["create_time"]
STARTED = {"start_time": SUBMIT + 9}


def nested(inner_status: str) -> dict[str, Any]:
    inner = TASK | {"status": inner_status}
    return task(**STARTED, data={"code": "success", "message": "", "data": inner})


def both(task_changes: dict[str, Any], work_changes: dict[str, Any]) -> dict[str, Any]:
    return task(**STARTED | task_changes, data=WORK | work_changes)


RUNNING = {"status": "IN_PROGRESS", "finish_time": 0, "progress": "30%"}
SWEPT = {"status": "FAILURE", "fail_reason": "任务超时（30分钟）"}
CASES: list[Any] = [
    pytest.param(task(**STARTED), set(), id="a task beyond doubt"),
    pytest.param(task(), {"start_missing"}, id="ended without a start"),
    pytest.param(
        both(RUNNING | {"start_time": 0}, {"web_work_status": 100}), {"start_missing"}, id="running, no start"
    ),
    pytest.param(
        both({"status": "QUEUED", "start_time": 0, "finish_time": 0}, {"web_work_status": 0}), set(), id="queued"
    ),
    pytest.param(task(**STARTED, finish_time=0), {"finish_missing"}, id="ended without an end"),
    pytest.param(both(RUNNING, {"web_work_status": 100}), set(), id="running without an end"),
    pytest.param(task(**STARTED, submit_time=0), {"submit_missing"}, id="no submission"),
    pytest.param(
        task(**STARTED, finish_time=SUBMIT - 1), {"finish_before_submit", "start_out_of_order"}, id="finished before"
    ),
    pytest.param(task(start_time=SUBMIT - 1), {"start_out_of_order"}, id="started before it was submitted"),
    pytest.param(task(start_time=FINISH + 1), {"start_out_of_order"}, id="started after its end"),
    pytest.param(task(start_time=FINISH), set(), id="started at its end"),
    pytest.param(
        task(**STARTED, finish_time=int(NOW.timestamp()) + 61), {"finish_in_future"}, id="finished in the future"
    ),
    pytest.param(task(**STARTED, finish_time=int(NOW.timestamp()) + 60), set(), id="finished a minute ahead"),
    pytest.param(
        task(submit_time=SUBMIT * 1000, start_time=SUBMIT * 1000 + 9, finish_time=FINISH * 1000),
        {"units_corrected"},
        id="milliseconds for seconds",
    ),
    pytest.param(both({}, {"create_time": CREATED // 1000}), {"units_corrected"}, id="seconds for milliseconds"),
    pytest.param(both({"start_time": 12}, {}), {"start_missing", "time_implausible"}, id="no time in any unit"),
    pytest.param(both({"start_time": -1}, {}), {"start_missing", "time_implausible"}, id="a negative time"),
    pytest.param(both({}, {"create_time": 5}), {"time_implausible"}, id="no time in the work"),
    pytest.param(
        both({}, {"create_time": CREATED - 400_000, "id": "x"}), {"provider_clock_gap"}, id="clocks far apart"
    ),
    pytest.param(both({}, {"create_time": (SUBMIT - 300) * 1000, "id": "x"}), set(), id="clocks 300 s apart"),
    pytest.param(
        both({}, {"create_time": (SUBMIT + 301) * 1000, "id": "x"}), {"provider_clock_gap"}, id="ahead by 301 s"
    ),
    pytest.param(both({}, {"create_time": CREATED + 3000}), {"object_id_time_differs"}, id="the id says otherwise"),
    pytest.param(both({}, {"create_time": CREATED + 2000}), set(), id="the id nearly agrees"),
    pytest.param(both({}, {"id": "no ObjectId"}), set(), id="an id of another kind"),
    pytest.param(both({}, {"web_work_status": 100}), {"outer_inner_disagree"}, id="SUCCESS while the work runs"),
    pytest.param(both(RUNNING, {}), {"outer_inner_disagree"}, id="running while the work is done"),
    pytest.param(both(SWEPT, {"web_work_status": 100}), {"outer_inner_disagree"}, id="swept while the work runs"),
    pytest.param(
        both({"status": "FAILURE", "fail_reason": "bad"}, {"web_work_status": -1}), set(), id="both say it failed"
    ),
    pytest.param(task(**STARTED | SWEPT, data=None), set(), id="swept without a work"),
    pytest.param(nested("succeeded"), set(), id="the gateway behind agrees"),
    pytest.param(nested("processing"), {"outer_inner_disagree"}, id="the gateway behind goes on"),
    pytest.param(
        both({}, {"work_video_path": "", "no_wm_work_video_path": ""}),
        {"result_missing"},
        id="SUCCESS without a result",
    ),
    pytest.param(
        both(RUNNING, {"web_work_status": 100, "work_video_path": "", "no_wm_work_video_path": ""}),
        set(),
        id="running without a result",
    ),
    pytest.param(task(**STARTED, fail_reason="slow"), {"reason_on_success"}, id="SUCCESS with a reason"),
    pytest.param(task(**STARTED, fail_reason="https://a.example/b"), set(), id="SUCCESS with a URL for a reason"),
    pytest.param(both({}, {"animate_params_str": "{"}), {"params_unreadable"}, id="broken parameters"),
    pytest.param(both({}, {"animate_params_str": ""}), set(), id="no parameters"),
    pytest.param(task(**STARTED, task_id="f" * 32), {"task_id_differs"}, id="another task's answer"),
    pytest.param(work(animate_id="f" * 32)["data"]["data"], {"task_id_differs"}, id="a bare work of another id"),
    pytest.param(
        work(animate_id="f" * 32), {"start_missing"}, id="a work with an id of its own in the task that was polled"
    ),
    pytest.param(task(task_id=f"Task_{EXAMPLE_ID.upper()}"), {"start_missing"}, id="the same id, written otherwise"),
    pytest.param(both({"status": "Archiving"}, {}), {"status_unknown", "outer_inner_disagree"}, id="unknown status"),
    pytest.param(both({}, {"web_work_status": -1}), {"outer_inner_disagree"}, id="SUCCESS while the work has failed"),
    pytest.param(both(RUNNING, {"web_work_status": -1}), {"outer_inner_disagree"}, id="running, the work has failed"),
    pytest.param(both(SWEPT, {"web_work_status": -1}), set(), id="swept, and the work has failed"),
    pytest.param(both(SWEPT, {"web_work_status": 0}), {"outer_inner_disagree"}, id="swept while the work is at 0"),
    pytest.param(both({}, {"work_name": "\ud83d"}), {"text_repaired"}, id="half a character"),
    pytest.param(task(**STARTED, submit_time=1_577_836_799), {"submit_missing", "time_implausible"}, id="in 2019"),
    pytest.param(WORK, set(), id="a bare work"),
    pytest.param(work(web_work_status=100)["data"]["data"], {"status_unknown"}, id="a bare work that runs"),
]
flagged = in_one_batch(answer(case.values[0]) for case in CASES)


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_a_flag_is_raised_exactly_where_there_is_doubt(body: object, expected: set[str]) -> None:
    """These and no others, each once."""
    [flags] = flagged(answer(body)).tasks["quality_flags"].to_list()
    assert sorted(flags) == sorted(expected)


def test_every_flag_is_raised_by_some_case() -> None:
    """None is left untested."""
    raised = set().union(*(case.values[1] for case in CASES))
    assert raised == set(_flags())


def _flags() -> list[str]:
    from transforms.tasks import _flags  # noqa: PLC0415 - what is looked into stands beside the look

    return list(_flags())


def test_a_doubt_about_one_task_is_none_about_its_neighbour() -> None:
    frames = flatten(answer(task(**STARTED)), answer(task(), task_id="other"))
    assert frames.tasks["quality_flags"].to_list() == [[], ["start_missing", "task_id_differs"]]
