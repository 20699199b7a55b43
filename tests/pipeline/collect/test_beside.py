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

#: Answers that come between two calls of `count`, many thousand a second: the process is busy.
STEP = 1_000


class Loads:
    """A destination that only notes how many answers there were when a load began.

    `ahead`: how many more it loads, which came meanwhile.
    """

    def __init__(self, ids: int, *, single: bool, ahead: int = 0) -> None:
        self.received = 0
        self.ids = ids
        self.single = single
        self.loaded_at: list[int] = []
        self._ahead = ahead
        self._loaded = STEP

    def count(self) -> Count:
        self.received = min(self.received + STEP, self.ids)
        return Count(self.received, self.ids - self.received, self.received if self.single else 0)

    def while_polling(self) -> int:
        self.loaded_at.append(self.received)
        before, self._loaded = self._loaded, self.received + self._ahead
        return self._loaded - before


@pytest.fixture
def run(tmp_path: Path) -> Run:
    settings = Settings(base_url="http://127.0.0.1:9", data_dir=tmp_path / "data")
    return runs.begin(settings, "collect", sizes=Sizes(load_answers=9_000))


async def loads_of(run: Run, ids: int, *, single: bool, ahead: int = 0) -> list[int]:
    loads = Loads(ids, single=single, ahead=ahead)
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
        pytest.param(16_000, [3_000], id="later-half-must-still-be-to-come"),
        pytest.param(30_000, [3_000, 12_000, 21_000], id="later-after-all-of-it"),
    ],
)
def test_the_first_load_begins_after_an_eighth_of_the_usual_number(run: Run, ids: int, loaded_at: list[int]) -> None:
    """They are counted from the first call of `count` on, at 1,000 answers."""
    assert asyncio.run(loads_of(run, ids, single=True)) == loaded_at


def test_answers_that_come_a_hundred_at_a_time_are_not_loaded_early(run: Run) -> None:
    """They come faster than they can be loaded, and the rest would wait for the first."""
    assert asyncio.run(loads_of(run, 30_000, single=False)) == [10_000, 19_000]


def test_what_a_load_has_loaded_meanwhile_does_not_make_the_next_one_due(run: Run) -> None:
    assert asyncio.run(loads_of(run, 30_000, single=True, ahead=2_000)) == [3_000, 14_000, 25_000]
