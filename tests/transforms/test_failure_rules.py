"""The shipped rules: whose fault a failure is, in English and Chinese, and what only looks like it."""

from __future__ import annotations

from typing import Final

import polars as pl
import pytest

from tests.transforms.answers import RULES
from transforms.failures import FailureRule, fail_class, fail_rule

MATCHED: Final = {
    "account": (
        "insufficient quota",
        "insufficient_user_quota: your balance is not enough",
        "Insufficient balance, please recharge",
        "You exceeded your current quota, please check your plan",
        "not enough credits to run this model",
        "402 Payment Required",
        "账户余额不足，请充值",
        "用户额度不足",
        "剩余积分不足",
        "账号已欠费",
        "Unauthorized",
        "401: invalid api key provided",
        "Incorrect API key",
        "the access token has expired",
        "authentication failed",
        "account has been suspended",
        "鉴权失败",
        "无权限访问该模型",
        "API Key无效",
        "账号已被封禁",
    ),
    "rate_limit": (
        "Too Many Requests",
        "rate limit reached for requests",
        "rate_limit_exceeded",
        "error code: 429",
        "Quota exceeded for requests per minute",
        "concurrent task limit reached",
        "request was throttled, retry later",
        "请求过于频繁，请稍后再试",
        "并发数超过限制",
        "触发限流",
    ),
    "cancelled": (
        "cancelled by user",
        "Task was canceled",
        "job aborted by client",
        "用户取消",
        "任务已取消",
    ),
    "network": (
        "dial tcp 10.0.0.1:443: connect: connection refused",
        "read tcp: connection reset by peer",
        "unexpected EOF",
        "context deadline exceeded",
        "502 Bad Gateway",
        "lookup api.example: no such host",
        "net/http: TLS handshake timeout",
        "网络异常，请重试",
        "连接超时",
    ),
    "content_policy": (
        "the audio may infringe copyright",
        "Copyrighted material detected",
        "音乐涉嫌侵权",
        "该图片存在版权风险",
        "人物肖像权未授权",
        "The prompt contains sensitive content",
        "OutputImageSensitiveContentDetected",
        "output new_sensitive",
        "Your request was blocked by our moderation system.",
        "violates our community guidelines",
        "输入内容包含敏感词",
        "审核不通过",
        "已取消：内容违规",
    ),
    "input": (
        "no face detected in the uploaded image",
        "audio duration 412s exceeds the limit of 300s",
        "Image pixel is invalid",
        "audio is too short",
        "failed to download image: access denied",
        "invalid audio_url: download failed with status 404",
        "request entity too large",
        "unsupported audio codec",
        "missing parameter: voice_engine_id",
        "图片尺寸过大",
        "音频时长超过限制",
        "缺少参数 audio_url",
    ),
    "gateway": (
        "upstream returned error: HTTP 500",
        "获取渠道信息失败，请联系管理员，渠道ID：12",
        "upstream task id is empty",
        "上游任务ID为空",
    ),
    "gateway_timeout": (
        "任务超时（30分钟）",
        "task timeout",
        "任务超时（旧系统遗留任务，不进行退款，请联系管理员）",
    ),
    "provider": (
        "internal server error, please try again later (job 1f)",
        "render failed: code=500429, worker 9",
        "CUDA error: out of memory",
        "service temporarily unavailable",
        "model is overloaded",
        "生成失败，请稍后重试",
        "服务繁忙，请稍后重试（错误码429）",
        "inference failed",
        # What holds a word of another class.
        "neural network error: tensor shape mismatch",
        "disk quota exceeded on worker 3",
    ),
    # Nobody is blamed: these say nothing, or hold a word of a rule in another sense.
    "unknown": (
        "",
        "failed",
        "unknown error",
        "error 1042",
        "job 429 did not finish",
        "something went wrong",
        "the option name is case sensitive",
        "选项名大小写敏感",
        "waited too long in the queue",
        "video generation took too long",
        "unsupported protocol scheme",
        "invalid token '<' at position 0",
        "subscription plan changed",
        "retry quota: 3",
        "任务失败",
        "未知错误",
        "请联系管理员",
    ),
}  # fmt: skip
CASES: Final = [(reason, expected) for expected, reasons in MATCHED.items() for reason in reasons]


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[str | None, str]]:
    """The rule and the class of every reason."""
    reasons = pl.DataFrame({"reason": [reason for reason, _ in CASES]}).with_columns(
        rule=fail_rule(pl.col("reason"), RULES)
    )
    classed = reasons.with_columns(fail_class=fail_class(pl.col("rule"), RULES))
    return {reason: (rule, name) for reason, rule, name in classed.iter_rows()}


@pytest.mark.parametrize(("reason", "expected"), CASES)
def test_a_reason_has_the_class_of_the_rule_that_matched(
    found: dict[str, tuple[str | None, str]], reason: str, expected: str
) -> None:
    """And no class but unknown without one: blame is earned."""
    rule, name = found[reason]
    assert name == expected, rule
    assert (rule is None) == (expected == "unknown")


def test_a_file_without_rules_blames_nobody() -> None:
    """Every failure is unknown, and no rule has matched."""
    frame = pl.DataFrame({"reason": ["internal error", None]}).with_columns(rule=fail_rule(pl.col("reason"), []))
    assert frame.with_columns(c=fail_class(pl.col("rule"), [])).rows() == [
        ("internal error", None, "unknown"),
        (None, None, "unknown"),
    ]


def test_a_rule_without_a_name_is_called_by_its_pattern() -> None:
    """So that files written before rules had names still work."""
    assert FailureRule("flaky", "gateway").name == "flaky"
    with pytest.raises(TypeError, match="refunded"):
        FailureRule("flaky", "gateway", refunded="no")  # type: ignore[arg-type]


def test_the_charge_of_what_the_gateway_says_it_does_not_refund_is_kept() -> None:
    """No channel, no upstream id, and a text that says so; a plain timeout is refunded."""
    kept = {rule.name for rule in RULES if not rule.refunded}
    assert kept == {"timeout-not-refunded", "not-refunded", "no-channel", "empty-upstream-id"}
