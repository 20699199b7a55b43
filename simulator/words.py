"""The vocabulary of the simulated world: actions, channels, failure texts, and the providers' status words."""

from dataclasses import dataclass
from random import Random
from typing import Literal

Status = Literal["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE", "UNKNOWN"]
FailClass = Literal["provider", "gateway", "gateway_timeout", "content_policy", "input", "unknown"]


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of job: its share of all tasks, and the median and log-scale spread of its run time."""

    name: str
    share: float
    run_median_seconds: float
    run_spread: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One route to a provider.

    `clock_gap_seconds` is the provider's clock minus the gateway's (the seed example shows -120). A channel that never
    says "running" leaves `start_time` 0, as in the seed example.
    """

    number: int
    platform: str
    share: float
    origin_model: str
    upstream_model: str
    clock_gap_seconds: float
    says_running: bool
    says_progress: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task failed: the text exactly as sent ('' for none) and its class."""

    text: str
    fail_class: FailClass


ACTIONS = (
    Action("avatar-generate", 0.7, 60.0, 0.55),
    Action("avatar-lipsync", 0.2, 35.0, 0.5),
    Action("avatar-image", 0.1, 14.0, 0.4),
)

CHANNELS = (
    Channel(12, "dreamface", 0.6, "avatar-1", "dream-avatar-v2", -120.0, says_running=True, says_progress=True),
    Channel(17, "facestage", 0.3, "avatar-pro", "facestage-3.1", 0.6, says_running=True, says_progress=False),
    Channel(23, "quickavatar", 0.1, "avatar-lite", "qa-turbo", 1.4, says_running=False, says_progress=False),
)

FAILURE_WEIGHTS: dict[FailClass, float] = {
    "provider": 0.42,
    "input": 0.2,
    "content_policy": 0.14,
    "gateway": 0.09,
    "gateway_timeout": 0.05,
    "unknown": 0.1,
}

# {n} is a number, {hex} a run of hex digits: a fingerprint of the reason should remove both.
FAILURE_TEXTS: dict[FailClass, tuple[str, ...]] = {
    "provider": (
        "internal server error, please try again later (job {hex})",
        "render failed: code=500{n}, worker {hex}",
        "GPU worker lost while rendering, job {hex} aborted",
        "生成失败，请稍后重试",
        "服务繁忙，请稍后重试（错误码{n}）",
    ),
    "input": (
        "no face detected in the uploaded image",
        "audio duration {n}s exceeds the limit of 300s",
        "invalid audio_url: download failed with status 404",
        "未检测到人脸，请更换图片",
        "音频格式不支持",
    ),
    "content_policy": (
        "content policy violation: the image was rejected by the safety system",
        "The prompt contains sensitive content",
        "内容审核未通过：图片包含敏感信息",
    ),
    "gateway": (
        "upstream returned error",
        "upstream returned unrecognized message",
        "upstream returned empty status",
        "获取渠道信息失败，请联系管理员，渠道ID：{n}",
        "Failed to get channel info, channel ID: {n}",
    ),
    "gateway_timeout": ("任务超时（{minutes}分钟）",),
    "unknown": ("",),
}

# Providers' own status words, in the mixed case in which they are sent.
PROVIDER_WORDS: dict[str, tuple[tuple[str, Status], ...]] = {
    "waiting": tuple((word, "QUEUED") for word in ("pending", "Queueing", "in_queue", "CREATED", "waiting")),
    "running": tuple((word, "IN_PROGRESS") for word in ("processing", "Running", "GENERATING")),
    "succeeded": tuple((word, "SUCCESS") for word in ("succeeded", "Succeed", "COMPLETED", "done")),
    "failed": tuple((word, "FAILURE") for word in ("failed", "Error", "CANCELLED", "canceled", "expired")),
}


def draw_failure(rng: Random, fail_class: FailClass, timeout_minutes: int) -> Failure:
    text = rng.choice(FAILURE_TEXTS[fail_class])
    return Failure(
        text.format(n=rng.randrange(1, 999), hex=f"{rng.getrandbits(48):012x}", minutes=timeout_minutes), fail_class
    )
