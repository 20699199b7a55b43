"""The archive: every accepted id, every answer and every run, as append-only Parquet segments. The source of truth.

`requests/`, `observations/` and `runs/`, a folder per day, zstd. A segment is written whole or not at all, never
changed, and carries a name no other has; on a disk (`durable`) or on object storage (`objects`). Each answer knows the
segment it was first written to, so that segments can later be put together (see `compact`) without changing what is
derived from them. A segment that was put together names those it replaces in its footer; from the moment it has its
name they are no longer listed, so that the archive goes from the one to the other in one step.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.schema import ANSWERS, REQUESTS, RUNS
from warehouse.archive.atomic import UNFINISHED, written_whole
from warehouse.archive.object_store import ObjectPath
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

Kind = Literal["requests", "observations", "runs"]

#: A piece of rows is no larger than about this in memory: what is made of it takes several times as much.
PIECE_BYTES: Final = 24 * 1024 * 1024

SCHEMAS: Final[dict[Kind, pl.Schema]] = {"requests": REQUESTS, "observations": ANSWERS, "runs": RUNS}

#: How segments are written. With a checksum for each page, for without, more than half of all flipped bits would go
#: unnoticed and make another answer of an answer; polars writes none.
WRITTEN: Final[dict[str, Any]] = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}

#: In the names of segments that were put together from others, and in no other name.
COMPACTED: Final = "-compacted-"

#: Where such a segment says from which: the key in its footer.
COMPOSITION: Final = b"avatar_tasks.composition"


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the archive. Ids sort by the time they were written.

    On object storage `path` is an `ObjectPath`, which has of a `Path` what can be done with a segment: `open("rb")`,
    `read_bytes`, `stat().st_size`, `unlink`, `name` and `parent`.
    """

    segment_id: str
    kind: Kind
    path: Path

    @property
    def day(self) -> str:
        """The day it is filed under, as YYYY-MM-DD."""
        return self.path.parent.name


@dataclass(frozen=True, slots=True)
class Composition:
    """Which segments one was put together from; none for a segment as a run wrote it.

    Attributes:
        parts: the segments it holds the rows of.
        replaced: these, those that they were put together from, and so on.
    """

    parts: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Damaged:
    """A segment that cannot be read, and why."""

    segment: Segment
    error: str


class Archive:
    """The archive below one folder, on a disk or on object storage. Any number of processes may write to it at once.

    Args:
        root: the folder.
        not_before: ids and answers filed under days (YYYY-MM-DD) before this one are not seen.
    """

    def __init__(self, root: Path, not_before: str = "") -> None:
        self.root = root
        self.not_before = not_before

    def write(self, kind: Kind, rows: pl.DataFrame, *, segment_id: str, at: datetime) -> Segment:
        """Write a segment; once this returns, no crash loses it.

        Args:
            kind: what the rows are; they are in the schema `SCHEMAS[kind]`.
            rows: the rows.
            segment_id: a name no other segment has; names sort by time.
            at: the day it is filed under, UTC.

        Raises:
            ArchiveError: when it cannot be written.
        """
        path = self.root / kind / f"{at:%Y-%m-%d}" / f"{segment_id}.parquet"
        try:
            _write_whole(path, rows.cast(SCHEMAS[kind]))
        except OSError as error:
            what = f"cannot write to the archive at {path.parent}: {error.strerror or error}"
            msg = f"{what}. What was archived before is kept: make room or give access, and run again"
            raise ArchiveError(msg) from error
        return Segment(segment_id, kind, _as_path(path))

    def segments(self, kind: Kind, without: Collection[str] = ()) -> list[Segment]:
        """Every finished segment of a kind, in the order they were written, but for those of the ids `without`.

        A segment that has been replaced by one put together from it is not listed.

        Raises:
            ArchiveError: when the archive is there and cannot be read.
        """
        return self._listed(kind, lambda day, names: _standing(kind, day, names, without))

    def replaced(self, kind: Kind) -> list[Segment]:
        """The segments of a kind that are still there although one put together from them has replaced them.

        Raises:
            ArchiveError: when the archive is there and cannot be read.
        """
        return self._listed(kind, lambda day, names: _replaced(kind, day, names))

    def _listed(self, kind: Kind, look: Callable[[Path, list[str]], Iterable[Segment]]) -> list[Segment]:
        not_before = "" if kind == "runs" else self.not_before
        try:
            days = [(day, names) for day, names in _days(self.root / kind) if day.name >= not_before]
            found = [segment for day, names in days for segment in look(day, names)]
            return sorted(found, key=lambda segment: segment.segment_id)
        except OSError as error:
            msg = f"cannot read the archive at {self.root}: {error.strerror or error}"
            raise ArchiveError(msg) from error


