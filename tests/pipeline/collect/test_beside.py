"""When a run loads beside its requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pipeline import run as runs
from pipeline.collect.beside import Count, loading_beside
from pipeline.run import Sizes
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.run import Run


class Loads:
    """A destination that only notes how many answers there were when a load began.

    `step`: how many come between two calls of `count`, many thousand a second, so that the process is busy.
    `ahead`: how many more it loads, which came meanwhile.
    """

    def __init__(self, ids: int, *, single: bool, step: int, ahead: int) -> None:
        self.received = 0
        self.ids = ids
        self.single = single
        self.loaded_at: list[int] = []
        self._step = step
        self._ahead = ahead
        self._loaded = step

    def count(self) -> Count:
        self.received = min(self.received + self._step, self.ids)
        return Count(self.received, self.ids - self.received, self.received if self.single else 0)

    def while_polling(self) -> int:
        self.loaded_at.append(self.received)
        before, self._loaded = self._loaded, self.received + self._ahead
        return self._loaded - before


@pytest.fixture
def run(tmp_path: Path) -> Run:
    settings = Settings(base_url="http://127.0.0.1:9", data_dir=tmp_path / "data")
    return runs.begin(settings, "collect", sizes=Sizes(load_answers=9_000))


async def loads_of(run: Run, ids: int, *, single: bool, step: int = 1_000, ahead: int = 0) -> list[int]:
    loads = Loads(ids, single=single, step=step, ahead=ahead)
    async with loading_beside(run, loads, loads.count):  # type: ignore[arg-type]
        async with asyncio.timeout(30):
            while loads.received < ids:  # noqa: ASYNC110 - a number has no event
                await asyncio.sleep(0.01)
    return loads.loaded_at


@pytest.mark.parametrize(
    ("ids", "loaded_at"),
    [
        pytest.param(4_000, [], id="an-eighth-must-still-be-to-come"),
        pytest.param(5_000, [3_000], id="once"),
        pytest.param(7_000, [3_000, 5_000], id="again-when-as-many-wait-as-are-to-come"),
        pytest.param(16_000, [3_000, 10_000, 13_000], id="and-again"),
        pytest.param(30_000, [3_000, 12_000, 21_000, 26_000, 28_000], id="in-between-after-the-usual-number"),
    ],
)
def test_the_first_load_begins_early_and_the_last_leaves_little_for_the_end(
    run: Run, ids: int, loaded_at: list[int]
) -> None:
    """They are counted from the first call of `count` on, at 1,000 answers; an eighth of the usual number is 1,125."""
    assert asyncio.run(loads_of(run, ids, single=True)) == loaded_at


@pytest.mark.parametrize(("ids", "loaded_at"), [(20_000, [16_000]), (19_000, [])])
def test_no_load_begins_when_more_than_twice_as_many_wait_as_are_to_come(
    run: Run, ids: int, loaded_at: list[int]
) -> None:
    """8,000 wait: with all cores, the run loads them faster at its end."""
    assert asyncio.run(loads_of(run, ids, single=True, step=8_000)) == loaded_at


@pytest.mark.parametrize(("ids", "loaded_at"), [(14_000, []), (30_000, [10_000, 19_000])])
def test_answers_that_come_a_hundred_at_a_time_are_loaded_neither_early_nor_late(
    run: Run, ids: int, loaded_at: list[int]
) -> None:
    """They come faster than they can be loaded, and the rest would wait for the first."""
    assert asyncio.run(loads_of(run, ids, single=False)) == loaded_at


def test_what_a_load_has_loaded_meanwhile_does_not_make_the_next_one_due(run: Run) -> None:
    assert asyncio.run(loads_of(run, 30_000, single=True, ahead=2_000)) == [3_000, 14_000, 23_000, 28_000]
