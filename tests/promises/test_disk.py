"""Disks fail: full, read-only, damaged. What was archived stays, what is wrong is named, and the next run goes on."""

from __future__ import annotations

import shutil
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.promises.clocks import Shifted
from tests.promises.disks import NoFileLargerThan, read_only, small_disk
from tests.warehouse.answers import file_of
from tests.warehouse.tables import column, contents
from warehouse.archive import parquet
from warehouse.backends.choose import reader
from warehouse.database.locks import is_open_here
from warehouse.database.writer import open_writer
from warehouse.errors import ArchiveError, WarehouseDamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.promises.child import SetUp
    from tests.promises.conftest import Besiege, Figures
    from tests.promises.siege import Siege
    from warehouse.archive.parquet import Segment

#: Done; unexpected; cannot be used as it is; archived, not loaded.
MAKES_SENSE = {0, 1, 2, 4}


@pytest.fixture
def siege(besiege: Besiege) -> Siege:
    """A data directory that has been worked on."""
    siege = besiege(150)
    siege.do("collect")
    return siege


def attempt(siege: Siege, name: str, *set_up: SetUp) -> tuple[int, str]:
    """Run a command that may fail, and does so with an exit code of its own and a sentence; returns both."""
    command = siege.command(name, *set_up)
    command.log.unlink(missing_ok=True)
    code = command.run()
    said = command.said()
    assert code in MAKES_SENSE, (code, said)
    assert "Traceback" not in said, said
    siege.inspect()
    return code, said


@pytest.mark.parametrize(
    ("size", "expected", "advice"),
    [
        pytest.param(1_200, 2, "What was archived before is kept: free disk space", id="no_room_for_a_segment"),
        pytest.param(200_000, 4, "the next run loads it. Free disk space", id="no_room_for_the_warehouse"),
    ],
)
def test_a_full_disk_is_named_and_nothing_is_lost(siege: Siege, size: int, expected: int, advice: str) -> None:
    """Whichever file it is that does not fit; with room again the next run catches up."""
    code, said = attempt(siege, "collect", NoFileLargerThan(size))
    assert (code, advice in said) == (expected, True), said
    siege.recover()


@pytest.mark.soak
def test_on_a_disk_of_any_size_a_run_succeeds_or_says_what_is_wrong(besiege: Besiege) -> None:
    """From no room at all to room for everything but the published copy."""
    codes: set[int] = set()
    for size in ("64k", "2m", "7m", "11m"):
        siege = besiege(60, seed=len(codes))
        with small_disk(siege.paths.root, size):
            for name in ("collect", "rebuild"):
                code, said = attempt(siege, name)
                codes.add(code)
                assert code == 0 or "room" in said, (size, said)
            kept = siege.folder / "kept"
            shutil.copytree(siege.paths.root, kept)
        shutil.rmtree(siege.paths.root)
        kept.rename(siege.paths.root)
        siege.recover()
    assert len(codes) > 1


def test_a_read_only_directory_is_named_and_readers_are_not_affected(siege: Siege) -> None:
    """What was published is read as ever."""
    with read_only(siege.paths.root):
        for name in ("collect", "rebuild", "publish"):
            code, said = attempt(siege, name)
            assert code in {2, 4}
            assert str(siege.paths.root) in said
            assert "Read-only" in said or "Permission denied" in said
        assert siege.do("status") == 0
        with reader(siege.paths) as con:
            assert column(con, "select count(*) > 0 from tasks") == [True]
    siege.recover()