def is_on_object_storage(store: Archive) -> bool:
    """Whether it is on object storage, where machines that know nothing of each other write to it."""
    root: Path | ObjectPath = store.root
    return isinstance(root, ObjectPath)


def _write_whole(path: Path | ObjectPath, rows: pl.DataFrame) -> None:
    if isinstance(path, ObjectPath):
        content = io.BytesIO()
        pq.write_table(rows.to_arrow(), content, **WRITTEN)
        path.write_whole(content.getvalue())
        return
    with written_whole(path) as file:
        pq.write_table(rows.to_arrow(), file, **WRITTEN)


def _as_path(place: Path | ObjectPath) -> Path:
    return cast("Path", place)


def _days(folder: Path | ObjectPath) -> Iterator[tuple[Path, list[str]]]:
    """Each day's folder and the names in it."""
    if isinstance(folder, ObjectPath):
        for day, found in itertools.groupby(folder.walk(), key=lambda one: one.parent):  # they come in order
            yield _as_path(day), _finished(one.name for one in found)
    elif folder.exists():
        for day in os.scandir(folder):
            if day.is_dir() and not day.name.startswith(UNFINISHED):
                yield Path(day.path), _finished(file.name for file in os.scandir(day))


def _finished(names: Iterable[str]) -> list[str]:
    """Names of segments. No path for what is passed over: the whole archive is, at every load."""
    found = (os.path.splitext(name) for name in names)  # noqa: PTH122 - likewise
    return [name for name, ending in found if ending == ".parquet" and not name.startswith(UNFINISHED)]


def _standing(kind: Kind, day: Path, names: list[str], without: Collection[str]) -> Iterator[Segment]:
    wanted = [name for name in names if name not in without]
    replaced = set(_replaced(kind, day, names)) if wanted else ()
    for segment in (_segment(kind, day, name) for name in wanted):
        if segment not in replaced:
            yield segment


def _replaced(kind: Kind, day: Path, names: Collection[str]) -> Iterator[Segment]:
    """Those of `names` that others among them replace. Footers are read only where there is something to replace."""
    composed = [name for name in names if COMPACTED in name] if len(names) > 1 else []
    replaced: set[str] = set()
    for name in composed:
        with contextlib.suppress(ArchiveError):  # whoever wants its rows will say so
            replaced |= composition(_segment(kind, day, name)).replaced
    return (_segment(kind, day, name) for name in names if name in replaced)


def _segment(kind: Kind, day: Path, name: str) -> Segment:
    return Segment(name, kind, day / f"{name}.parquet")


def composition(segment: Segment) -> Composition:
    """Which segments this one was put together from.

    Raises:
        ArchiveError: when its footer cannot be read.
    """
    if COMPACTED not in segment.segment_id:
        return Composition()
    try:
        found = json.loads((_footer(segment).metadata or {})[COMPOSITION])
        return Composition(frozenset(found["parts"]), frozenset(found["replaced"]))
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(segment, error) from error


def body_hash(body: bytes | None) -> str:
    """BLAKE2b-128 of a body in hex; '' when none came."""
    return "" if body is None else blake2b(body, digest_size=16).hexdigest()


def read(segment: Segment) -> pl.DataFrame:
    """All rows of a segment.

    Raises:
        ArchiveError: when it cannot be read.
    """
    return pl.concat([pl.DataFrame(schema=SCHEMAS[segment.kind]), *_batches(segment, 1_000_000)])


