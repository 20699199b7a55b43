"""What nobody expected: unknown fields, mistyped ones, and where both are kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.transforms.answers import (
    EXAMPLE,
    NOW,
    answer,
    drift,
    dumps,
    flatten,
    in_one_batch,
    params,
    task,
    without,
    work,
)
from transforms.documents.fields import ENVELOPE, PARAMS, PT_INFO, TASK, WORK, Kind, ObjectSpec

UNKNOWN, MISTYPED = "unknown_field", "type_mismatch"
PARAMS_PATH = "data.data.animate_params_str"
PT_INFO_EXAMPLE = json.loads(EXAMPLE["data"]["data"]["animate_params_str"])["pt_infos"][0]


def ext(**changes: object) -> dict[str, Any]:
    return work(ext=EXAMPLE["data"]["data"]["ext"] | changes)


def pt_info(**changes: object) -> dict[str, Any]:
    return params({"pt_infos": [PT_INFO_EXAMPLE | changes]})


#: By the path of the unknown field.
UNKNOWN_FIELDS: Final = {
    "trace": EXAMPLE | {"trace": 1},
    "data.trace": task(trace=1),
    "data.properties.trace": task(properties={"trace": 1}),
    "data.data.trace": work(trace=1),
    "data.data.ext.trace": ext(trace=1),
    f"{PARAMS_PATH}.trace": params({"pt_infos": [], "trace": 1}),
    f"{PARAMS_PATH}.pt_infos[*].trace": pt_info(trace=1),
}


def test_an_unknown_field_is_reported_wherever_it_stands() -> None:
    """Once, by its path, with the task that has it."""
    found = flatten(*(answer(body, task_id=path) for path, body in UNKNOWN_FIELDS.items())).schema_drift
    rows = found.select("json_path", "kind", "json_type", "seen_count", "example_task_id").rows()
    assert sorted(rows) == sorted((f"$.{path}", UNKNOWN, "UBIGINT", 1, path) for path in UNKNOWN_FIELDS)


@pytest.mark.parametrize("as_text", [False, True])
def test_an_unknown_field_in_the_envelope_of_an_inner_gateway_is_reported(*, as_text: bool) -> None:
    """A gateway behind a gateway has an envelope of its own, where the work is; it may be JSON in a string."""
    inner = {"code": "success", "message": "", "data": EXAMPLE["data"]["data"], "trace": 1}
    body = task(data=dumps(inner).decode() if as_text else inner)
    assert drift(body) == {("data.data.trace", UNKNOWN): "UBIGINT"}


def test_fields_of_newer_gateways_are_known() -> None:
    """All that WIRE.md names; a null is never a surprise."""
    newer: dict[str, Any] = {
        "id": 7, "created_at": 1, "updated_at": 2, "platform": "58", "user_id": 7, "group": "default", "channel_id": 12,
        "quota": 500, "result_url": "", "username": "u",
        "properties": {"input": "", "origin_model_name": "a", "upstream_model_name": "b"},
    }  # fmt: skip
    assert drift(task(**newer)) == {}
    assert drift(task(**dict.fromkeys(newer))) == {}
    assert drift(task(platform=58)) == {}


def everything_null(spec: ObjectSpec) -> dict[str, None]:
    return dict.fromkeys(spec.known_keys)


def test_a_null_anywhere_is_no_surprise() -> None:
    """In every known field of the task, the work and its parameters."""
    whole = task(**everything_null(TASK) | {"task_id": "x", "status": "SUCCESS"})
    assert drift(whole) == {}
    assert drift(work(**everything_null(WORK))) == {}
    assert drift(params({"pt_infos": [None, everything_null(PT_INFO)]})) == {}
    assert drift(params({"pt_infos": None})) == {}


MISFITS: dict[str, Any] = {
    "VARCHAR": "word", "UBIGINT": 7, "BIGINT": -7, "DOUBLE": 0.5, "BOOLEAN": True, "ARRAY": ["x"], "OBJECT": {"x": 1},
}  # fmt: skip
PLACES: list[tuple[ObjectSpec, str, Any]] = [
    (ENVELOPE, "", lambda key, value: EXAMPLE | {key: value}),
    (TASK, "data.", lambda key, value: task(**{key: value})),
    (WORK, "data.data.", lambda key, value: work(**{key: value})),
    (PARAMS, f"{PARAMS_PATH}.", lambda key, value: params({key: value})),
    (PT_INFO, f"{PARAMS_PATH}.pt_infos[*].", lambda key, value: pt_info(**{key: value})),
]


def leaves() -> list[Any]:
    """One field of each kind in each object."""
    found = {
        (spec.json_path, field.kind): pytest.param(
            build, f"{path}{field.path}", field.path, field.kind, id=f"{path}{field.path}"
        )
        for spec, path, build in PLACES
        for field in reversed(spec.fields)
        if "." not in field.path and field.kind not in {Kind.PAYLOAD, Kind.OBJECTS, Kind.OBJECT}
    }
    return list(found.values())


@pytest.mark.parametrize(("build", "path", "key", "kind"), leaves())
def test_a_mistyped_leaf_is_reported(build: Any, path: str, key: str, kind: Kind) -> None:  # noqa: ANN401 - a builder
    """Every JSON type that its kind does not have, and none that it has; in one batch, so each type is named once."""
    misfits = {name for name in MISFITS if name not in kind.json_types}
    misfits |= {"VARCHAR", "DOUBLE"} if kind is Kind.PROGRESS else set()  # a text that says no progress, and 0.5
    frames = flatten(*(answer(build(key, value)) for value in MISFITS.values()))
    assert frames.observations["outcome"].to_list() == ["task"] * len(MISFITS)
    rows = {row["json_path"]: row for row in frames.schema_drift.rows(named=True) if row["kind"] == MISTYPED}
    elements = rows.pop(f"$.{path}[*]", None)
    assert elements is None
    assert rows.pop(f"$.{path}")["json_type"] == "|".join(sorted(misfits))
    assert rows == {}


@pytest.mark.parametrize(
    ("body", "path", "json_type"),
    [
        pytest.param(work(play_types=["PT", 1, None]), "data.data.play_types[*]", "UBIGINT", id="a number among texts"),
        pytest.param(
            work(picture_path_list=[{}, 1, 2, [], "x"]),
            "data.data.picture_path_list[*]",
            "ARRAY|OBJECT|UBIGINT",
            id="several",
        ),
        pytest.param(params({"pt_infos": ["x"]}), f"{PARAMS_PATH}.pt_infos[*]", "VARCHAR", id="a text for an object"),
        pytest.param(params({"pt_infos": [[1], {}]}), f"{PARAMS_PATH}.pt_infos[*]", "ARRAY", id="a list for an object"),
        pytest.param(params({"pt_infos": {}}), f"{PARAMS_PATH}.pt_infos", "OBJECT", id="an object for the list"),
        pytest.param(work(ext="none"), "data.data.ext", "VARCHAR", id="a text for an object taken apart"),
        pytest.param(work(ext=[1]), "data.data.ext", "ARRAY", id="a list for an object taken apart"),
        pytest.param(task(properties=1), "data.properties", "UBIGINT", id="a number for the properties"),
    ],
)
def test_lists_and_objects_are_looked_into(body: object, path: str, json_type: str) -> None:
    """Each odd type of element once."""
    found = drift(body)
    expected = {} if path.endswith("pt_infos") else {(path, MISTYPED): json_type}
    assert found == expected


@pytest.mark.parametrize(
    ("field", "written", "json_type"),
    [
        pytest.param("video_aspect_ratio", "NaN", "DOUBLE", id="NaN"),
        pytest.param("video_aspect_ratio", "1e999", "DOUBLE", id="beyond a double"),
        pytest.param("video_aspect_ratio", "-Infinity", "DOUBLE", id="minus infinity"),
        pytest.param("web_work_status", "9223372036854775808", "UBIGINT", id="2^63"),
        pytest.param("web_work_status", "123456789012345678901234567890", "DOUBLE", id="beyond 64 bits"),
        pytest.param("web_work_status", "0.5", "DOUBLE", id="half a status"),
        pytest.param("create_time", "NaN", "DOUBLE", id="NaN for a time"),
    ],
)
def test_an_unreadable_number_is_null_and_reported_once(field: str, written: str, json_type: str) -> None:
    """DuckDB's parser accepts these; a column of ours would hold another number or none."""
    body = dumps(work(**{field: "@"})).replace(b'"@"', written.encode())
    frames = flatten(answer(body))
    assert frames.works[field].to_list() == [None]
    [row] = frames.schema_drift.rows(named=True)
    assert (row["json_path"], row["kind"], row["json_type"], row["seen_count"]) == (
        f"$.data.data.{field}", MISTYPED, json_type, 1,
    )  # fmt: skip


