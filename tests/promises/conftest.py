"""A gateway with a world of its own for each test, and a place for the figures that long forms print."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING

import pytest

from simulator import ManualClock, SimulatedGateway, serve
from tests.promises.siege import KEY, Siege, besieged_world, recently
from tests.warehouse.conftest import Site
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Besiege = Callable[..., Siege]
    Figures = Callable[[str, str], None]


@pytest.fixture
def besiege(tmp_path: Path) -> Iterator[Besiege]:
    """Makes sieges, each with a gateway and a data directory of its own."""
    with ExitStack() as stack:

        def make(tasks: int, seed: int = 7) -> Siege:
            end = recently()
            world, clock = besieged_world(seed, tasks, end), ManualClock(end)
            app = SimulatedGateway(world, key=KEY, clock=clock)
            base_url = stack.enter_context(serve(app))
            folder = tmp_path / f"siege-{tasks}-{seed}"
            return Siege(folder, base_url, world, app, clock, Random(seed))

        yield make


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A data directory with nothing in it."""
    return Site(DataPaths(tmp_path / "data"))


@pytest.fixture
def figures(capsys: pytest.CaptureFixture[str]) -> Figures:
    """Prints what a long form counted, whatever pytest captures, in a line for docs/promises.md."""

    def show(what: str, counted: str) -> None:
        with capsys.disabled():
            print(f"\n  {what}: {counted}", flush=True)  # noqa: T201 - figures are for people

    return show
