"""The endpoint document's own example, right in every column."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.transforms.answers import EXAMPLE_ID, NOW, answer, flatten
from transforms.flatten import Frames

CDN = "https://filesystem.site/cdn/20250114/"
PARAMS = (
    '{"pt_infos":[{"context":null,"audio_url":"server%2Faudio%2Fmain%2Fa8a9bb7805a24430be84b3cf0a0df92a.mp3",'
    '"voice_engine_id":null,"audio_id":null,'
    '"video_url":"server%2Fcommon%2Fmain%2F994eefa4-265e-483d-99a0-8fbcc7aba95f.mp4","video_pattern_url":null,'
    '"lan":null,"character_id":null,"pag_img_urls":null,"video_img_urls":null}]}'
)
HASH = answer()["body_hash"]
KEYS: dict[str, Any] = {
    "source": "default",
    "task_id": EXAMPLE_ID,
    "observed_at": NOW,
    "body_hash": HASH,
    "run_id": "r1",
}


@pytest.fixture(scope="module")
def frames() -> Frames:
    return flatten(answer())


def test_the_task(frames: Frames) -> None:
    """No start was recorded; 53 s by the gateway's clock, 173 s from the provider's creation."""
    assert frames.tasks.rows(named=True) == [
        KEYS
        | {
            "answered_id": None,
            "answered_work_id": None,
            "action": "avatar-generate",
            "status": "SUCCESS",
            "status_raw": "SUCCESS",
            "is_terminal": True,
            "fail_reason": None,
            "fail_class": None,
            "fail_rule": None,
            "result_url": CDN + "45qy7bqdRCShyfgIK4CO7JVl4GYU0u.mp4",
            "notify_hook": None,
            "submit_time": datetime(2025, 1, 14, 15, 32, 21, tzinfo=UTC),
            "start_time": None,
            "finish_time": datetime(2025, 1, 14, 15, 33, 14, tzinfo=UTC),
            "progress_pct": 100.0,
            "queue_seconds": None,
            "run_seconds": None,
            "latency_seconds": 53.0,
            "provider_latency_seconds": 172.981,
            "quota": None,
            "platform": None,
            "model": None,
            "shape": "task_envelope",
            "quality_flags": ["start_missing"],
            "extras": None,
            "gateway_version": "v0.9",
            "segment_id": "s1",
        }
    ]


def test_the_work(frames: Frames) -> None:
    """All 26 fields under their own names; '' is absent, an empty list is a list; and what was asked for, as text."""
    assert frames.works.rows(named=True) == [
        KEYS
        | {
            "answered_id": None,
            "animate_id": EXAMPLE_ID,
            "animate_params_str": PARAMS,
            "create_time": datetime(2025, 1, 14, 15, 30, 21, 19_000, tzinfo=UTC),
            "example_image_url": [
                "config/common/main/bd15932c14584ec2bd39f8fb46da47c7.jpg",
                "config/common/main/9ae535433a14496982017711be5a06ca.png",
                "config/common/main/70d3629c39094b33ac0359f017f1a963.jpg",
                "system/file/fdfs/c785a37a9bd64fe5b7bdefa9054cc8b6.png",
            ],
            "ext_animate_channel": "dynamic",
            "ext_sing_title": "1736868599060.mp3",
            "ext_track_info": "{}",
            "file_type": "VIDEO",
            "id": "6786830de8c29700070fb53d",
            "music_title": "Talking avatar",
            "no_wm_work_video_path": CDN + "45qy7bqdRCShyfgIK4CO7JVl4GYU0u.mp4",
            "picture_path_list": [],
            "play_types": ["PT", "", "ANIMATE"],
            "primary_play_type": "ANIMATE",
            "share_magic_text": "13.1K users shared moments",
            "singer": "DreamFace",
            "template_create_time": datetime(2023, 11, 20, 9, 5, 0, 257_000, tzinfo=UTC),
            "template_id": "655b213cccd1db0007e1d977",
            "tmp_online_enable": False,
            "user_image_url": None,
            "video_aspect_ratio": 1.0,
            "vip_enable": False,
            "web_work_status": 200,
            "webp_aspect_ratio": 1.0,
            "wm_work_video_path": CDN + "45qy7bqdRCShyfgIK4CO7JVl4GYU0u.mp4",
            "work_name": "1736868599060.mp3",
            "work_video_path": CDN + "45qy7bqdRCShyfgIK4CO7JVl4GYU0u.mp4",
            "work_webp_path": CDN + "BweUV4tS8Zifuc05TWna06jAl1ZE3y.jpg",
            "animate_params_error": None,
            "extras": None,
            "pt_count": 1,
            "first_input_kind": "audio+video",
            "first_text_length": None,
            "first_voice_engine_id": None,
            "first_lan": None,
            "work_text": "655b213cccd1db0007e1d977||0||server/audio/main/a8a9bb7805a24430be84b3cf0a0df92a.mp3|||"
            "server/common/main/994eefa4-265e-483d-99a0-8fbcc7aba95f.mp4|||",
            "is_terminal": True,
        }
    ]


def test_the_parameters(frames: Frames) -> None:
    """One element, its paths as they came and percent-decoded."""
    nothing = ("context", "voice_engine_id", "audio_id", "video_pattern_url", "lan", "character_id", "pag_img_urls")
    assert frames.pt_infos.rows(named=True) == [
        KEYS
        | dict.fromkeys((*nothing, "video_img_urls", "extras"))
        | {
            "pt_index": 0,
            "audio_url": "server%2Faudio%2Fmain%2Fa8a9bb7805a24430be84b3cf0a0df92a.mp3",
            "video_url": "server%2Fcommon%2Fmain%2F994eefa4-265e-483d-99a0-8fbcc7aba95f.mp4",
            "audio_path": "server/audio/main/a8a9bb7805a24430be84b3cf0a0df92a.mp3",
            "video_path": "server/common/main/994eefa4-265e-483d-99a0-8fbcc7aba95f.mp4",
        }
    ]


def test_the_observation(frames: Frames) -> None:
    assert frames.observations.rows(named=True) == [
        KEYS
        | {
            "segment_id": "s1",
            "outcome": "task",
            "http_status": 200,
            "answered_id": None,
            "answered_work_id": None,
            "status": "SUCCESS",
            "progress_pct": 100.0,
            "elapsed_ms": 12.5,
            "attempts": 1,
            "refusals": 0,
            "request_id": "20250114-1",
            "gateway_version": "v0.9",
            "error": None,
            "message": None,
        }
    ]


def test_there_is_nothing_odd_about_it(frames: Frames) -> None:
    """What the document shows is what the table of fields knows."""
    assert frames.quarantine.is_empty()
    assert frames.schema_drift.is_empty()
