"""The archive on object storage keeps the promise that it keeps on a disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.warehouse.answers import RUNNING, START, Answer, Kind, minute, write_answers
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.tables import contents, emptied
from transforms.schema import ANSWERS
from warehouse.archive import object_store as objects
from warehouse.archive import parquet
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.object_store import ObjectFolder, ObjectPath
from warehouse.archive.parquet import Damaged, pieces, read
from warehouse.archive.segments import Archive
from warehouse.errors import ArchiveError
from warehouse.load import loader as load
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.maintain import maintain_file
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from pathlib import Path


BODIES = [b"", None, b"\x00\xff\xfe", "任务".encode(), b"x" * 1_000_000]


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    """An archive on a disk, and one on object storage."""
    if request.param == "disk":
        return Archive(LocalFolder(tmp_path / "archive"))
    return Archive(ObjectFolder.at(f"s3://{request.getfixturevalue('bucket')}/some/prefix/"))


@pytest.fixture
def on_s3(bucket: str) -> Archive:
    return Archive(ObjectFolder.at(f"s3://{bucket}/archive"))


def test_answers_come_back_byte_for_byte_wherever_they_were(store: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in one request or piece by piece; of the size and the number that were written."""
    segment = write_answers(store, [Answer("t1", minute(n), Kind(body)) for n, body in enumerate(BODIES)])
    [found] = store.segments("observations")
    assert found == segment
    assert found.path.name == f"{segment.segment_id}.parquet"
    assert found.path.stat().st_size == segment.path.stat().st_size == len(found.path.read_bytes())
    for limit in (objects.WHOLE_BYTES, 10):
        monkeypatch.setattr(objects, "WHOLE_BYTES", limit)
        objects._content.cache_clear()
        assert read(found)["body"].to_list() == BODIES
        assert parquet.count_rows(found) == len(BODIES)


def test_segments_are_listed_in_order_and_those_that_are_known_passed_over(store: Archive) -> None:
    """Across days and kinds; an archive that is not there is empty."""
    for number in (3, 1, 2):
        store.write("observations", pl.DataFrame(schema=ANSWERS), segment_id=f"s{number}", at=minute(-1440 * number))
    assert [one.segment_id for one in store.segments("observations")] == ["s1", "s2", "s3"]
    assert [one.segment_id for one in store.segments("observations", {"s2"})] == ["s1", "s3"]
    assert store.segments("requests") == []


def test_a_segment_that_is_removed_is_gone(store: Archive) -> None:
    """As compaction does, once the rows are elsewhere."""
    segment = write_answers(store, [Answer("t1", START, RUNNING)])
    segment.path.unlink()
    segment.path.unlink(missing_ok=True)
    assert store.segments("observations") == []


def test_damage_is_named_and_the_rest_is_loaded(store: Archive) -> None:
    """A segment that is no Parquet gives no piece."""
    good = write_answers(store, [Answer("t1", START, RUNNING)])
    bad = write_answers(store, [Answer("t2", START, RUNNING)])
    bad.path.unlink()
    objects._content.cache_clear()
    store.storage.create(
        "observations", bad.day, bad.path.name, fill=lambda file: file.write(b"PAR1 and then nothing of use PAR1")
    )
    damaged: list[Damaged] = []
    assert [piece.height for piece in pieces([good, bad], 10, damaged)] == [1]
    assert [one.segment for one in damaged] == [bad]
    assert str(bad.path) in damaged[0].error


def test_a_warehouse_is_the_same_from_either_archive(bucket: str, tmp_path: Path) -> None:
    """The tables say nothing of where the segments were."""
    found = []
    for storage in (LocalFolder(tmp_path / "archive"), ObjectFolder.at(f"s3://{bucket}/archive")):
        segment = write_answers(Archive(storage), [Answer("t1", START, RUNNING)], "segment")
        with emptied() as con:
            load.load(con, [segment], DEFAULTS, PollingPolicy())
            found.append(contents(con))
    assert found[0] == found[1]


def test_maintenance_verifies_it_and_leaves_it_as_it_is(on_s3: Archive, tmp_path: Path) -> None:
    """Days that are long over, too: runs on other machines may count on them. What is lost is named."""
    paths = DataPaths(tmp_path / "data")
    segments = [write_answers(on_s3, [Answer("t1", minute(n), RUNNING)]) for n in range(3)]
    work = Derivation(paths, on_s3, DEFAULTS, PollingPolicy(), 5)
    done = maintain_file(work, minute(60 * 24 * 30), None)
    assert (done.is_sound, done.joined, done.before, done.after.segments) == (True, 0, done.after, 3)
    segments[0].path.unlink()
    assert maintain_file(work, minute(60 * 24 * 30), None).lost == [segments[0].segment_id]


def test_an_object_is_never_changed_but_may_be_written_again(bucket: str) -> None:
    """A request that was carried out and not answered is sent again; that is no mistake. Other content would be one."""
    place = ObjectPath.at(f"s3://{bucket}/a/b")
    place.create_atomically(b"one")
    place.create_atomically(b"one")
    with pytest.raises(FileExistsError, match=rf"s3://{bucket}/a/b exists already"):
        place.create_atomically(b"two")
    assert place.read_bytes() == b"one"


def test_storage_that_refuses_or_is_not_there_is_named(bucket: str) -> None:
    """With what to do; an archive that cannot be read is not taken for an empty one."""
    nowhere = Archive(ObjectFolder.at(f"s3://{bucket}-that-is-not-there/archive"))
    with pytest.raises(ArchiveError, match=r"cannot write to the archive at s3://.*NoSuchBucket.*run again"):
        write_answers(nowhere, [Answer("t1", START, RUNNING)])
    with pytest.raises(ArchiveError, match="cannot read the archive at s3://"):
        nowhere.segments("observations")


def test_a_large_segment_is_one_request(on_s3: Archive) -> None:
    """Parts that are assembled later could be left behind by a crash."""
    body = Kind(os.urandom(12_000_000))
    segment = write_answers(on_s3, [Answer("t1", START, body)])
    tag = objects._store(ObjectPath.at(str(segment.path)).bucket).head(ObjectPath.at(str(segment.path)).key)["e_tag"]
    assert tag
    assert "-" not in tag  # S3's tag of an object that came in parts tells their number after a dash
    assert read(segment)["body"].to_list() == [body.body]
