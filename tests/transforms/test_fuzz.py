"""Answers nobody thought of: real ones, mutated. None may raise, none may be lost, none may harm its neighbour."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.transforms.answers import EXAMPLE, answer, dumps, flatten, task, work
from tests.transforms.test_cases import CASES
from tests.transforms.test_failure_reasons import DEEPER, failed
from tests.transforms.test_pure import assert_same, together
from tests.transforms.test_replies import RENAMED, REPLIES
from tests.transforms.test_shapes import NON_ANSWERS, SHAPES

if TYPE_CHECKING:
    from transforms.flatten import Frames

pytestmark = pytest.mark.e2e  # loads, or many worlds

WITH_OPEN_PARAMS: Final = work(animate_params_str=json.loads(EXAMPLE["data"]["data"]["animate_params_str"]))
SHAPED: Final = [case.values[0] for case in SHAPES if isinstance(case.values[0], dict)]
REFUSED: Final = [case.values[0] for case in NON_ANSWERS if isinstance(case.values[0], dict)]
REPLIED: Final = [case.values[0] for case in [*REPLIES, *RENAMED] if isinstance(case.values[0], dict)]
FAILED: Final = [json.loads(failed(case.values[0])["body"]) for case in DEEPER]
SEEN: Final = [json.loads(path.read_bytes())["body"] for path in sorted(CASES.glob("*.json"))]
SEEDS: Final = [
    *[WITH_OPEN_PARAMS] * 20,
    *SHAPED * 3,
    *REFUSED,
    *REPLIED,
    *FAILED,
    *(json.loads(one) for one in SEEN if one[0] == "{"),
]
KEYS: Final = [
    "data",
    "code",
    "error",
    "status",
    "task_id",
    "ext",
    "properties",
    "pt_infos",
    "id",
    "",
    "a.b",
    "/",
    '"',
    "'",
]
VALUES: Final[list[Any]] = [
    None, True, 0, -1, 2**63, 2**64, 10**40, 1e308, 0.1, "", "{}", "[]", "null", "7", '"', "{", "\0", "\ud83d", "é" * 9,
    [], {}, [[]], [None], [{}], [1, "x", None, {}], {"": 1}, {"data": {"data": {}}}, "NaN", "1e999", "%FF%", "😀" * 50,
]  # fmt: skip
BYTES: Final = [
    b"\xff",
    b"\x00",
    b"{",
    b"}",
    b'"',
    b"\\",
    b"[",
    b",",
    b"NaN",
    b"1e999",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"//",
    b":",
]
OUTCOMES: Final = {
    "task", "missing", "denied", "throttled", "server_error", "transport_error", "malformed", "oversized",
}  # fmt: skip
NEIGHBOUR: Final = answer(task(submit_time=1736868740), task_id="neighbour")


def containers(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, dict | list) else []) + [one for part in inner for one in containers(part)]


def change(rng: Random, whole: Any) -> None:  # noqa: ANN401 - likewise
    """One thing in `whole` dropped, added or replaced."""
    inside = rng.choice(containers(whole))
    keys: list[Any] = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
    if isinstance(inside, dict) and rng.random() < 0.15:
        inside[rng.choice(KEYS)] = deepcopy(rng.choice(VALUES))
    elif keys and rng.random() < 0.2:
        del inside[rng.choice(keys)]
    elif keys:
        key = rng.choice(keys)
        inside[key] = deepcopy(instead(rng, whole, inside[key]))


def instead(rng: Random, whole: Any, old: Any) -> Any:  # noqa: ANN401 - likewise
    """Something odd, or the old value put into a string, an envelope or a list, or something from elsewhere."""
    wrapped = rng.choice(
        [json.dumps(old), str(old), [old], {"data": old}, {"code": "success", "data": old}, {rng.choice(KEYS): old}]
    )
    return rng.choice([rng.choice(VALUES), rng.choice(VALUES), wrapped, wrapped, rng.choice(containers(whole))])


def rename(rng: Random, whole: Any) -> None:  # noqa: ANN401 - likewise
    """One key in other letters, or under another name, or in a deep nest."""
    inside = rng.choice([one for one in containers(whole) if isinstance(one, dict) and one] or [{"": None}])
    key = rng.choice(list(inside))
    renamed = rng.choice(
        [key.upper(), key.title().replace("_", ""), f"{key}\ud83d", "result", "payload", "Data", "msg"]
    )
    value = inside.pop(key)
    for _ in range(rng.choice((0, 0, 0, 1, 9, 60))):
        value = rng.choice([{"data": value}, [value], {"error": value}])
    inside[renamed] = value


def mutated(rng: Random) -> bytes:
    whole = deepcopy(rng.choice(SEEDS))
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        rng.choice([change, change, change, rename])(rng, whole)
    body = dumps(whole) if rng.random() < 0.9 else json.dumps(whole).encode()
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        body = rng.choice([cut, cut, spliced, spliced, flipped, repeated])(rng, body)
    return body


def cut(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return rng.choice([body[:at], body[at:]])


def spliced(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.choice(BYTES) + body[at + rng.choice((0, 1, 9)) :]


def flipped(rng: Random, body: bytes) -> bytes:
    """A bit of one byte."""
    flip = bytearray(body or b"{")
    flip[rng.randrange(len(flip))] ^= 1 << rng.randrange(8)
    return bytes(flip)


def repeated(rng: Random, body: bytes) -> bytes:
    """A key twice in one object."""
    key = rng.choice((b"data", b"code", b"status", b"task_id", b"message"))
    value = rng.choice((b"null", b'"x"', b"{}", b"[[]]", b"1e999"))
    return body.replace(b"{", b'{"%s":%s,' % (key, value), rng.choice((1, 1, -1)))


#: What makes an answer `missing`, in words, once blanks and the like are taken out; and what says nothing in any place.
KNOWN_WORDS: Final = (
    "tasknotexist", "tasknotfound", "taskdoesnotexist", "taskidnotfound", "taskidnotexist", "nosuchtask", "任务不存在",
    "recordnotfound",
)  # fmt: skip
SILENT: Final = {
    "", "null", "none", "nil", "nan", "undefined", "n/a", "-", "{}", "[]", '""', "[null]", '[""]', "true", "0", "200",
    "ok", "success", "succeed", "succeeded", "successful", "successfully", "done", "completed", "成功",
    "请求成功", "操作成功",
}  # fmt: skip
TRACES: Final = {"requestid", "traceid", "logid", "time", "timestamp", "ts", "servertime", "version"}


def opened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    for _ in range(4):
        try:
            value = json.loads(value) if isinstance(value, str) and value.strip()[:1] in {"{", "[", '"'} else value
        except (ValueError, RecursionError):
            break
    return value


def may_be_missing(body: bytes | None) -> bool:
    """By a known word anywhere, or where nothing but what says nothing stands around `data` that is empty."""
    said = (body or b"").decode("utf-8", "replace")
    plain = re.sub(r"[\s_-]|\\[nrt]", "", said.encode().decode("unicode_escape", "replace") + said).lower()
    if any(word in plain for word in KNOWN_WORDS):
        return True
    inside = opened(said.removeprefix("\ufeff"))
    while isinstance(inside, dict) and "data" in inside:
        others = {key: value for key, value in inside.items() if key != "data"}
        if not all(is_silent(key, value) for key, value in others.items()):
            return False
        inside = opened(inside["data"])
        if inside in (None, {}, []) or (isinstance(inside, str) and inside.strip().lower() in SILENT):
            return True
    return False


def is_silent(key: str, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    trace = re.sub("[_-]", "", key).lower() in TRACES
    harmless_error = key.lower() in {"error", "err", "errors"} and value is False
    said = json.dumps(value) if not isinstance(value, str) else value
    return trace or harmless_error or said.strip().lower() in SILENT


def assert_missing_only_where_said(frames: Frames, answers: list[dict[str, Any]]) -> None:
    bodies = {one["task_id"]: one["body"] for one in answers}
    for task_id in frames.observations.filter(outcome="missing")["task_id"]:
        assert may_be_missing(bodies[task_id]), bodies[task_id]


def assert_split_and_order_do_not_matter(rng: Random, frames: Frames, answers: list[dict[str, Any]]) -> None:
    """In two batches, each answer among others: the same rows."""
    at = rng.randrange(len(answers) + 1)
    assert_same(together([flatten(*answers[:at]), flatten(*answers[at:])]), frames)
    shuffled = rng.sample(answers, len(answers))
    again = flatten(*shuffled)
    for table in ("tasks", "observations", "quarantine", "works"):
        expected, found = getattr(frames, table).sort("task_id"), getattr(again, table).sort("task_id")
        assert found.equals(expected), table


def odd_answers(seed: int, count: int) -> list[dict[str, Any]]:
    rng = Random(seed)
    statuses = [200] * 12 + [400, 403, 404, 500, None]
    return [answer(mutated(rng), task_id=f"t{number}", http_status=rng.choice(statuses)) for number in range(count)]


def assert_accounted_for(frames: Frames, answers: list[dict[str, Any]]) -> None:
    outcomes = dict(frames.observations.select("task_id", "outcome").iter_rows())
    assert frames.observations["task_id"].to_list() == [one["task_id"] for one in answers]
    assert set(outcomes.values()) <= OUTCOMES
    assert frames.tasks["task_id"].to_list() == [key for key, outcome in outcomes.items() if outcome == "task"]
    unreadable = [key for key, outcome in outcomes.items() if outcome in ("malformed", "oversized")]
    assert frames.quarantine["task_id"].to_list() == unreadable
    assert set(frames.works["task_id"]) <= set(frames.tasks["task_id"])
    assert set(frames.pt_infos["task_id"]) <= set(frames.works["task_id"])
    assert frames.works["task_id"].is_unique().all()
    assert frames.pt_infos.select("task_id", "pt_index").is_unique().all()


def assert_extras_are_json(frames: Frames) -> None:
    for extras in (frames.tasks["extras"], frames.works["extras"], frames.pt_infos["extras"]):
        for text in extras.drop_nulls():
            assert isinstance(json.loads(text), dict), text


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 50))])
def test_no_answer_raises_or_is_lost_or_harms_its_neighbour(seed: int) -> None:
    """250 mutated answers at a time: each has an outcome, and the row or the reason that goes with it."""
    answers = [*odd_answers(seed, 250), NEIGHBOUR]
    frames, alone = flatten(*answers), flatten(NEIGHBOUR)
    assert_accounted_for(frames, answers)
    assert_extras_are_json(frames)
    assert_missing_only_where_said(frames, answers)
    assert_split_and_order_do_not_matter(Random(seed), frames, answers)
    assert frames.tasks.filter(task_id="neighbour").equals(alone.tasks)
    assert frames.works.filter(task_id="neighbour").equals(alone.works)
    assert frames.pt_infos.filter(task_id="neighbour").equals(alone.pt_infos)


def test_the_mutations_reach_every_corner() -> None:
    """Otherwise the test above would say little: tasks, works, elements, extras, drift and quarantine all occur."""
    frames = flatten(*odd_answers(1, 500))
    assert frames.tasks.height > 100
    assert frames.works["extras"].count() > 0
    assert frames.pt_infos["extras"].count() > 0
    assert frames.tasks["shape"].n_unique() == 4
    assert frames.quarantine["reason"].n_unique() >= 5
    assert frames.schema_drift.height > 50
    assert frames.observations.filter(outcome="missing").height > 5
    assert frames.tasks["quality_flags"].list.contains("text_repaired").any()
    assert "renamed_envelope" in frames.quarantine["reason"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"success":false,"data":null}', False),
        (b'{"code":"success","message":"busy","data":null}', False),
        (b'{"code":0,"result":{}}', False),
        (b'{"code":"success","message":"","data":null}', True),
        (b'{"code":"task_not_exist"}', True),
    ],
)
def test_the_reference_knows_what_is_missing(body: bytes, expected: bool) -> None:  # noqa: FBT001 - a case
    """Otherwise the tests above would say little of it."""
    assert may_be_missing(body) == expected