def test_drift_is_summed_up_by_path_and_kind() -> None:
    """Types joined, first and last time, how often, and the first task that showed it."""
    bodies = [task(trace="x"), task(trace=1), task(), task(trace=[1])]
    frames = flatten(
        *(answer(body, task_id=f"t{9 - n}", observed_at=NOW + timedelta(minutes=n)) for n, body in enumerate(bodies))
    )
    [row] = frames.schema_drift.rows(named=True)
    assert row == {
        "json_path": "$.data.trace",
        "kind": UNKNOWN,
        "json_type": "ARRAY|UBIGINT|VARCHAR",
        "first_seen_at": NOW,
        "last_seen_at": NOW + timedelta(minutes=3),
        "seen_count": 3,
        "example_task_id": "t9",
    }


def extras_of(table: str, body: object) -> object:
    found = getattr(extras(answer(body)), table)["extras"].to_list()
    return [None if text is None else json.loads(text) for text in found]


ODD_KEYS = [
    "",
    "a/b",
    "a~b",
    "a~0b",
    "~1",
    'a"b',
    "a'b",
    "a.b",
    "$",
    "*",
    "[0]",
    "a b",
    "é",
    "🎬",
    "\u0000",
    "\\",
    "\n",
]
EXTRAS: list[Any] = [
    pytest.param("tasks", EXAMPLE, [None], id="none"),
    pytest.param("tasks", task(id=7, group="g"), [{"group": "g", "id": 7}], id="known without a column"),
    pytest.param("tasks", task(id=None, group=None), [None], id="known and null"),
    pytest.param(
        "tasks",
        task(properties={"input": "i", "n": None}),
        [{"properties": {"input": "i", "n": None}}],
        id="properties",
    ),
    pytest.param("tasks", task(id=7, trace={"a": [1]}), [{"id": 7, "trace": {"a": [1]}}], id="known and unknown"),
    pytest.param("tasks", task(trace=None), [{"trace": None}], id="unknown and null"),
    pytest.param("works", work(seed=1, a="x"), [{"a": "x", "seed": 1}], id="work"),
    pytest.param("works", ext(mood="gay", n=1), [{"ext": {"mood": "gay", "n": 1}}], id="inside ext"),
    pytest.param("works", ext(mood=1) | {}, [{"ext": {"mood": 1}}], id="only inside ext"),
    pytest.param("works", work(ext="odd"), [{"ext": "odd"}], id="ext is no object"),
    pytest.param("works", work(ext=[1], seed=1), [{"ext": [1], "seed": 1}], id="ext is a list"),
    pytest.param("works", params({"pt_infos": [], "v": 2}), [{"animate_params": {"v": 2}}], id="parameters"),
    pytest.param("pt_infos", pt_info(mood=1), [{"mood": 1}], id="pt_info"),
    pytest.param("pt_infos", params({"pt_infos": [{}, {"a": 1}, {}]}), [None, {"a": 1}, None], id="one of three"),
    pytest.param("tasks", task(**dict.fromkeys(ODD_KEYS, 1)), [dict.fromkeys(ODD_KEYS, 1)], id="odd keys"),
    pytest.param("tasks", task(Status="x", STATUS="y"), [{"Status": "x", "STATUS": "y"}], id="keys in another case"),
    pytest.param("works", ext(Sing_Title="x"), [{"ext": {"Sing_Title": "x"}}], id="another case inside ext"),
]
extras = in_one_batch(answer(case.values[1]) for case in EXTRAS)


