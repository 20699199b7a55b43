"""Other providers behind the same gateways, and OpenAI-style video objects: what is known of them, and what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.transforms.answers import EXAMPLE_ID, answer, flatten, in_one_batch, task, task_row
from transforms.payloads import MOST_BYTES

VIDEO = {
    "id": EXAMPLE_ID,
    "object": "video",
    "model": "sora-2",
    "status": "completed",
    "progress": 100,
    "created_at": 1736868741,
    "completed_at": 1736868794,
    "seconds": "8",
    "metadata": {"url": "https://cdn.example/video.mp4"},
}
CDN = "https://cdn.example"


def test_an_openai_video_is_a_task() -> None:
    """Its times, words and model under the names that tasks have, and the whole of it in `extras`."""
    row = task_row(VIDEO)
    assert (row["shape"], row["task_id"], row["answered_id"]) == ("openai_video", EXAMPLE_ID, None)
    assert (row["status"], row["status_raw"], row["progress_pct"]) == ("SUCCESS", "completed", 100.0)
    assert (row["latency_seconds"], row["model"]) == (53.0, "sora-2")
    assert row["result_url"] == f"{CDN}/video.mp4"
    assert json.loads(row["extras"])["data"] == VIDEO
    assert flatten(answer(VIDEO)).schema_drift.is_empty()


WORDS: list[Any] = [
    pytest.param({"status": "queued", "progress": 0}, "QUEUED", None, id="queued"),
    pytest.param({"status": "in_progress", "progress": 40}, "IN_PROGRESS", None, id="in progress"),
    pytest.param(
        {"status": "failed", "error": {"code": "moderation_blocked", "message": "Blocked by our moderation"}},
        "FAILURE",
        "Blocked by our moderation",
        id="failed",
    ),
    pytest.param({"status": "failed", "error": {"code": "nsfw"}}, "FAILURE", "nsfw", id="failed with a code"),
    pytest.param({"status": "failed", "error": None}, "FAILURE", None, id="failed without a reason"),
    pytest.param({"status": "paused"}, "UNKNOWN", None, id="an unknown word"),
]


def both_ways(changed: dict[str, Any]) -> list[dict[str, Any]]:
    """A video by itself, and in an envelope."""
    body = {key: value for key, value in (VIDEO | changed).items() if key not in {"completed_at", "metadata"}}
    return [answer(wrapped) for wrapped in (body, {"code": "success", "message": "", "data": body})]


videos = in_one_batch(one for case in WORDS for one in both_ways(case.values[0]))


@pytest.mark.parametrize(("changed", "status", "reason"), WORDS)
def test_its_words_and_reasons_are_those_of_tasks(changed: dict[str, Any], status: str, reason: str | None) -> None:
    for one in both_ways(changed):
        row = videos(one).tasks.row(0, named=True)
        assert (row["status"], row["fail_reason"]) == (status, reason)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"object":"video","id":"a","status":"queu', id="cut short"),
        pytest.param(b'{"object":"video"}', id="nothing else"),
        pytest.param(b'{"object":"video","id":"","status":7}', id="not of these types"),
        pytest.param(b'[{"object":"video","id":"a","status":"queued"}]', id="a list"),
        pytest.param(b'{"a":' * 3000 + b'{"object":"video"}' + b"}" * 3000, id="deep"),
    ],
)
def test_what_only_looks_like_one_is_none_and_harms_nobody(body: bytes) -> None:
    """The answers beside it are read as ever."""
    frames = flatten(answer(body, task_id="odd"), answer(VIDEO))
    assert frames.tasks["shape"].to_list() == ["openai_video"]
    assert frames.observations.height == 2


WORKS: list[Any] = [
    pytest.param(
        {"task_status": "succeed", "task_result": {"videos": [{"id": "1", "url": f"{CDN}/k.mp4"}]}},
        "/k.mp4",
        id="kling",
    ),
    pytest.param(
        [{"id": "1", "image_url": f"{CDN}/s.png", "audio_url": f"{CDN}/s.mp3", "title": "A song"}], "/s.mp3", id="suno"
    ),
    pytest.param(
        {"state": "success", "creations": [{"url": f"{CDN}/v.mp4", "cover_url": f"{CDN}/c.png"}]}, "/v.mp4", id="vidu"
    ),
    pytest.param({"status": "SUCCEEDED", "output": [f"{CDN}/r.mp4"]}, "/r.mp4", id="runway"),
    pytest.param(
        {"state": "completed", "assets": {"image": f"{CDN}/l.png", "video": f"{CDN}/l.mp4"}}, "/l.mp4", id="luma"
    ),
    pytest.param({"prompt": "a cat", "input": {"image_url": f"{CDN}/mine.png"}, "seed": 1}, None, id="what was given"),
    pytest.param({"content": {"video_url": f"{CDN}/d.mp4"}, "model": "doubao"}, "/d.mp4", id="doubao"),
    pytest.param({"file": {"download_url": f"{CDN}/h.mp4"}, "base_resp": {"status_code": 0}}, "/h.mp4", id="hailuo"),
    pytest.param({"image_url": f"{CDN}/reference.png", "seed": 1}, None, id="an image beside nothing that says result"),
]


def sent_both_ways(payload: object) -> list[dict[str, Any]]:
    """As it is, and as JSON in a string."""
    return [answer(task(data=sent, result_url="", fail_reason="")) for sent in (payload, json.dumps(payload))]


works = in_one_batch(one for case in WORKS for one in sent_both_ways(case.values[0]))


@pytest.mark.parametrize(("payload", "result"), WORKS)
def test_works_of_other_providers_are_kept_whole_and_their_result_is_found(payload: object, result: str | None) -> None:
    """Also as JSON in a string; nothing of them becomes a column, and there is no row in `works`."""
    for one in sent_both_ways(payload):
        frames = works(one)
        [row] = frames.tasks.to_dicts()
        kept = json.loads(row["extras"])["data"]
        assert kept == payload
        assert row["result_url"] == (result and CDN + result)
        assert frames.works.is_empty()


def test_the_reason_of_another_provider_is_found() -> None:
    payload = {"task_status": "failed", "task_status_msg": "Sensitive content"}
    assert task_row(task(status="FAILURE", fail_reason="", data=payload))["fail_reason"] == "Sensitive content"


def test_a_payload_that_is_too_large_is_left_to_the_archive() -> None:
    """The result in it is found nevertheless."""
    payload = {"output": [f"{CDN}/r.mp4"], "frames": "x" * MOST_BYTES}
    row = task_row(task(data=payload, result_url=""))
    assert (row["extras"], row["result_url"]) == (None, f"{CDN}/r.mp4")
