"""A mixed-up answer is never a task's end: with a proxy that swaps answers, simulated, until they are right again."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.answers import (
    FAILURE,
    QUEUED,
    RUNNING,
    SUCCESS,
    Answer,
    Kind,
    Request,
    minute,
    under,
    write_answers,
    write_requests,
)
from tests.warehouse.conftest import DEFAULTS
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.database.scratch import scratch
from warehouse.load.loader import load
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from tests.promises.conftest import Figures

ROUNDS: Final = 8


@dataclasses.dataclass(frozen=True)
class World:
    """Tasks that end in some round, or never, and a proxy that gives a share of them each other's answers."""

    tasks: int
    swapped: float
    seed: int

    def truth(self, number: int, round_number: int) -> Kind:
        rng = random.Random(self.seed * 1_000_003 + number)
        ends_in, fails = rng.randrange(1, ROUNDS + 4), rng.random() < 0.2
        if round_number < ends_in:
            return RUNNING if round_number > 1 else QUEUED
        return FAILURE if fails else SUCCESS

    def answers(self, polled: list[int], round_number: int, *, is_right: bool) -> Iterator[tuple[int, int, Kind]]:
        """For each task polled: whose answer it gets, and that."""
        rng = random.Random(self.seed + round_number)
        mixed = [] if is_right else [number for number in polled if rng.random() < self.swapped]
        shuffled = dict(zip(mixed, mixed[1:] + mixed[:1], strict=True))
        for number in polled:
            whose = shuffled.get(number, number)
            yield number, whose, under(name(whose), self.truth(whose, round_number))


def name(number: int) -> str:
    return f"t{number}"


def statuses(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("select task_id, status from tasks").fetchall())


def play(world: World, folder: Path) -> tuple[int, int]:
    """Mixed-up answers given, and ends that were another task's; looks at what the tables say after every round."""
    store, policy = Archive(LocalFolder(folder)), PollingPolicy()
    given = wrong = 0
    with scratch() as con:
        requests = [Request(name(number), minute(0)) for number in range(world.tasks)]
        load(con, [write_requests(store, requests)], DEFAULTS, policy)
        for round_number in range(1, ROUNDS + 2):
            rows = con.execute("select task_id from pending order by all").fetchall()
            polled = [int(task_id.removeprefix("t")) for (task_id,) in rows]
            is_right = round_number == ROUNDS + 1
            told = list(world.answers(polled, round_number, is_right=is_right))
            given += sum(whose != number for number, whose, _ in told)
            answers = [Answer(name(number), minute(round_number), kind) for number, _, kind in told]
            load(con, [write_answers(store, answers)], DEFAULTS, policy)
            found = statuses(con)
            now = {name(number): world.truth(number, round_number).status for number in range(world.tasks)}
            wrong += sum(status != now[one] for one, status in found.items() if status in ("SUCCESS", "FAILURE"))
        assert found == now
        assert con.execute("select count(*) from tasks where identity_conflict").fetchone() == (0,)
    return given, wrong


@pytest.mark.parametrize("swapped", [pytest.param(0.05, marks=pytest.mark.soak), 0.2])
def test_a_mixed_up_answer_is_never_a_tasks_end(swapped: float, tmp_path: Path) -> None:
    """Of a few hundred tasks polled until they end; with the last answers right, everything is."""
    given, wrong = play(World(200, swapped, seed=7), tmp_path)
    assert given > 5
    assert wrong == 0


@pytest.mark.soak
def test_of_thousands_of_tasks_none_ends_by_anothers_answer(tmp_path: Path, figures: Figures) -> None:
    """A hundredth, a twentieth, a tenth and a fifth of the answers mixed up, each by three seeds."""
    played = [
        play(World(5_000, swapped, seed), tmp_path / f"{swapped}-{seed}")
        for swapped in (0.01, 0.05, 0.1, 0.2)
        for seed in (1, 2, 3)
    ]
    given, wrong = (sum(numbers) for numbers in zip(*played, strict=True))
    counted = f"{len(played)} worlds of 5,000 tasks, {given:,} mixed-up answers, {wrong} ends of another task"
    figures("1 to 20% of the answers mixed up", counted)
    assert wrong == 0
