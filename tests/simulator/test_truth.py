"""The world's truth is what a careful reader of its answers finds.

The truth is made from the model and the answers are rendered from it; this reader knows only WIRE's rules and plain
`json`, so that a slip on either side shows as a difference.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from simulator import World
from simulator.odd.quirks import QUIRKS
from simulator.odd.special import RECIPES
from simulator.render import body_at
from simulator.truth import Row

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)
WORDS = {
    "SUCCESS": ("succeeded", "succeed", "completed", "done"),
    "FAILURE": ("failed", "error", "cancelled", "canceled", "expired"),
    "IN_PROGRESS": ("processing", "running", "generating"),
    "QUEUED": ("pending", "queueing", "in_queue", "created", "waiting"),
}
CANONICAL = {word: status for status, words in WORDS.items() for word in words}
TEXT_LISTS = ("example_image_url", "picture_path_list", "play_types")


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, 1000, start=NOW - timedelta(hours=3), end=NOW, odd_share=0.7)


@pytest.mark.parametrize("minutes", [-90, 0, 1, 2, 90])
def test_the_truth_is_what_the_answers_say(world: World, minutes: int) -> None:
    """Row by row, value by value, while tasks run and after they have ended."""
    assert_truth_is_told(world, world.ids, NOW + timedelta(minutes=minutes))


def test_the_truth_is_told_of_every_special_task_too(world: World) -> None:
    """For each quirk, state and class of failure."""
    assert_truth_is_told(world, [f"sim_{name}_{number}" for name in RECIPES for number in range(3)], NOW)


def assert_truth_is_told(world: World, ids: list[str], now: datetime) -> None:
    truth = world.truth(now, ids)
    tasks, works, pt_infos = (by_task(rows) for rows in (truth.tasks, truth.works, truth.pt_infos))
    for task_id in ids:
        task = world.find(task_id)
        assert task is not None
        known = body_at(task, now.timestamp())
        assert (known is None) == (task_id not in tasks)
        if known is not None:
            read = read_answer({"source": "default", "task_id": task_id}, known[0])
            assert (tasks[task_id], works[task_id], pt_infos[task_id]) == read


def by_task(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["task_id"]].append(row)
    return found


def read_answer(key: Row, body: bytes) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of tasks, works and pt_infos, by the rules of WIRE."""
    whole = json.loads(body)
    outer = whole["data"] if "code" in whole else whole
    if "status" not in outer:
        shape = "work_envelope" if "code" in whole else "bare_work"
        return [key | read_work_alone(outer, shape)], [key | read_work(outer)], read_pt_infos(key, outer)
    payload = json.loads(outer["data"]) if isinstance(outer["data"], str) and outer["data"] else outer["data"]
    is_nested = isinstance(payload, dict) and "code" in payload
    inner = payload["data"] if is_nested else payload
    work = inner["data"] if inner and "status" in inner else inner
    task = key | read_task(outer, work or {}, "nested_gateway" if is_nested else "task_envelope")
    return [task], [key | read_work(work)] if work else [], read_pt_infos(key, work) if work else []


def read_task(task: dict[str, Any], work: dict[str, Any], shape: str) -> Row:
    status = CANONICAL.get(task["status"].lower(), task["status"])
    status = status if status in {*WORDS, "NOT_START", "SUBMITTED"} else "UNKNOWN"
    submit, start, finish = (instant(task[name]) for name in ("submit_time", "start_time", "finish_time"))
    urls = [task.get("result_url"), task["fail_reason"], work.get("work_video_path"), work.get("no_wm_work_video_path")]
    models = task.get("properties", {})
    reason = task["fail_reason"] if status == "FAILURE" else ""
    return {
        "action": task["action"],
        "status": status,
        "status_raw": task["status"],
        "is_terminal": status in ("SUCCESS", "FAILURE"),
        "fail_reason": reason or None,
        "fail_class": classify(reason) if status == "FAILURE" else None,
        "result_url": next((url for url in urls if is_url(url)), None) if status == "SUCCESS" else None,
        "notify_hook": task["notify_hook"] or None,
        "submit_time": submit,
        "start_time": start,
        "finish_time": finish,
        "queue_seconds": between(submit, start),
        "run_seconds": between(start, finish),
        "latency_seconds": between(submit, finish),
        "provider_latency_seconds": between(instant(work.get("create_time")), finish),
        "progress_pct": int(str(task["progress"]).rstrip("%")) if task["progress"] != "" else None,
        "quota": int(task["quota"]) if "quota" in task else None,
        "platform": task.get("platform"),
        "model": models.get("origin_model_name") or models.get("upstream_model_name"),
        "shape": shape,
    }


