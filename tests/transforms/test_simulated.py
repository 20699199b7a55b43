"""The simulator's whole catalogue and a whole world of its tasks, against the truth it knows about itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from simulator import KINDS, World, expected_outcome
from simulator.odd.kinds import Ask, special_answer
from simulator.odd.special import NAMES
from simulator.render import body_at
from tests.transforms.answers import answer, flatten, frame
from transforms.schema import ASKED_FOR

if TYPE_CHECKING:
    from simulator.truth import Row
    from transforms.flatten import Frames

pytestmark = pytest.mark.e2e  # loads, or many worlds

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)
LIMIT_BYTES = 8 * 1024 * 1024
FAULTS = {"hang": "timeout: 30 s", "drop_before_body": "reset: closed", "drop_mid_body": "truncated: closed"}
COMPRESSED = ("gzip", "gzip_bomb")


@pytest.fixture(scope="module")
def world() -> World:
    return World(11, 400, start=NOW - timedelta(hours=3), end=NOW, odd_share=0.7, stuck_share=0.02)


def fetched(kind: str, number: int = 1) -> dict[str, Any]:
    """What the client would archive of the kind's last attempt."""
    task_id = f"sim_{kind}_{number}"
    said = special_answer(Ask(task_id, "20260120-7", attempt=3, now=NOW.timestamp(), slow_seconds=0))
    assert said is not None
    error = FAULTS.get(said.delivery) or ("redirect: to /login" if said.status == 302 else None)
    headers = {name.decode(): value.decode() for name, value in said.headers}
    body = _decompressed(said.body) if kind in COMPRESSED else said.body
    return answer(
        None if said.delivery == "hang" else body[:LIMIT_BYTES],
        task_id=task_id,
        observed_at=NOW,
        http_status=None if said.delivery == "hang" else said.status,
        content_type=headers.get("content-type"),
        body_cut=len(body) > LIMIT_BYTES,
        error=error,
    )


def _decompressed(body: bytes) -> bytes:
    import gzip  # noqa: PLC0415 - for two kinds

    return gzip.decompress(body)


@pytest.fixture(scope="module")
def catalogue() -> Frames:
    return flatten(*(fetched(kind) for kind in KINDS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_outcome_it_is_expected_to_have(catalogue: Frames, kind: str) -> None:
    """And a row of its own exactly if it is a task, a reason exactly if nobody can read it."""
    mine = pl.col("task_id") == f"sim_{kind}_1"
    outcome = expected_outcome(kind)
    assert catalogue.observations.filter(mine)["outcome"].to_list() == [outcome]
    assert catalogue.tasks.filter(mine).height == (outcome == "task")
    assert catalogue.quarantine.filter(mine).height == (outcome in ("malformed", "oversized"))


def test_every_kind_with_a_truth_has_its_rows(world: World) -> None:
    """Quirk, state and class of failure, three of each, value by value."""
    ids = [(kind, number) for kind in sorted(NAMES & KINDS.keys()) for number in (1, 2, 3)]
    truth = world.truth(NOW, [f"sim_{kind}_{number}" for kind, number in ids])
    assert_truth(flatten(*(fetched(kind, number) for kind, number in ids)), truth)


@pytest.mark.parametrize("minutes", [-90, 0, 1, 2, 5, 120])
def test_a_world_is_read_as_it_is(world: World, minutes: int) -> None:
    """Every column of tasks, works and pt_infos that the truth knows, while tasks run and after they have ended."""
    now = NOW + timedelta(minutes=minutes)
    bodies = [(task.id, body_at(task, now.timestamp())) for task in world.tasks]
    frames = flatten(*(answer(body[0], task_id=task_id, observed_at=now) for task_id, body in bodies if body))
    assert_truth(frames, world.truth(now))
    assert set(frames.observations["outcome"]) == {"task"}
    assert frames.quarantine.is_empty()


def assert_truth(frames: Frames, truth: Any) -> None:  # noqa: ANN401 - three lists of rows
    keys = {"tasks": ["task_id"], "works": ["task_id"], "pt_infos": ["task_id", "pt_index"]}
    for name, key in keys.items():
        assert_rows(getattr(frames, name), getattr(truth, name), key)


def assert_rows(found: pl.DataFrame, rows: list[Row], key: list[str]) -> None:
    """The truth's columns are all of the table's, but for those that no model of the world can know."""
    own = {"observed_at", "body_hash", "run_id", "segment_id", "extras", "gateway_version", "quality_flags"}
    of_others = {"answered_id", "answered_work_id"} & set(found.columns)
    assert all(found[name].is_null().all() for name in of_others)
    own |= {"fail_rule"}  # the name of a rule; what it decides is fail_class
    own |= set(ASKED_FOR)  # made of pt_infos, whose rows are compared
    if rows:
        assert set(rows[0]) >= set(found.columns) - own - of_others - {"is_terminal"}
    expected = {tuple(row[part] for part in key): row for row in rows}
    got = {tuple(row[part] for part in key): row for row in found.rows(named=True)}
    assert got.keys() == expected.keys()
    for at, row in expected.items():
        assert {column: got[at][column] for column in row} == row


SURPRISING = {
    "unknown_field": {"$.data.priority", "$.data.data.render_seed", "$.data.data.moderation"},
    "type_mismatch": {"$.data.data.video_aspect_ratio"},
}


@pytest.mark.parametrize("quirk_name", SURPRISING)
def test_the_drift_of_an_odd_task_is_what_its_quirk_put_there(quirk_name: str) -> None:
    """Undocumented fields, a word for a number."""
    assert set(flatten(fetched(quirk_name)).schema_drift["json_path"]) == SURPRISING[quirk_name]


def test_nothing_else_in_the_world_is_drift(world: World) -> None:
    """All its shapes are documented; only numbers as text are not what they should be."""
    plain = [task for task in world.tasks if task.quirk_name not in {*SURPRISING, "string_numbers"}]
    bodies = [(task.id, body_at(task, NOW.timestamp())) for task in plain]
    assert flatten(*(answer(body[0], task_id=task_id) for task_id, body in bodies if body)).schema_drift.is_empty()


def test_a_frame_of_answers_is_what_the_catalogue_made() -> None:
    """The helper above makes rows of exactly the schema that is declared."""
    assert frame(*(fetched(kind) for kind in ("html", "success"))).height == 2
