"""The catalogue of answers on request: `sim_<kind>_<anything>` is an id in every world.

    GET /avatar/task/sim_html_1                      the dashboard's page instead of an answer
    GET /avatar/task/sim_double_encoded_params_1     a task whose parameters are encoded twice

`KINDS` describes each; `expected_outcome` is the value that `observations.outcome` in the warehouse must have for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import resources
from typing import Literal

from simulator import answers
from simulator.answers import Answer, ok
from simulator.odd.special import RECIPES, Recipe, cook, kind_of
from simulator.render import body_at

Outcome = Literal[
    "task", "missing", "denied", "throttled", "server_error", "transport_error", "malformed", "oversized"
]  # fmt: skip

FLAKY_ATTEMPTS = 2
NESTING_LEVELS = 100_000
HUGE_FIELD_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a special id. `attempt` counts from 1, per id; `now` is in Unix seconds."""

    task_id: str
    request_id: str
    attempt: int
    now: float
    slow_seconds: float


@dataclass(frozen=True, slots=True)
class Kind:
    description: str
    outcome: Outcome
    answer: Callable[[Ask], Answer]


def expected_outcome(kind: str) -> Outcome:
    """The outcome for an id of this kind after all retries, for a client with a long enough timeout."""
    return _REGISTRY[kind].outcome


def special_answer(ask: Ask) -> Answer | None:
    """The answer for a special id; None if the id is not a special one."""
    kind = kind_of(ask.task_id, _REGISTRY)
    return None if kind is None else _REGISTRY[kind].answer(ask)


def _cooked(recipe: Recipe, ask: Ask) -> Answer:
    known = body_at(cook(ask.task_id, recipe), ask.now)
    return answers.missing() if known is None else ok(known[0])


def _plain(ask: Ask) -> bytes:
    return _cooked(RECIPES["success"], ask).body


def _bent(change: Callable[[bytes], bytes], ask: Ask) -> Answer:
    """A plain task's answer with its bytes changed."""
    return ok(change(_plain(ask)))


def _flaky(fault: Callable[[Ask], Answer], ask: Ask) -> Answer:
    return fault(ask) if ask.attempt <= FLAKY_ATTEMPTS else ok(_plain(ask))


@cache
def seed_example() -> bytes:
    """The example response of the endpoint's document, byte for byte; its task_id is the document's own."""
    return resources.files("simulator").joinpath("seed_example.json").read_bytes()


def _in_work_name(value: bytes) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(b'"work_name":"', b'"work_name":"' + value)


def _nest(body: bytes) -> bytes:
    deep = b"[" * NESTING_LEVELS + b"]" * NESTING_LEVELS
    return body.replace(b'"work_name":', b'"layers":%b,"work_name":' % deep)


def _tasks() -> dict[str, Kind]:
    return {name: Kind(recipe.description, "task", partial(_cooked, recipe)) for name, recipe in RECIPES.items()}


def _unusual_tasks() -> dict[str, Kind]:
    def bent(change: Callable[[bytes], bytes]) -> Callable[[Ask], Answer]:
        return partial(_bent, change)

    def throttled(ask: Ask) -> Answer:
        return answers.throttled(ask.request_id, b"1")

    def slow(ask: Ask) -> Answer:
        return replace(ok(_plain(ask)), delay_seconds=ask.slow_seconds)

    return {
        "seed_example": Kind("the document's own example, byte for byte", "task", lambda _: ok(seed_example())),
        "nul_character": Kind("a NUL character in the work's name", "task", bent(_in_work_name(rb"a\u0000b"))),
        "huge_field": Kind("a megabyte in one field", "task", bent(_in_work_name(b"x" * HUGE_FIELD_BYTES))),
        "deep_nesting": Kind("an undocumented field nested 100,000 levels deep", "task", bent(_nest)),
        "byte_order_mark": Kind("a byte order mark before the task", "task", bent(lambda body: b"\xef\xbb\xbf" + body)),
        "nan": Kind(
            "NaN where a number belongs",
            "task",
            bent(lambda body: body.replace(b'"start_time":', b'"start_time":NaN,"_":')),
        ),
        "gzip": Kind("a compressed answer", "task", lambda ask: answers.compressed(_plain(ask))),
        "chunked": Kind("an answer without a length", "task", lambda ask: replace(ok(_plain(ask)), delivery="chunked")),
        "trickle": Kind("an answer that trickles in", "task", lambda ask: replace(ok(_plain(ask)), delivery="trickle")),
        "slow": Kind("an answer after `slow_seconds`", "task", slow),
        "flaky": Kind(
            "503 twice, then a task", "task", partial(_flaky, lambda ask: answers.overloaded(ask.request_id))
        ),
        "flaky_throttled": Kind("429 with Retry-After twice, then a task", "task", partial(_flaky, throttled)),
    }