def read_work_alone(work: dict[str, Any], shape: str) -> Row:
    is_done = int(work["web_work_status"]) == 200
    absent = (
        "action", "fail_reason", "fail_class", "notify_hook", "submit_time", "start_time", "finish_time",
        "queue_seconds", "run_seconds", "latency_seconds", "provider_latency_seconds", "progress_pct", "quota",
        "platform", "model",
    )  # fmt: skip
    return dict.fromkeys(absent) | {
        "status": "SUCCESS" if is_done else "UNKNOWN",
        "status_raw": str(work["web_work_status"]),
        "is_terminal": is_done,
        "result_url": work["work_video_path"] or None if is_done else None,
        "shape": shape,
    }


def read_work(work: dict[str, Any]) -> Row:
    documented = {name: value for name, value in work.items() if name not in ("ext", "render_seed", "moderation")}
    params = work["animate_params_str"]
    return {name: value if name in TEXT_LISTS else value or None for name, value in documented.items()} | {
        "animate_params_str": (params if isinstance(params, str) else compact(params)) or None,
        "animate_params_error": "invalid_json" if read_params(work) is None else None,
        "create_time": instant(work["create_time"]),
        "template_create_time": instant(work["template_create_time"]),
        "tmp_online_enable": work["tmp_online_enable"],
        "vip_enable": work["vip_enable"],
        "web_work_status": int(work["web_work_status"]),
        "video_aspect_ratio": None if work["video_aspect_ratio"] == "wide" else float(work["video_aspect_ratio"]),
        "webp_aspect_ratio": float(work["webp_aspect_ratio"]),
        **{f"ext_{name}": value or None for name, value in work["ext"].items()},
    }


def read_params(work: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The list of pt_infos, [] if there is none, None if it cannot be read."""
    params = work["animate_params_str"]
    try:
        while isinstance(params, str) and params:
            params = json.loads(params)
    except ValueError:
        return None
    return params["pt_infos"] if params else []


def read_pt_infos(key: Row, work: dict[str, Any]) -> list[Row]:
    rows = []
    for index, pt_info in enumerate(read_params(work) or []):
        texts = {name: text(value) for name, value in pt_info.items()}
        paths = {f"{kind}_path": unquote(url) if (url := texts[f"{kind}_url"]) else None for kind in ("audio", "video")}
        rows.append(key | {"pt_index": index} | texts | paths)
    return rows


def classify(reason: str) -> str:
    """By signs of its own, one for each text of the catalogue."""
    signs = {
        "gateway_timeout": ("任务超时",),
        "gateway": ("upstream returned", "获取渠道信息失败", "Failed to get channel info"),
        "content_policy": ("content policy", "sensitive content", "内容审核"),
        "input": ("no face", "exceeds the limit", "invalid audio_url", "未检测到人脸", "音频格式"),
    }
    found = [name for name, texts in signs.items() if any(sign in reason for sign in texts)]
    return found[0] if found else "provider" if reason else "unknown"


def instant(value: int | str | None) -> datetime | None:
    """Seconds or milliseconds, told apart by magnitude; 0 is none."""
    number = int(value or 0)
    milliseconds = number if number > 10**11 else number * 1000
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds) if number else None


def between(begin: datetime | None, end: datetime | None) -> float | None:
    return round((end - begin).total_seconds(), 3) if begin and end and end >= begin else None


def is_url(value: str | None) -> bool:
    return (value or "").startswith("https://")


def text(value: object) -> str | None:
    return value or None if isinstance(value, str) else None if value is None else compact(value)


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_durations_are_known_only_if_both_ends_are_and_in_order() -> None:
    """The three of a task, by hand: submitted at 41, seen running 27 s later, finished 30 s after that."""
    world = World(1, 1, start=NOW, end=NOW + timedelta(minutes=1))
    [row] = world.truth(NOW, ["sim_success_1"]).tasks
    assert (row["queue_seconds"], row["run_seconds"], row["latency_seconds"]) == (27, 30, 57)
    assert 175 <= row["provider_latency_seconds"] <= 177
    [row] = world.truth(NOW, ["sim_finish_time_missing_1"]).tasks
    assert (row["queue_seconds"], row["run_seconds"], row["latency_seconds"]) == (27, None, None)


def test_an_object_id_begins_with_the_time_of_its_creation(world: World) -> None:
    """A free cross-check that the warehouse may make."""
    for row in world.truth(NOW).works[:200]:
        assert int(row["id"][:8], 16) == int(row["create_time"].timestamp())
        assert int(row["template_id"][:8], 16) == int(row["template_create_time"].timestamp())


def test_all_quirks_are_in_the_sample(world: World) -> None:
    """Otherwise the comparison above would say nothing about them."""
    assert {task.quirk_name for task in world.tasks} >= set(QUIRKS)


def test_the_truth_about_an_unknown_id_is_an_error(world: World) -> None:
    with pytest.raises(KeyError, match="nobody"):
        world.truth(NOW, ["nobody"])
