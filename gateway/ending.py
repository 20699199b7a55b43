"""Why a client stops before all ids are polled, as a sentence for the person who started the run."""

from dataclasses import dataclass
from typing import Literal

from gateway.pace.breaker import FAILURES_TO_OPEN, PATIENCE_SECONDS
from gateway.pace.retries import LONGEST_PAUSE_SECONDS
from gateway.secrets.api_key import ApiKey

Reason = Literal["key_refused", "no_gateway", "unavailable", "retry_later", "stopped"]

_KEPT = "What was collected is kept; run again to continue."


@dataclass(frozen=True, slots=True)
class End:
    reason: Reason
    sentence: str
    """What happened, and what to do next."""

    def __str__(self) -> str:
        return self.sentence


def key_refused(
    base_url: str,
    status: int | None,
    said: str | None,
    *,
    has_key: bool,
    is_quota: bool = False,
    setting: str = ApiKey.setting,
) -> End:
    what, then = why_key_refused(status, said, has_key=has_key, is_quota=is_quota, setting=setting)
    return End("key_refused", f"{base_url} {what}. {then}. No further requests were sent. {_KEPT}")


def why_key_refused(
    status: int | None,
    said: str | None,
    *,
    has_key: bool,
    is_quota: bool = False,
    setting: str = ApiKey.setting,
) -> tuple[str, str]:
    """Why the gateway does not accept the key, and what to do."""
    if not has_key:
        what, then = "requires a key", f"Set {setting}"
    elif is_quota:
        what = "no longer accepts the key: its quota or balance is used up"
        then = "Ask the gateway's operator for more, or wait until it is renewed"
    elif status == 401:  # noqa: PLR2004 - the name of the number is the number
        what, then = "refused the key", f"Check {setting}: it is mistyped, expired, or the key of another gateway"
    else:
        what = "does not permit this with the key"
        then = f"Ask the gateway's operator which addresses, groups and models {setting} is limited to"
    quoted = f"HTTP {status}, {said!r}" if said else f"HTTP {status}"
    return f"{what} ({quoted})", then


def no_gateway(base_url: str, answers: int, last: str) -> End:
    return End(
        "no_gateway",
        f"None of {answers} answers from {base_url} came from a gateway; the last was {last}. "
        f"AVATAR_TASKS_BASE_URL is likely wrong: compare scheme, host, port and path with what the gateway's operator "
        f"gave you. (Or a proxy in front of the gateway blocks automated requests.) {_KEPT}",
    )


def never_answered(base_url: str, requests: int, last_error: str) -> End:
    return End(
        "unavailable",
        f"{base_url} answered none of {requests} requests; the last one failed with: {last_error}. "
        "Check that AVATAR_TASKS_BASE_URL is right and that the gateway is up, then run again.",
    )


def down_too_long(base_url: str, last_error: str) -> End:
    return End(
        "unavailable",
        f"{base_url} failed for {FAILURES_TO_OPEN} ids or more in a row and stayed down for "
        f"{PATIENCE_SECONDS / 60:.0f} minutes in total; the last request failed with: {last_error}. {_KEPT}",
    )


def pause_too_long(base_url: str, pause_seconds: float) -> End:
    return End(
        "retry_later",
        f"{base_url} is throttling: its Retry-After is {pause_seconds:.0f} s, "
        f"and a run waits at most {LONGEST_PAUSE_SECONDS:.0f} s. {_KEPT}",
    )


def only_refusals(base_url: str, seconds: float) -> End:
    return End(
        "retry_later",
        f"{base_url} has rate-limited (429) every request for {seconds / 60:.0f} minutes. "
        f"The key's quota may be used up: ask the gateway's operator, or wait. {_KEPT}",
    )


def stopped(sentence: str) -> End:
    return End("stopped", sentence)
