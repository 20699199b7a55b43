"""Kill -9 at every step and at random: every id accounted for, no row twice, the published file always opens."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.promises import oracle
from tests.promises.siege import POLICY
from tests.promises.steps import Survey, Trap, read_survey
from tests.warehouse import children
from tests.warehouse.conftest import DEFAULTS
from warehouse.archive.atomic import UNFINISHED, atomic_write, clear_unfinished
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.leftovers import clear_leftovers
from warehouse.maintenance.rebuild import rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from tests.promises.conftest import Besiege, Figures
    from tests.promises.siege import Siege
    from tests.promises.steps import Step

#: What touches files. A `collect` accepts, archives, loads and publishes.
COMMANDS = ("collect", "rebuild", "publish", "maintain")

RECOVER_EVERY = 25


@pytest.fixture
def siege(besiege: Besiege) -> Siege:
    """A siege whose data directory has been worked on for a while."""
    siege = besiege(400)
    assert siege.do("collect") == 0
    return siege


def survey(siege: Siege, name: str) -> dict[Step, int]:
    """Each step of a command, and how often it comes by it."""
    path = siege.folder / f"{name}.json"
    assert siege.do(name, Survey(path)) == 0
    return read_survey(path)


def kill_at(siege: Siege, name: str, steps: dict[Step, int], chosen: list[Step]) -> None:
    """Kill a command at each of these steps, at one of the times it comes by it."""
    for number, step in enumerate(chosen, start=1):
        siege.do(name, Trap(step, siege.rng.randint(1, steps[step])))
        if number % RECOVER_EVERY == 0:
            siege.recover()


def kill_at_random(siege: Siege, name: str, kills: int) -> None:
    """Kill a command at moments spread over the time that it takes."""
    began = time.monotonic()
    assert siege.do(name) == 0
    lasts = time.monotonic() - began
    for number in range(1, kills + 1):
        siege.kill_after(name, siege.rng.uniform(0, lasts))
        if number % RECOVER_EVERY == 0:
            siege.recover()


def spread(steps: dict[Step, int], count: int) -> list[Step]:
    """So many of the steps, from the first to the last."""
    return list(steps)[:: max(1, len(steps) // count)][:count]


def test_killed_at_steps_of_each_command_and_at_random_nothing_is_lost_or_doubled(siege: Siege) -> None:
    """A dozen kills; `make soak` does it at every step there is."""
    for name, count in (("collect", 4), ("maintain", 3), ("rebuild", 2), ("publish", 2)):
        steps = survey(siege, name)
        assert len(steps) > 50
        kill_at(siege, name, steps, spread(steps, count))
    kill_at_random(siege, "collect", 2)
    assert sum(count for name, count in siege.tally.items() if name.endswith("killed")) >= 9
    siege.end()


@pytest.mark.soak
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_every_step(besiege: Besiege, name: str, figures: Figures) -> None:
    """Each line of archive, load, publish, compact and rebuild that runs, once."""
    siege = besiege(5_000)
    siege.do("collect")
    steps = survey(siege, name)
    kill_at(siege, name, steps, list(steps))
    siege.end()
    assert siege.tally[f"{name} killed"] > 0.95 * len(steps)
    figures(f"kill -9 at each of the {len(steps)} steps of {name}", siege.figures())


@pytest.mark.soak
def test_killed_at_random_moments(besiege: Besiege, figures: Figures) -> None:
    """Whatever the process is doing, in DuckDB and polars too."""
    siege = besiege(5_000)
    siege.do("collect")
    for name, kills in (("collect", 200), ("rebuild", 40), ("maintain", 40), ("publish", 20)):
        kill_at_random(siege, name, kills)
    siege.end()
    figures("kill -9 at random moments", siege.figures())


WRITE_AND_WAIT = """
from pathlib import Path
from warehouse.archive.atomic import atomic_write
context = atomic_write(Path(sys.argv[1]))
context.__enter__().write(b"half")
"""


def test_files_of_a_killed_writer_are_removed_and_those_of_a_living_one_are_not(tmp_path: Path) -> None:
    """Told by the lock, not by the process's number, which another container may have, too."""
    with children.holding(WRITE_AND_WAIT, tmp_path / "day" / "segment") as writer:
        [unfinished] = (tmp_path / "day").iterdir()
        assert clear_unfinished(tmp_path) == 0
        writer.kill()
        writer.wait()
        assert unfinished.exists()
        assert clear_unfinished(tmp_path) == 1
    assert list((tmp_path / "day").iterdir()) == []


def test_a_writer_whose_file_is_cleared_in_the_instant_before_its_lock_writes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the file and locking it there is such an instant."""
    real = os.open
    with monkeypatch.context() as patch:

        def cleared_once(path: Path, *arguments: int) -> int:
            descriptor = real(path, *arguments)
            if UNFINISHED in str(path):
                patch.undo()
                path.unlink()
            return descriptor

        patch.setattr(os, "open", cleared_once)
        with atomic_write(tmp_path / "segment") as file:
            file.write(b"whole")
    assert (tmp_path / "segment").read_bytes() == b"whole"


def test_a_half_made_warehouse_is_removed_unless_a_rebuild_is_active(siege: Siege) -> None:
    """By the next `collect`, for it may be as large as the warehouse."""
    beside = siege.paths.root / f"{UNFINISHED}rebuild-warehouse.duckdb"
    spilled = siege.paths.root / f"{beside.name}.tmp"
    beside.write_bytes(b"half")
    spilled.mkdir()
    siege.recover()
    assert not beside.exists()
    assert not spilled.exists()
    existed = []

    def look(_done: int, _total: int) -> None:
        clear_leftovers(siege.paths)
        existed.append(beside.exists())

    rebuild(Derivation(siege.paths, siege.seen.store, DEFAULTS, POLICY, 5, look))
    assert existed
    assert all(existed)
    oracle.check_all(siege.paths, POLICY)