@pytest.mark.parametrize(("table", "body", "expected"), EXTRAS)
def test_a_field_without_a_column_is_kept_in_extras(table: str, body: object, expected: list[object]) -> None:
    """As JSON, by its own keys, whatever they are made of."""
    assert extras_of(table, body) == expected


def test_a_key_in_another_case_does_not_speak_for_the_known_one() -> None:
    """Keys are told apart by their case, as in JSON."""
    frames = flatten(answer(without(task(Status="FAILURE", PROGRESS="1%"), "data", "progress")))
    assert frames.tasks.select("status", "progress_pct").row(0) == ("SUCCESS", None)


def test_of_a_repeated_key_the_first_counts() -> None:
    """For columns and extras alike."""
    body = dumps(task(trace=1)).replace(b'"trace": 1', b'"trace": 1, "trace": 2, "status": "FAILURE"')
    frames = flatten(answer(body))
    [row] = frames.tasks.rows(named=True)
    assert (row["status"], json.loads(row["extras"])) == ("SUCCESS", {"trace": 1})
    assert frames.schema_drift["seen_count"].to_list() == [1]


def test_the_tables_of_fields_are_consistent() -> None:
    """Every list stands at the top of its object, and no path is there twice."""
    for spec in (ENVELOPE, TASK, WORK, PARAMS, PT_INFO):
        paths = [field.path for field in spec.fields]
        assert len(set(paths)) == len(paths)
        assert not [path for path, kind in ((f.path, f.kind) for f in spec.fields) if kind.element_type and "." in path]
    assert len(WORK.known_keys) == 26
