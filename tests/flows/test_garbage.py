"""A run has its own way with garbage, and leaves Python's as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from flows import garbage


class Cycle:
    """Something that only the collector takes away."""

    def __init__(self) -> None:
        self.itself = self


def test_it_is_looked_for_less_often_until_the_block_ends() -> None:
    """And what stood there before is passed over."""
    gc.set_threshold(700, 10, 10)
    before = gc.get_threshold(), gc.get_freeze_count()
    with garbage.looked_for_seldom():
        assert gc.get_threshold()[0] > before[0][0]
        assert gc.get_freeze_count() > 1_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_what_a_run_leaves_in_cycles_is_taken_away_meanwhile() -> None:
    """After some thousands of objects, not at its end."""
    with garbage.looked_for_seldom():
        gone = weakref.ref(Cycle())
        kept = [[number] for number in range(20_000)]
        assert len(kept) == 20_000
        assert gone() is None


@pytest.mark.e2e
def test_a_command_ends_without_a_last_look_for_it() -> None:
    """Something in a cycle is taken away as a process ends, unless it looks for nothing then."""
    told = "class Told:\n    def __del__(self): print('taken away')\n"
    program = f"from flows import garbage\n{told}one = Told()\none.itself = one\n"
    assert _printed(program) == "taken away\n"
    assert _printed(program + "garbage.looked_for_little_by_commands()") == ""


@pytest.mark.e2e
def test_a_command_looks_for_it_less_often_from_its_start() -> None:
    """Its imports make objects by the hundred thousand, all of which stay."""
    program = "import gc\nfrom flows import garbage\n{}print(gc.get_threshold()[0])"
    normally = int(_printed(program.format("")))
    assert int(_printed(program.format("garbage.looked_for_little_by_commands()\n"))) > 10 * normally


def _printed(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