def pieces(segments: Iterable[Segment], rows: int, damaged: list[Damaged]) -> Iterator[pl.DataFrame]:
    """The rows of segments of one kind in pieces of about `rows`, small segments together and large ones apart.

    A segment that cannot be read to its end is added to `damaged`, none of its rows is in a piece, and the rest goes
    on. A piece is smaller where bodies are large, so that memory stays bounded.

    Raises:
        ArchiveError: when a large segment that could be read a moment ago no longer can.
    """
    waiting: list[pl.DataFrame] = []
    for segment in segments:
        try:
            readable = _readable(segment, rows)
        except ArchiveError as error:
            damaged.append(Damaged(segment, str(error)))
            continue
        for batch in readable:
            waiting.append(batch)
            if _is_enough(waiting, rows):
                yield pl.concat(waiting)
                waiting = []
    if waiting:
        yield pl.concat(waiting)


def _readable(segment: Segment, rows: int) -> Iterable[pl.DataFrame]:
    """The batches of a segment that has been read to its end: kept if it is small, else read again."""
    if count_rows(segment) <= rows:
        return list(_batches(segment, rows))
    for _ in _batches(segment, rows):
        pass
    return _batches(segment, rows)


def _is_enough(frames: Sequence[pl.DataFrame], rows: int) -> bool:
    return sum(one.height for one in frames) >= rows or sum(one.estimated_size() for one in frames) >= PIECE_BYTES


def count_rows(segment: Segment) -> int:
    """Rows of a segment, from its footer.

    Raises:
        ArchiveError: when it cannot be read.
    """
    return int(_footer(segment).num_rows)


def count_bytes(segment: Segment) -> int:
    """Bytes of a segment's rows before compression, from its footer.

    Raises:
        ArchiveError: when it cannot be read.
    """
    return _uncompressed_bytes(_footer(segment))


def _uncompressed_bytes(footer: pq.FileMetaData) -> int:
    return sum(int(footer.row_group(number).total_byte_size) for number in range(footer.num_row_groups))


def _footer(segment: Segment) -> pq.FileMetaData:
    try:
        with segment.path.open("rb") as file:
            return pq.read_metadata(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(segment, error) from error


def _batches(segment: Segment, rows: int) -> Iterator[pl.DataFrame]:
    try:
        with segment.path.open("rb") as opened, pq.ParquetFile(opened, page_checksum_verification=True) as file:
            left = file.metadata.num_rows
            for batch in file.iter_batches(batch_size=_batch_rows(file.metadata, rows)):
                left -= batch.num_rows
                yield _frame(batch, segment.kind)
        _check_all_came(left)
    except (OSError, ValueError, LookupError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise _unreadable(segment, error) from error


def _check_all_came(left: int) -> None:
    """A page that says it has no rows ends a column early, which pyarrow takes for its end."""
    if left:
        raise ValueError(f"{left} of its rows are missing")


def _frame(batch: pa.RecordBatch, kind: Kind) -> pl.DataFrame:
    """Checked and cast by pyarrow, which raises where polars would panic on a damaged schema."""
    wanted = _wanted(kind)
    table = pa.Table.from_batches([batch]).select(wanted.names)
    for found, expected in zip(table.schema, wanted, strict=True):
        if pa.types.is_timestamp(expected.type) and found.type != expected.type:  # cast, it would be another time
            raise ValueError(f"{expected.name} is of type {found.type}, not {expected.type}")
    return pl.DataFrame(pl.from_arrow(table.cast(wanted))).cast(SCHEMAS[kind])


@cache
def _wanted(kind: Kind) -> pa.Schema:
    return SCHEMAS[kind].to_frame().to_arrow().schema


def _batch_rows(footer: pq.FileMetaData, rows: int) -> int:
    """So many rows that their bytes stay below `PIECE_BYTES`, on average."""
    return int(max(1, min(rows, PIECE_BYTES * footer.num_rows // max(_uncompressed_bytes(footer), 1))))


def _unreadable(segment: Segment, error: Exception) -> ArchiveError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ArchiveError(
        f"segment {segment.path} cannot be read: {reason}. Restore it from a backup; the rest is loaded without it"
    )