def _refusals() -> dict[str, Kind]:
    def error(status: int, message: str) -> Callable[[Ask], Answer]:
        return lambda ask: answers.error(status, message, ask.request_id)

    def throttle(retry_after: bytes | None) -> Callable[[Ask], Answer]:
        return lambda ask: answers.throttled(ask.request_id, retry_after)

    return {
        "missing": Kind("400 task_not_exist: unknown, or another user's", "missing", lambda _: answers.missing()),
        "null_data": Kind('{"code":"success","data":null}', "missing", lambda _: answers.nothing_known()),
        "unauthorized": Kind("401 as for a bad key", "denied", error(401, "Invalid token")),
        "forbidden_ip": Kind("403: not from this address", "denied", error(403, "您的 IP 不在令牌允许访问的列表中")),
        "forbidden_group": Kind("403: not for this group", "denied", error(403, "No permission to access group vip")),
        "forbidden_model": Kind(
            "403: not this model", "denied", error(403, "This token has no access to model avatar-1")
        ),
        "throttled": Kind("429 with an error object", "throttled", throttle(None)),
        "throttled_seconds": Kind("429 with Retry-After in seconds", "throttled", throttle(b"1")),
        "throttled_date": Kind("429 with Retry-After as a date", "throttled", throttle(answers.RETRY_DATE)),
        "throttled_empty": Kind("429 with an empty body", "throttled", lambda _: answers.throttled_empty()),
    }


def _breakdowns() -> dict[str, Kind]:
    def cut(delivery: answers.Delivery) -> Callable[[Ask], Answer]:
        return lambda ask: replace(ok(_plain(ask)), delivery=delivery)

    return {
        "get_task_failed": Kind(
            "500: the gateway's database failed", "server_error", lambda _: answers.database_failed()
        ),
        "panic": Kind("500: the gateway panicked", "server_error", lambda ask: answers.panicked(ask.request_id)),
        "overload": Kind("503: overloaded", "server_error", lambda ask: answers.overloaded(ask.request_id)),
        "bad_gateway": Kind("502: a page of the proxy", "server_error", lambda _: answers.bad_gateway()),
        "hang": Kind("no answer ever", "transport_error", cut("hang")),
        "dropped_before_body": Kind("closed after the headers", "transport_error", cut("drop_before_body")),
        "dropped_mid_body": Kind("closed in the middle of the body", "transport_error", cut("drop_mid_body")),
        "oversized": Kind("a body of 9 MiB", "oversized", lambda _: answers.oversized()),
        "oversized_chunked": Kind("the same without a length", "oversized", lambda _: answers.oversized("chunked")),
        "gzip_bomb": Kind(
            "9 MiB in a few KB", "oversized", lambda _: answers.compressed(answers.oversized().body)
        ),
    }  # fmt: skip


def _nonsense() -> dict[str, Kind]:
    def fixed(description: str, answer: Answer) -> Kind:
        return Kind(description, "malformed", lambda _: answer)

    def bent(description: str, change: Callable[[bytes], bytes], outcome: Outcome = "malformed") -> Kind:
        return Kind(description, outcome, partial(_bent, change))

    return {
        "html": fixed("200 with the dashboard's page: wrong base URL", answers.dashboard()),
        "redirect": fixed("302 to the login page", answers.redirect()),
        "empty": fixed("200 with an empty body", ok(b"")),
        "plain_text": fixed("200 with a word", Answer(200, b"OK", ((b"content-type", b"text/plain"),))),
        "json_null": fixed("200 with null", ok(b"null")),
        "json_list": fixed("200 with a list", ok(b"[]")),
        "json_text": fixed("200 with a string", ok(b'"task"')),
        "unknown_shape": fixed("200 with an object of no known shape", ok(b'{"result":{"state":2}}')),
        "invalid_url": Kind(
            "404 of a wrong path under /v1",
            "malformed",
            lambda ask: answers.invalid_url(f"/v1/avatar/task/{ask.task_id}", ask.request_id),
        ),
        "truncated": bent("a task cut short, the length to match", lambda body: body[: len(body) * 2 // 3]),
        "invalid_utf8": bent("bytes that are not UTF-8 in the work's name", _in_work_name(b"\xff\xfe"), "task"),
        "lone_surrogate": bent("half a character in the work's name", _in_work_name(rb"\ud83d"), "task"),
    }


_REGISTRY: dict[str, Kind] = _tasks() | _unusual_tasks() | _refusals() | _breakdowns() | _nonsense()
KINDS: dict[str, str] = {name: kind.description for name, kind in _REGISTRY.items()}
