"""Odd bytes and odd sizes: read where they can be, in quarantine where not, and harmless to their neighbours."""

from __future__ import annotations

import codecs
import json
import subprocess
import sys
from typing import Any

import polars as pl
import pytest

from tests.transforms.answers import (
    EXAMPLE,
    NOW,
    ROOT,
    RULES,
    answer,
    dumps,
    flatten,
    frame,
    in_one_batch,
    params,
    task,
    work,
)
from transforms import schema
from transforms.flatten import Frames, transform

GOOD = dumps(EXAMPLE)
CHINESE = dumps(work(music_title="数字人"))
SINGER = EXAMPLE["data"]["data"]["music_title"]
LATIN = json.dumps(work(music_title="Café"), ensure_ascii=False).encode("latin-1")
DEPTH = 100_000


def in_work_name(value: bytes) -> bytes:
    return GOOD.replace(b'"work_name": "', b'"work_name": "' + value)


def in_extras(value: bytes, *, of: bytes) -> bytes:
    return GOOD.replace(of, b'"layers": ' + value + b", " + of)


ENCODINGS: list[Any] = [
    pytest.param(codecs.BOM_UTF8 + CHINESE, None, "task", None, "数字人", id="UTF-8 with a mark"),
    pytest.param(CHINESE.decode().encode("utf-16"), None, "task", None, "数字人", id="UTF-16"),
    pytest.param(
        codecs.BOM_UTF16_BE + CHINESE.decode().encode("utf-16-be"), None, "task", None, "数字人", id="UTF-16, big"
    ),
    pytest.param(LATIN, "application/json; charset=ISO-8859-1", "task", None, "Café", id="Latin-1, declared"),
    pytest.param(CHINESE.decode().encode("gbk"), 'x; charset="GBK"', "task", None, "数字人", id="GBK, declared"),
    pytest.param(LATIN, "application/json", "task", None, "Caf\ufffd", id="Latin-1, not declared"),
    pytest.param(LATIN, "x; charset=nonsense", "task", None, "Caf\ufffd", id="a charset that is none"),
    pytest.param(LATIN, "x; charset=rot13", "task", None, "Caf\ufffd", id="a charset that is no charset"),
    pytest.param(LATIN, "x; charset=ascii", "task", None, "Caf\ufffd", id="declared wrongly"),
    pytest.param(CHINESE, "x; charset=latin-1", "task", None, "数字人", id="UTF-8, declared as another"),
    pytest.param(in_work_name(b"\xff\xfe"), None, "task", None, SINGER, id="bytes that are no text"),
    pytest.param(codecs.BOM_UTF16_LE + b"{", None, "malformed", "not_text", None, id="half of UTF-16"),
    pytest.param(b"\x00" * 64, None, "malformed", "not_json", None, id="zeros"),
    pytest.param(codecs.BOM_UTF8, None, "malformed", "not_json", None, id="only a mark"),
    pytest.param(in_work_name(rb"\ud83d"), None, "task", None, SINGER, id="half a character, escaped"),
    pytest.param(in_work_name(b"\xed\xa0\xbd"), None, "task", None, SINGER, id="half a character in bytes"),
    pytest.param(GOOD.replace(b"{", b'{"\\ud83d": 1, ', 1), None, "task", None, SINGER, id="half a key"),
]
encoded = in_one_batch(answer(case.values[0], content_type=case.values[1]) for case in ENCODINGS)


@pytest.mark.parametrize(("body", "content_type", "outcome", "reason", "title"), ENCODINGS)
def test_every_encoding_is_read_or_refused(
    body: bytes, content_type: str | None, outcome: str, reason: str | None, title: str | None
) -> None:
    """UTF-8 whatever is declared, then what a mark or the charset says, then UTF-8 with U+FFFD for every bad byte."""
    frames = encoded(answer(body, content_type=content_type))
    assert frames.observations["outcome"].to_list() == [outcome]
    assert frames.quarantine["reason"].to_list() == ([reason] if reason else [])
    assert frames.works["music_title"].to_list() == ([title] if title else [])


