"""While a step is loaded and written, what comes after it is read already."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.warehouse.answers import RUNNING, Answer, file_of, minute
from tests.warehouse.conftest import DEFAULTS, Site
from transforms.flatten import Frames, transform
from warehouse.load import loader as load
from warehouse.load import read_ahead as reading
from warehouse.load.read_ahead import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from transforms.failures import FailureRule
    from warehouse.archive.parquet import Segment

TASKS = [f"t{number}" for number in range(5)]
_PATIENCE_SECONDS = 30


@pytest.fixture
def segments(site: Site) -> list[Segment]:
    """One for each of `TASKS`."""
    return [one for task in TASKS for one in site.archive([Answer(task, minute(1), RUNNING)])]


def read(pieces: Reading) -> list[str]:
    return sorted(task for answers, _ in pieces for task in answers["task_id"])


def test_the_next_step_is_read_while_this_one_is_written(
    site: Site, segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody asks for it; a checkpoint may take longer than reading does."""
    is_read = {task: Event() for task in TASKS}

    def told(answers: pl.DataFrame, rules: Sequence[FailureRule]) -> Frames:
        frames = transform(answers, rules)
        is_read[answers["task_id"][0]].set()
        return frames

    monkeypatch.setattr(reading, "transform", told)
    with site.writer() as con:
        steps = load.load_in_steps(con, segments, DEFAULTS, site.policy, step_rows=1, read_ahead=True)
        assert next(steps).answers == 1
        assert is_read["t1"].wait(_PATIENCE_SECONDS)
        assert not is_read["t2"].is_set()
        assert sum(one.answers for one in steps) == 4


def test_what_was_read_in_part_can_be_read_again_whole(
    segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a transaction on a lake that lost against another."""
    monkeypatch.setattr(reading, "PIECE_ROWS", 1)
    pieces = Reading(segments, DEFAULTS.failure_rules)
    assert next(iter(pieces))[0]["task_id"].to_list() == ["t0"]
    assert (read(pieces), read(pieces)) == (TASKS, TASKS)


def test_a_damaged_segment_is_known_after_each_reading(segments: list[Segment]) -> None:
    """Once, however often it was read."""
    file_of(segments[1]).write_bytes(b"none")
    pieces = Reading(segments, DEFAULTS.failure_rules)
    for _ in range(2):
        assert read(pieces) == ["t0", "t2", "t3", "t4"]
        assert [one.segment for one in pieces.damaged] == [segments[1]]
