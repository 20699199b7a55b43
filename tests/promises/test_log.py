"""A crash before DuckDB's checkpoint leaves its log, and of that a disk may lose the end: whole loads remain."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.promises import oracle
from tests.promises.siege import POLICY
from tests.promises.steps import ROOT, Trap
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.tables import column, contents
from warehouse.archive import parquet
from warehouse.database.scratch import scratch
from warehouse.database.writer import open_writer
from warehouse.errors import WarehouseDamagedError
from warehouse.load.loader import load

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from tests.promises.conftest import Besiege, Figures
    from tests.promises.siege import Siege

Ledger = frozenset[str]

#: What a `collect` loads: what was left before, what it has collected, and that it has ended.
LOADS = 3


@dataclass
class Crash:
    """A data directory as a `collect` left it that was killed before the checkpoint, to be copied as often as needed.

    Attributes:
        siege: whose; its data directory is replaced each time.
        size: bytes of the log.
        tally: how often a cut had which result.
    """

    siege: Siege
    size: int = 0
    tally: Counter[str] = field(default_factory=Counter)
    _by_ledger: dict[Ledger, dict[str, list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        siege = self.siege
        assert siege.do("collect") == 0
        assert siege.do("collect", Trap(_end_of_a_load(), LOADS)) == -9
        self.size = self.log.stat().st_size
        shutil.copytree(siege.paths.root, self._kept)

    @property
    def log(self) -> Path:
        return self.siege.paths.warehouse.with_name("warehouse.duckdb.wal")

    @property
    def _kept(self) -> Path:
        return self.siege.folder / "kept"

    def cut(self, size: int) -> None:
        """Leave so many bytes of the log, and look at what opens, if it does."""
        shutil.rmtree(self.siege.paths.root)
        shutil.copytree(self._kept, self.siege.paths.root)
        os.truncate(self.log, size)
        try:
            with open_writer(self.siege.paths.warehouse, 5) as con:
                ledger = self._check_whole_loads(con)
            self.tally[f"opened with {len(ledger)} segments"] += 1
        except WarehouseDamagedError as error:
            assert "run `avatar-tasks rebuild`" in str(error)  # noqa: PT017 - either will do
            self.tally["refused"] += 1

    def _check_whole_loads(self, con: duckdb.DuckDBPyConnection) -> Ledger:
        """What is there is what a load of the ledger's segments makes, and no other."""
        ledger = Ledger(column(con, "select segment_id from segments"))
        oracle.check_same(contents(con), self._expected(ledger))
        return ledger

    def _expected(self, ledger: Ledger) -> dict[str, list[str]]:
        if ledger not in self._by_ledger:
            store = self.siege.seen.store
            segments = [one for kind in parquet.SCHEMAS for one in store.segments(kind) if one.segment_id in ledger]
            with scratch() as con:
                load(con, segments, DEFAULTS, POLICY)
                self._by_ledger[ledger] = contents(con)
        return self._by_ledger[ledger]

    def go_on(self, name: str) -> None:
        """The next command, and everything that must hold."""
        command = self.siege.command(name, new_ids=0)
        code = command.run()
        if code == 4:
            assert "run `avatar-tasks rebuild`" in command.said()
            code = self.siege.command("rebuild").run() or command.run()
        assert code == 0, command.said()
        oracle.check_all(self.siege.paths, POLICY)


def _end_of_a_load() -> str:
    lines = (ROOT / "pipeline/load.py").read_text(encoding="utf-8").splitlines()
    [number] = [number for number, line in enumerate(lines, start=1) if line == "        if add_to is not None:"]
    return f"pipeline/load.py:{number} load_segments"


def test_of_a_log_that_was_cut_whole_loads_remain_and_the_next_run_completes_them(besiege: Besiege) -> None:
    """At some places; `make soak` does it at hundreds."""
    crash = Crash(besiege(100))
    for size in (crash.size, crash.size - 1):
        crash.cut(size)
    crash.go_on("collect")
    crash.cut(crash.size // 2)
    crash.go_on("rebuild")
    assert len(crash.tally) == 3, crash.tally


@pytest.mark.soak
def test_a_log_cut_anywhere(besiege: Besiege, figures: Figures) -> None:
    """Each twentieth time the next command goes on from there."""
    crash = Crash(besiege(400))
    places = sorted(crash.siege.rng.sample(range(crash.size), 400))
    for number, size in enumerate(places):
        crash.cut(size)
        if number % 20 == 0:
            crash.go_on("rebuild" if number % 40 else "collect")
    figures(f"a log of {crash.size:,} bytes cut at {len(places):,} places", f"{dict(crash.tally)}; 0 half a load")
