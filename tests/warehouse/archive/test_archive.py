"""Segments are there complete or not at all, and what is there survives a power cut."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tests.warehouse.answers import (
    RUNNING,
    START,
    Answer,
    Kind,
    Request,
    file_of,
    folder_of,
    minute,
    write_answers,
    write_requests,
)
from transforms.schema import ANSWERS, body_hash
from warehouse.archive import parquet
from warehouse.archive.atomic import UNFINISHED, atomic_write, replace_atomically
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.parquet import Damaged, Segment, pieces, read
from warehouse.archive.segments import Archive
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def store(tmp_path: Path) -> Archive:
    return Archive(LocalFolder(tmp_path / "archive"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is asked of the system to make a file durable, in order: (call, name of the file or folder)."""
    made: list[tuple[str, str]] = []

    def name_of(thing: object) -> str:
        path = str(Path(f"/dev/fd/{thing}").readlink() if isinstance(thing, int) else thing)
        return "unfinished" if UNFINISHED in path else Path(path).name

    def recorded(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> object:
            if name != "open" or UNFINISHED in str(arguments[0]):
                made.append((name, name_of(arguments[-1 if name == "rename" else 0])))
            return real(*arguments, **options)

        return call

    for name in ("open", "fsync"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    monkeypatch.setattr(Path, "replace", recorded("rename", Path.replace))
    return made


def test_a_segment_is_synced_before_it_has_its_name_and_its_name_after(
    store: Archive, calls: list[tuple[str, str]]
) -> None:
    """The order that keeps the promise; new folders are synced into their parents on the way."""
    write_answers(store, [Answer("t1", minute(1), RUNNING)], "segment1")
    assert calls == [
        ("fsync", folder_of(store).parent.name),
        ("fsync", "archive"),
        ("fsync", "observations"),
        ("open", "unfinished"),
        ("fsync", "unfinished"),
        ("rename", "segment1.parquet"),
        ("fsync", "2026-01-20"),
    ]
    calls.clear()
    write_answers(store, [Answer("t1", minute(1), RUNNING)], "segment2")
    assert [call for call, _ in calls] == ["open", "fsync", "rename", "fsync"]


def test_a_file_that_is_replaced_is_synced_in_the_same_order(tmp_path: Path, calls: list[tuple[str, str]]) -> None:
    """As for a published copy."""
    replace_atomically(tmp_path / "x", Path.touch)
    assert [one for one in calls if one[0] != "open"] == [
        ("fsync", "unfinished"),
        ("rename", "x"),
        ("fsync", tmp_path.name),
    ]


class FailError(Exception):
    pass


def test_writing_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Neither a half file nor another one in the place of what was there."""
    (tmp_path / "x").write_bytes(b"before")

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise FailError

    def write() -> None:
        with atomic_write(tmp_path / "x") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(FailError):
        replace_atomically(tmp_path / "x", fail)
    with pytest.raises(KeyboardInterrupt):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"before"


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_segment_that_could_not_be_made_durable_is_not_there(
    store: Archive, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """The caller is told, and may write it again."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if failing == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(Path, "replace", fail)
        with pytest.raises(ArchiveError, match=r"No space left on device.*What was archived before is kept"):
            write_answers(store, [Answer("t1", minute(1), RUNNING)], "segment1")
    assert store.segments("observations") == []
    write_answers(store, [Answer("t1", minute(1), RUNNING)], "segment1")
    assert [path.name for path in folder_of(store).rglob("*.parquet")] == ["segment1.parquet"]


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """With the place, the reason and what to do."""
    (tmp_path / "archive").write_bytes(b"a file where a folder should be")
    with pytest.raises(ArchiveError, match=rf"{tmp_path}/archive/observations.*give write access, and run again"):
        write_answers(Archive(LocalFolder(tmp_path / "archive")), [Answer("t1", minute(1), RUNNING)])


def test_an_archive_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """It is not taken for an empty one."""
    (tmp_path / "observations").write_bytes(b"a file where a folder should be")
    with pytest.raises(ArchiveError, match=f"cannot read the archive at {tmp_path}"):
        Archive(LocalFolder(tmp_path)).segments("observations")


def test_answers_come_back_byte_for_byte(store: Archive) -> None:
    """Whatever they are made of; none is not the same as an empty one."""
    bodies = [b"", None, b"\x00\xff\xfe", "任务".encode(), b"x" * 1_000_000]
    segment = write_answers(store, [Answer("t1", minute(n), Kind(body)) for n, body in enumerate(bodies)])
    assert read(segment)["body"].to_list() == bodies
    assert read(segment).schema == ANSWERS


def test_segments_are_listed_in_the_order_of_their_names(store: Archive) -> None:
    """Across days and writers."""
    rows = pl.DataFrame(schema=ANSWERS)
    for number in (3, 1, 2):
        store.write("observations", rows, segment_id=f"s{number}", at=minute(-number * 24 * 60))
    assert [one.segment_id for one in store.segments("observations")] == ["s1", "s2", "s3"]
    assert store.segments("requests") == []
    assert Archive(LocalFolder(folder_of(store) / "nowhere")).segments("runs") == []


def test_columns_of_a_later_version_are_passed_over(store: Archive) -> None:
    """An archive outlives the program that wrote it."""
    segment = write_requests(store, [Request("t1", START)])
    read(segment).with_columns(later=1).write_parquet(file_of(segment))
    assert read(segment).columns == ["source", "task_id", "requested_at", "run_id", "drawn_from"]


def test_a_body_is_known_by_its_hash() -> None:
    """BLAKE2b-128 in hex; '' when none came, which an empty one is not."""
    assert body_hash(b"abc") == blake2b(b"abc", digest_size=16).hexdigest()
    assert len(body_hash(b"")) == 32
    assert body_hash(None) == ""


def many(store: Archive, rows: int) -> Segment:
    return write_answers(store, [Answer(f"t{number}", minute(1), RUNNING) for number in range(rows)])


def test_pieces_put_small_segments_together_and_take_large_ones_apart(store: Archive) -> None:
    """No piece is as large as two of the size asked for, and every row is in one."""
    damaged: list[Damaged] = []
    sizes = [piece.height for piece in pieces([many(store, size) for size in (1, 2, 3, 30, 1, 0, 4)], 10, damaged)]
    assert sum(sizes) == 41
    assert all(10 <= size < 20 for size in sizes[:-1])
    assert damaged == []


def test_pieces_are_smaller_where_bodies_are_large(store: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by bytes, not by rows alone."""
    monkeypatch.setattr(parquet, "PIECE_BYTES", 100_000)
    bodies = [Kind(os.urandom(10_000)) for _ in range(40)]
    segment = write_answers(store, [Answer("t1", minute(1), kind) for kind in bodies])
    sizes = [piece.estimated_size() for piece in pieces([segment, segment], 1_000, [])]
    assert len(sizes) >= 5
    assert max(sizes) < 250_000


def test_a_damaged_segment_gives_no_piece(store: Archive) -> None:
    """Its neighbours do."""
    segments = [many(store, 2), many(store, 2), many(store, 2)]
    file_of(segments[1]).write_bytes(b"PAR1 and then nothing of use PAR1")
    damaged: list[Damaged] = []
    assert [piece.height for piece in pieces(segments, 10, damaged)] == [4]
    assert [one.segment for one in damaged] == [segments[1]]


def test_accepted_ids_of_an_earlier_version_are_read(store: Archive) -> None:
    """Their segments do not say how the list was drawn: NULL."""
    segment = write_requests(store, [Request("t1", minute(1), drawn_from="running")])
    read(segment).drop("drawn_from").write_parquet(file_of(segment))
    damaged: list[Damaged] = []
    [rows] = pieces([segment], 10, damaged)
    assert (rows.rows(), damaged) == ([("default", "t1", minute(1), "run1", None)], [])
