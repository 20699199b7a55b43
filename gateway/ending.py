"""Why a client stops before its ids are through, in words for the person who started it."""

from dataclasses import dataclass
from typing import Literal

from gateway.pace.breaker import FAILURES_TO_OPEN, PATIENCE_SECONDS
from gateway.pace.retries import LONGEST_PAUSE_SECONDS

Reason = Literal["key_refused", "no_gateway", "unavailable", "retry_later", "stopped"]

_KEPT = "What was collected is kept; run again to go on from here."


@dataclass(frozen=True, slots=True)
class End:
    reason: Reason
    sentence: str
    """What happened, and what to do next."""

    def __str__(self) -> str:
        return self.sentence


def key_refused(base_url: str, status: int | None, said: str | None, *, has_key: bool, is_quota: bool = False) -> End:
    if not has_key:
        what, then = "wants a key", "Set AVATAR_TASKS_API_KEY"
    elif is_quota:
        what = "does not let the key go on: its quota or balance is used up"
        then = "Ask the gateway's operator for more, or wait until it is renewed"
    elif status == 401:  # noqa: PLR2004 - the name of the number is the number
        what, then = "refused the key", "Check AVATAR_TASKS_API_KEY: it is mistyped, expired or another gateway's"
    else:
        what = "does not let the key do this"
        then = "Ask the gateway's operator which addresses, groups and models AVATAR_TASKS_API_KEY is limited to"
    quoted = f"HTTP {status}, {said!r}" if said else f"HTTP {status}"
    return End("key_refused", f"{base_url} {what} ({quoted}). {then}. Nothing more was asked. {_KEPT}")


def no_gateway(base_url: str, answers: int, last: str) -> End:
    return End(
        "no_gateway",
        f"Of {answers} answers from {base_url} not one was a gateway's; the last was {last}. "
        f"AVATAR_TASKS_BASE_URL is likely wrong: compare scheme, host, port and path with what the gateway's operator "
        f"gave you. (Or something before the gateway keeps programs out.) {_KEPT}",
    )


def never_answered(base_url: str, requests: int, last_error: str) -> End:
    return End(
        "unavailable",
        f"Not one answer came from {base_url} in {requests} requests; the last one ended with: {last_error}. "
        "Check that AVATAR_TASKS_BASE_URL is right and that the gateway is up, then run again.",
    )


def down_too_long(base_url: str, last_error: str) -> End:
    return End(
        "unavailable",
        f"{base_url} failed for {FAILURES_TO_OPEN} ids or more in a row and stayed down for "
        f"{PATIENCE_SECONDS / 60:.0f} minutes in all; the last request ended with: {last_error}. {_KEPT}",
    )


def told_to_come_back(base_url: str, pause_seconds: float) -> End:
    return End(
        "retry_later",
        f"{base_url} is throttling and wants to be left alone for {pause_seconds:.0f} s, "
        f"longer than the {LONGEST_PAUSE_SECONDS:.0f} s a run waits. {_KEPT}",
    )


def only_refusals(base_url: str, seconds: float) -> End:
    return End(
        "retry_later",
        f"{base_url} has refused every request of the last {seconds / 60:.0f} minutes as too many. "
        f"The key's quota may be used up: ask its operator, or wait. {_KEPT}",
    )


def stopped(sentence: str) -> End:
    return End("stopped", sentence)