def test_a_damaged_segment_is_named_by_every_run_and_the_rest_is_loaded(siege: Siege) -> None:
    """Half of it there: it stays where it is, out of the ledger, until it is restored."""
    siege.paths.warehouse.unlink()
    siege.do("collect")
    segment = siege.seen.store.segments("observations")[0]
    whole = segment.path.read_bytes()
    file_of(segment).write_bytes(whole[: len(whole) // 2])
    siege.paths.warehouse.unlink()
    siege.seen = type(siege.seen)(siege.seen.store)
    command = siege.command("collect")
    command.log.unlink()
    for _ in range(2):
        assert command.run() == 0
        assert command.said().count(str(segment.path)) == 1
        command.log.unlink()
    status = siege.command("status")
    assert status.run() == 0
    assert "segments_not_loaded  1" in status.said()
    file_of(segment).write_bytes(whole)
    siege.calls_when_done.clear()  # whose end was in that segment had to be polled again
    siege.recover()


def test_a_missing_warehouse_is_recreated_by_the_next_run(siege: Siege) -> None:
    """It is derived from the archive."""
    siege.paths.warehouse.unlink()
    siege.recover()


def test_an_invalid_warehouse_file_asks_for_a_rebuild_and_collecting_goes_on(siege: Siege) -> None:
    """With the exit code that says: archived, not loaded."""
    siege.paths.warehouse.write_bytes(b"garbage" * 5_000)
    code, said = attempt(siege, "collect")
    assert (code, "run `avatar-tasks rebuild`" in said) == (4, True), said
    assert attempt(siege, "rebuild")[0] == 0
    siege.recover()


def flipped(path: Path, rng: Random) -> bytes:
    """The file's bytes with one bit the other way round."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def flip_segments(segments: Iterable[Segment], flips: int, rng: Random) -> tuple[int, int]:
    """How many flips were refused, and how many did no harm; there is nothing else."""
    refused = harmless = 0
    for segment in segments:
        whole, rows = segment.path.read_bytes(), parquet.read(segment)
        for _ in range(flips):
            file_of(segment).write_bytes(flipped(file_of(segment), rng))
            try:
                assert parquet.read(segment).equals(rows), f"a flipped bit made another answer in {segment.path}"
                harmless += 1
            except ArchiveError:
                refused += 1
            file_of(segment).write_bytes(whole)
    return refused, harmless


def test_no_flipped_bit_in_the_archive_makes_another_answer(siege: Siege) -> None:
    """It is refused by a checksum, or it stands where nothing depends on it."""
    segments = [one for kind in parquet.SCHEMAS for one in siege.seen.store.segments(kind)]
    refused, harmless = flip_segments(segments, 60, Random(4))
    assert (refused > 0, harmless > 0) == (True, True)


def flip_warehouse(siege: Siege, flips: int, rng: Random) -> tuple[int, int]:
    """How many flips were refused, and how many did no harm; there is nothing else."""
    refused = harmless = 0
    whole = siege.paths.warehouse.read_bytes()
    with open_writer(siege.paths.warehouse, 5) as con:
        expected = contents(con)
    for _ in range(flips):
        siege.paths.warehouse.write_bytes(flipped(siege.paths.warehouse, rng))
        try:
            with open_writer(siege.paths.warehouse, 5) as con:
                assert contents(con) == expected, "a flipped bit made another row"
            harmless += 1
        except WarehouseDamagedError as error:
            refused += "avatar-tasks rebuild" in str(error)
        assert not is_open_here(siege.paths.warehouse)
        siege.paths.warehouse.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
        siege.paths.warehouse.write_bytes(whole)
    return refused, harmless


def test_no_flipped_bit_in_the_warehouse_makes_another_row(siege: Siege) -> None:
    """It is refused and says what to do, or it stands where nothing depends on it."""
    refused, harmless = flip_warehouse(siege, 25, Random(5))
    assert (refused + harmless, refused > 0) == (25, True)


@pytest.mark.soak
def test_flipped_bits(besiege: Besiege, figures: Figures) -> None:
    """Thousands of them."""
    siege = besiege(400)
    for _ in range(20):
        siege.do("collect")
    segments = [one for kind in parquet.SCHEMAS for one in siege.seen.store.segments(kind)]
    refused, harmless = flip_segments(segments, 300, Random(6))
    figures("flipped bits in the archive", f"{refused:,} refused, {harmless:,} harmless, 0 made another answer")
    refused, harmless = flip_warehouse(siege, 1_000, Random(7))
    figures("flipped bits in the warehouse", f"{refused:,} refused, {harmless:,} harmless, 0 made another row")


def test_a_clock_that_steps_back_loses_nothing_and_stops_nothing(siege: Siege) -> None:
    """A day fast, then right, then an hour slow: what was accepted while it was wrong is asked for as ever."""
    for seconds in (86_400, 0, -3_600, 0):
        assert siege.do("collect", Shifted(seconds)) == 0
    siege.recover()
    with reader(siege.paths) as con:
        future = "select count(*) from due_tasks where last_asked_at > now() and due_at > now() + interval 1 hour"
        assert column(con, future) == [0]
    siege.end()
