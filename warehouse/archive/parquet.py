"""Segments as Parquet files: their schemas, and reading them with the checksum of every page verified."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.schema import ANSWERS, LIST_PAGES, LIST_WINDOWS, REQUESTS, RUNS
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from warehouse.archive.storage import StoredFile

Kind = Literal["requests", "observations", "list_pages", "list_windows", "runs"]

#: About the largest size of a piece of rows in memory: flattening it takes several times as much.
PIECE_BYTES: Final = 24 * 1024 * 1024

SCHEMAS: Final[dict[Kind, pl.Schema]] = {
    "requests": REQUESTS,
    "observations": ANSWERS,
    "list_pages": LIST_PAGES,
    "list_windows": LIST_WINDOWS,
    "runs": RUNS,
}

#: The kinds about tasks, which are dropped with old days; which windows of the list were seen completely stays known.
OF_TASKS: Final[tuple[Kind, ...]] = ("requests", "observations", "list_pages")

#: Columns that segments written by an earlier version lack.
_ADDED: Final[dict[Kind, tuple[str, ...]]] = {"requests": ("drawn_from",)}

#: How segments are written. With a checksum for each page: without it, more than half of all flipped bits would go
#: unnoticed and change an answer. polars writes no checksums.
WRITTEN: Final[dict[str, Any]] = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}

#: Part of the name of each segment that was compacted from others, and of no other segment.
COMPACTED: Final = "-compacted-"

#: The key in the footer of such a segment under which the others are listed.
COMPOSITION: Final = b"avatar_tasks.composition"


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the archive. Ids of segments sort by the time they were written."""

    segment_id: str
    kind: Kind
    path: StoredFile

    @property
    def day(self) -> str:
        """The day it is filed under, as YYYY-MM-DD."""
        return self.path.parent.name


@dataclass(frozen=True, slots=True)
class Composition:
    """Which segments a segment was compacted from; empty for one that a run wrote.

    Attributes:
        parts: the segments whose rows it holds.
        replaced: `parts`, the segments that they were compacted from, and so on.
    """

    parts: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Damaged:
    """A segment that cannot be read, and why."""

    segment: Segment
    error: str


def composition(segment: Segment) -> Composition:
    """Which segments this one was compacted from.

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


def read(segment: Segment) -> pl.DataFrame:
    """All rows of a segment.

    Raises:
        ArchiveError: when it cannot be read.
    """
    return pl.concat([pl.DataFrame(schema=SCHEMAS[segment.kind]), *_batches(segment, 1_000_000)])


def pieces(segments: Iterable[Segment], rows: int, damaged: list[Damaged]) -> Iterator[pl.DataFrame]:
    """The rows of segments of one kind in pieces of about `rows`: small segments are combined, large ones split.

    A segment that cannot be read to its end is added to `damaged`, none of its rows is in a piece, and the others are
    still read. Pieces are smaller if bodies are large, so that memory stays bounded.

    Raises:
        ArchiveError: when a large segment that could be read a moment ago can no longer be read.
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
    """The batches of a segment, once it has been read to its end: kept if it is small, else read again."""
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
    """A page with a row count of 0 makes pyarrow end the column early, without an error."""
    if left:
        raise ValueError(f"{left} of its rows are missing")


def _frame(batch: pa.RecordBatch, kind: Kind) -> pl.DataFrame:
    """A batch as a frame, cast by pyarrow, which raises an error where polars would panic on a damaged schema."""
    wanted = _wanted(kind)
    table = _with_added(pa.Table.from_batches([batch]), kind).select(wanted.names)
    for found, expected in zip(table.schema, wanted, strict=True):
        if pa.types.is_timestamp(expected.type) and found.type != expected.type:  # a cast would change the time
            raise ValueError(f"{expected.name} is of type {found.type}, not {expected.type}")
    return pl.DataFrame(pl.from_arrow(table.cast(wanted))).cast(SCHEMAS[kind])


def _with_added(table: pa.Table, kind: Kind) -> pa.Table:
    """The table with the columns that segments of an earlier version lack, filled with NULL."""
    for name in _ADDED.get(kind, ()):
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows))
    return table


@cache
def _wanted(kind: Kind) -> pa.Schema:
    return SCHEMAS[kind].to_frame().to_arrow().schema


def _batch_rows(footer: pq.FileMetaData, rows: int) -> int:
    """The number of rows whose bytes stay below `PIECE_BYTES` on average, at most `rows`."""
    return int(max(1, min(rows, PIECE_BYTES * footer.num_rows // max(_uncompressed_bytes(footer), 1))))


def _unreadable(segment: Segment, error: Exception) -> ArchiveError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ArchiveError(
        f"segment {segment.path} cannot be read: {reason}. Restore it from a backup; the rest is loaded without it"
    )
