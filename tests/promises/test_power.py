"""The power goes: what was reported as archived is there, the rest is whole or absent, and the next run goes on."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.promises.power import PowerCut
from tests.warehouse.answers import RUNNING, Answer, minute
from warehouse.archive import parquet
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from tests.promises.child import SetUp
    from tests.promises.conftest import Besiege, Figures
    from tests.promises.siege import Siege
    from tests.warehouse.conftest import Site

#: More calls than a command makes: the power goes as it ends.
AT_THE_END = 10_000


def cut_power(siege: Siege, name: str, at: int, *mutation: SetUp) -> None:
    """Run a command until the power goes, and go on with what the disk holds then."""
    image = siege.folder / "image"
    cut = PowerCut(siege.paths.root, image, at, siege.rng.randrange(2**32))
    siege.tally[f"{name}: power cuts"] += 1
    assert siege.command(name, cut, *mutation).run() == -9, siege.command(name, new_ids=0).said()
    shutil.rmtree(siege.paths.root, ignore_errors=True)
    image.rename(siege.paths.root)
    check_promised(siege)
    siege.inspect()


def check_promised(siege: Siege) -> None:
    """Every segment whose writing was reported is there, and every one that is there is whole."""
    promised = set(json.loads((siege.folder / "promised.json").read_text(encoding="utf-8")))
    segments = [one for kind in parquet.SCHEMAS for one in siege.seen.store.segments(kind)]
    lost = promised - {one.segment_id for one in segments}
    assert not lost, f"what was reported as archived is gone: {lost}"
    for one in segments:
        try:
            parquet.read(one)
        except ArchiveError as error:
            raise AssertionError(f"what was reported as archived is not whole: {error}") from error
    siege.tally["segments that had been reported"] += len(promised)


def cut_again_and_again(siege: Siege, name: str, moments: list[int], recover_every: int, *mutation: SetUp) -> None:
    for number, at in enumerate(moments, start=1):
        cut_power(siege, name, at, *mutation)
        if number % recover_every == 0:
            siege.recover()


def test_a_power_cut_takes_nothing_that_was_reported(besiege: Besiege) -> None:
    """At some moments of each command, in a data directory that begins empty; `make soak` takes all moments."""
    siege = besiege(200)
    cut_again_and_again(siege, "collect", [3, 11, AT_THE_END, 21], 4)
    cut_again_and_again(siege, "rebuild", [9], 1)
    siege.end()


@pytest.mark.soak
def test_power_cuts_at_every_moment(besiege: Besiege, figures: Figures) -> None:
    """Before each call that makes something durable, several times, each time on another of the possible disks."""
    siege = besiege(4_000)
    for _ in range(4):
        cut_again_and_again(siege, "collect", [*range(1, 40), AT_THE_END], 20)
        cut_again_and_again(siege, "rebuild", [*range(1, 16), AT_THE_END], 8)
        cut_again_and_again(siege, "publish", [*range(1, 8), AT_THE_END], 8)
    siege.end()
    figures("power cuts", siege.figures())


def test_the_old_log_is_gone_for_good_before_the_new_warehouse_has_its_name(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB would replay it into the new file; and of two changes to a folder either may reach the disk alone."""
    site.archive([Answer("t1", minute(1), RUNNING)])
    site.load()
    site.paths.warehouse.write_bytes(b"garbage")
    log = site.paths.root / "warehouse.duckdb.wal"
    log.write_bytes(b"an old log")
    calls: list[str] = []
    for name in ("fsync", "unlink", "replace"):
        real = getattr(os, name)

        def noted(*arguments: Any, name: str = name, real: Any = real, **options: Any) -> None:  # noqa: ANN401
            calls.append("unlink the log" if arguments[0] == log else name)
            real(*arguments, **options)

        monkeypatch.setattr(os, name, noted)
    site.rebuild()
    after = calls[calls.index("unlink the log") + 1 :]
    assert after.index("fsync") < after.index("replace")