LISTS, OBJECTS = b"[" * DEPTH + b"]" * DEPTH, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH
IN_TASK, IN_WORK, IN_EXT = b'"task_id":', b'"work_name":', b'"animate_channel":'
HUGE: list[Any] = [
    pytest.param(in_work_name(rb"a\u0000b"), id="NUL in a value"),
    pytest.param(in_work_name(b"x" * 2**20), id="a megabyte in a field"),
    pytest.param(in_extras(b'"' + b"x" * 2**20 + b'"', of=IN_TASK), id="a megabyte in an extra"),
    *(
        pytest.param(in_extras(deep, of=place), id=f"{name} deep in the {where}")
        for name, deep in (("lists", LISTS), ("objects", OBJECTS))
        for where, place in (("envelope", b'"code":'), ("task", IN_TASK), ("work", IN_WORK), ("ext", IN_EXT))
    ),
    pytest.param(GOOD.replace(b'"play_types": [', b'"play_types": [' + LISTS + b", "), id="lists deep in a list"),
    pytest.param(GOOD.replace(b'"singer": "DreamFace"', b'"singer": ' + LISTS), id="lists deep for a text"),
    pytest.param(GOOD.replace(b'"ext": {', b'"ext": ' + OBJECTS + b', "x": {'), id="ext is deep"),
    pytest.param(dumps(task(properties="@", id=1)).replace(b'"@"', OBJECTS), id="properties are deep"),
    pytest.param(dumps(work(animate_params_str=(b'{"x":' + LISTS + b"}").decode())), id="deep in the parameters"),
    pytest.param(
        dumps(work(animate_params_str=(b'{"pt_infos":[{"x":' + OBJECTS + b"}]}").decode())), id="deep in a pt_info"
    ),
    pytest.param(dumps(task(**{f"k{n}": n for n in range(10_000)})), id="10,000 unknown fields"),
    pytest.param(in_extras(b"1e308", of=IN_WORK), id="a large number"),
    pytest.param(in_extras(b"1e999", of=IN_WORK), id="a number beyond a double"),
    pytest.param(in_extras(b"NaN", of=IN_WORK), id="NaN"),
    pytest.param(in_extras(b"9" * 5000, of=IN_TASK), id="5,000 digits"),
    pytest.param(GOOD.replace(b'"start_time": 0', b'"start_time": ' + b"9" * 5000), id="5,000 digits for a time"),
    pytest.param(b" \n\t" * 1000 + GOOD + b"\r\n", id="blanks around it"),
]


@pytest.fixture(scope="module")
def huge() -> Frames:
    neighbours = [answer(case.values[0], task_id=case.id) for case in HUGE]
    return flatten(*neighbours, answer(task_id="last"))


@pytest.mark.parametrize("name", [case.id for case in HUGE])
def test_a_huge_answer_is_still_a_task(huge: Frames, name: str) -> None:
    """Deep, long or large: the known fields are read, all in one batch."""
    [row] = huge.tasks.filter(task_id=name).rows(named=True)
    assert (row["status"], row["latency_seconds"]) == ("SUCCESS", 53.0)
    assert huge.works.filter(task_id=name).height == 1


def test_the_neighbour_of_the_huge_is_plain(huge: Frames) -> None:
    """Not a value differs from what it is alone."""
    alone = flatten(answer(task_id="last"))
    assert huge.tasks.filter(task_id="last").equals(alone.tasks)
    assert huge.works.filter(task_id="last").equals(alone.works)
    assert huge.pt_infos.filter(task_id="last").equals(alone.pt_infos)


