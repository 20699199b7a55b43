# ruff: noqa: S311  (seeded randomness is the point of a simulator)
"""The provider's work of a task: the 26 fields of `data.data`, generated from the id of the task that first had it."""

import json
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any
from urllib.parse import quote

from simulator.life import WEB_WORK_STATUS, Phase, Task

Json = Any
ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
FILES_URL = "https://filesystem.example/cdn"
RESULTS_URL = "https://files.gateway.example"

TITLES = ("Talking avatar", "数字人口播", "Singing photo", "Café ☕ morning", "新品介绍 🎬", "Pet duet")
SINGERS = ("DreamFace", "小雨", "Ava", "")
CONTEXTS = (None, "Hello and welcome!", "大家好，欢迎来到直播间。", 'She said: "again, please"\nthen left.')
AUDIO_NAMES = ("{hex}.mp3", "{hex}.wav", "录音 {hex}.mp3", "take 100%+{hex}.m4a")


@dataclass(frozen=True, slots=True)
class Work:
    """A provider's work. `values` has every field but `animate_params_str`, correctly typed; create times in Unix ms.

    None means that a value is absent. `pt_infos` is the content of `animate_params_str`, before it is encoded.
    """

    values: dict[str, Json]
    pt_infos: list[dict[str, Json]]


def work_of(task: Task, phase: Phase) -> Work:
    rng = Random(task.content or task.id)
    created_ms = int((task.submit + task.channel.clock_gap_seconds + rng.uniform(0.0, 2.0)) * 1000)
    pt_infos = [_pt_info(rng) for _ in range(rng.choices((1, 2, 3), (0.8, 0.15, 0.05))[0])]
    values = _identity(rng, task, created_ms) | _presentation(rng) | {"web_work_status": WEB_WORK_STATUS[phase]}
    paths = _paths(rng, task)
    return Work(values | (paths if phase == "done" else dict.fromkeys(paths, "")), pt_infos)


def params_as_sent(task: Task, work: Work) -> Json:
    """`animate_params_str` as the provider sends it: a string, or for some quirks the object itself."""
    params = {"pt_infos": work.pt_infos}
    text = to_json(params)
    forms: dict[str, Json] = {
        "double_encoded_params": to_json(text),
        "object_params": params,
        "empty_params": "",
        "broken_params": text[:-7],
    }
    return forms.get(task.quirk_name, text)


def to_json(value: Json) -> str:
    """Compact JSON with non-ASCII characters unescaped, as Go writes it."""
    return ENCODER.encode(value)


def result_url(task: Task) -> str:
    """The gateway's own URL for the result."""
    return f"{RESULTS_URL}/v/{task.id}.mp4"


def _happens(rng: Random, share: float) -> bool:
    return rng.random() < share


def _hex(rng: Random, digits: int = 32) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def _object_id(rng: Random, created_ms: int) -> str:
    """An ObjectId: its first 8 hex digits are its creation in Unix seconds."""
    return f"{created_ms // 1000:08x}{_hex(rng, 16)}"


def _identity(rng: Random, task: Task, created_ms: int) -> dict[str, Json]:
    template_id, template_ms = _template(rng.randrange(20))
    name = f"{created_ms - rng.randrange(9_000, 60_000)}.mp3"
    return {
        "animate_id": task.id,
        "create_time": created_ms,
        "ext": {
            "animate_channel": rng.choice(("dynamic", "static")),
            "sing_title": name,
            "track_info": rng.choice(("{}", "{}", to_json({"scene": "app", "version": 3}), "")),
        },
        "id": _object_id(rng, created_ms),
        "template_create_time": template_ms,
        "template_id": template_id,
        "work_name": name,
    }


def template_of(number: int) -> str:
    """The id of one of the provider's twenty templates."""
    return _template(number)[0]


@cache
def _template(number: int) -> tuple[str, int]:
    """The id and the time of creation (Unix ms) of one of the provider's templates."""
    created_ms = 1_700_000_000_000 + number * 1_234_567_891
    return _object_id(Random(number), created_ms), created_ms


def _presentation(rng: Random) -> dict[str, Json]:
    ratio = rng.choice((1, 0.5625, 1.7778, 0.75))
    return {
        "example_image_url": [f"config/common/main/{_hex(rng)}.jpg" for _ in range(rng.randrange(5))],
        "file_type": "VIDEO",
        "music_title": rng.choice(TITLES),
        "picture_path_list": [f"user/{_hex(rng, 16)}.png" for _ in range(rng.choice((0, 0, 0, 2)))],
        "play_types": rng.choice((["PT", "", "ANIMATE"], ["ANIMATE"], ["SING", ""])),
        "primary_play_type": "ANIMATE",
        "share_magic_text": f"{rng.randrange(1, 200) / 10}K users shared moments",
        "singer": rng.choice(SINGERS),
        "tmp_online_enable": _happens(rng, 0.1),
        "user_image_url": rng.choice(("", f"user/{_hex(rng, 16)}.jpg")),
        "video_aspect_ratio": ratio,
        "vip_enable": _happens(rng, 0.3),
        "webp_aspect_ratio": ratio,
    }


def _paths(rng: Random, task: Task) -> dict[str, str]:
    """The paths of the finished work; all are '' until it is done."""
    signature = f"?Expires={task.submit + 86_400}&Signature={_hex(rng, 40)}%3D&Key-Pair-Id=K2SIM"
    suffix = signature if task.quirk_name == "signed_urls" else ""
    folder = f"{FILES_URL}/{rng.randrange(10**8):08d}"
    video, bare, cover = (f"{folder}/{_hex(rng)}.{kind}{suffix}" for kind in ("mp4", "mp4", "jpg"))
    is_hidden = task.quirk_name == "no_work_video_path"
    return {
        "no_wm_work_video_path": bare,
        "wm_work_video_path": "" if is_hidden else video,
        "work_video_path": "" if is_hidden else video,
        "work_webp_path": cover,
    }


def _pt_info(rng: Random) -> dict[str, Json]:
    """One element of `pt_infos`; its paths are percent-encoded, as in the document's example."""
    audio = rng.choice(AUDIO_NAMES).format(hex=_hex(rng))
    is_voiced = _happens(rng, 0.3)
    return {
        "context": rng.choice(CONTEXTS),
        "audio_url": "server%2Faudio%2Fmain%2F" + quote(audio, safe="") if _happens(rng, 0.9) else "",
        "voice_engine_id": rng.randrange(1, 9) if is_voiced else None,
        "audio_id": _hex(rng, 24) if is_voiced else None,
        "video_url": f"server%2Fcommon%2Fmain%2F{_hex(rng)}.mp4",
        "video_pattern_url": None,
        "lan": rng.choice((None, "en", "zh")),
        "character_id": rng.choice((None, None, f"c{rng.randrange(100)}")),
        "pag_img_urls": None,
        "video_img_urls": [f"server/img/{_hex(rng, 16)}.png" for _ in range(2)] if _happens(rng, 0.15) else None,
    }