def test_a_huge_answer_is_kept_completely(huge: Frames) -> None:
    """A megabyte in a field is a megabyte in a column, a NUL a NUL."""
    names = {row["task_id"]: row["work_name"] for row in huge.works.rows(named=True)}
    assert len(names["a megabyte in a field"]) > 2**20
    assert names["NUL in a value"].startswith("a\0b")
    extras = {row["task_id"]: row["extras"] for row in huge.tasks.rows(named=True)}
    assert len(extras["objects deep in the task"]) > 6 * DEPTH
    assert len(json.loads(extras["10,000 unknown fields"])) == 10_000


#: How much more memory than one short answer forty long ones need, which are 2 MB of text and 500,000 values each.
FORTY_LONG_ANSWERS = """
from resource import RUSAGE_SELF, getrusage
from tests.transforms.answers import answer, flatten
flatten(answer())
before = getrusage(RUSAGE_SELF).ru_maxrss
flatten(*[answer({"layers": [[]] * 500_000})] * 40)
print(getrusage(RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.e2e
def test_many_long_answers_are_not_held_parsed_at_once() -> None:
    """Their text three or four times, and the parsed form of one of them; of all of them it would be 4.5 GB."""
    done = subprocess.run([sys.executable, "-c", FORTY_LONG_ANSWERS], cwd=ROOT, capture_output=True, check=True)
    grown_mb = int(done.stdout) / (2**20 if sys.platform == "darwin" else 2**10)
    assert grown_mb < 800


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(LISTS, id="lists"),
        pytest.param(OBJECTS, id="objects"),
        pytest.param(b'{"data":' * DEPTH + b"1" + b"}" * DEPTH, id="envelopes"),
        pytest.param(dumps(task()).replace(b'"SUCCESS"', LISTS), id="status"),
        pytest.param(in_extras(b"[" * 10**6 + b"]" * 10**6, of=IN_EXT), id="a million levels in ext"),
    ],
)
def test_a_deeply_nested_answer_is_not_an_error(body: bytes) -> None:
    """A task of unknown status, or in quarantine."""
    frames = flatten(answer(body), answer(task_id="next"))
    assert frames.observations["outcome"].to_list()[1] == "task"
    assert frames.tasks.height + frames.quarantine.height == 2


def test_no_answers_make_empty_frames_of_the_same_schemas() -> None:
    """Nothing is inferred, not even from nothing."""
    assert_schemas(flatten())


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(answer(), id="a task"),
        pytest.param(answer(b"OK"), id="nonsense"),
        pytest.param(answer(None, http_status=None, error="timeout: 30 s"), id="nothing"),
        pytest.param(answer(params({"pt_infos": None})), id="no elements"),
        pytest.param(
            answer() | dict.fromkeys(("content_type", "body", "elapsed_ms", "request_id", "gateway_version")),
            id="nulls",
        ),
    ],
)
def test_every_frame_has_exactly_its_schema(one: dict[str, Any]) -> None:
    """Whatever the batch holds."""
    assert_schemas(flatten(one))


def test_columns_of_other_but_fitting_types_are_taken() -> None:
    """What DuckDB or Parquet make of integers is cast, not guessed."""
    wide = frame(answer()).cast({"http_status": pl.Int64(), "attempts": pl.Int8()})
    assert transform(wide, RULES).tasks.height == 1
    assert_schemas(transform(wide, ()))


def assert_schemas(frames: Frames) -> None:
    assert frames.tasks.schema == schema.TASKS
    assert frames.works.schema == schema.WORKS
    assert frames.pt_infos.schema == schema.PT_INFOS
    assert frames.observations.schema == schema.OBSERVATIONS
    assert frames.quarantine.schema == schema.QUARANTINE
    assert frames.schema_drift.schema == schema.SCHEMA_DRIFT


def test_an_observation_tells_what_it_cost() -> None:
    """Straight from the answer, understood or not."""
    one = answer(b"", http_status=429, elapsed_ms=7.5, attempts=2, refusals=9, request_id="q", observed_at=NOW)
    [row] = flatten(one).observations.rows(named=True)
    assert {key: row[key] for key in one.keys() & row.keys()} == {key: one[key] for key in one.keys() & row.keys()}
