"""The archive: every accepted id, every answer and every run, as append-only Parquet segments. The source of truth.

`requests/`, `observations/` and `runs/`, a folder per day, zstd. A segment is written whole or not at all, never
changed, and carries a name no other has. Each answer knows the segment it was first written to, so that segments can
later be put together without changing what is derived from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Literal

import polars as pl
import pyarrow.parquet as pq

from transforms.schema import ANSWERS, REQUESTS, RUNS
from warehouse.durable import UNFINISHED, written_whole
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

Kind = Literal["requests", "observations", "runs"]

SCHEMAS: Final[dict[Kind, pl.Schema]] = {"requests": REQUESTS, "observations": ANSWERS, "runs": RUNS}


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the archive. Ids sort by the time they were written."""

    segment_id: str
    kind: Kind
    path: Path


@dataclass(frozen=True, slots=True)
class Damaged:
    """A segment that cannot be read, and why."""

    segment: Segment
    error: str


class Archive:
    """The archive below one folder. Any number of processes may write to it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

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
            with written_whole(path) as file:
                rows.cast(SCHEMAS[kind]).write_parquet(file, compression="zstd", compression_level=3)
        except OSError as error:
            what = f"cannot write to the archive at {path.parent}: {error.strerror or error}"
            msg = f"{what}. What was archived before is kept: make room or give access, and run again"
            raise ArchiveError(msg) from error
        return Segment(segment_id, kind, path)

    def segments(self, kind: Kind) -> list[Segment]:
        """Every finished segment of a kind, in the order they were written.

        Raises:
            ArchiveError: when the archive is there and cannot be read.
        """
        try:
            paths = [path for path in (self.root / kind).glob("*/*.parquet") if not path.name.startswith(UNFINISHED)]
        except OSError as error:
            msg = f"cannot read the archive at {self.root}: {error.strerror or error}"
            raise ArchiveError(msg) from error
        return sorted(Segment(path.stem, kind, path) for path in paths)


def body_hash(body: bytes | None) -> str:
    """BLAKE2b-128 of a body in hex; '' when none came."""
    return "" if body is None else blake2b(body, digest_size=16).hexdigest()


def read(segment: Segment) -> pl.DataFrame:
    """All rows of a segment.

    Raises:
        ArchiveError: when it cannot be read.
    """
    return pl.concat([pl.DataFrame(schema=SCHEMAS[segment.kind]), *_pieces(segment, 1_000_000)])


def pieces(segments: Iterable[Segment], rows: int, damaged: list[Damaged]) -> Iterator[pl.DataFrame]:
    """The rows of segments of one kind in pieces of about `rows`, small segments together and large ones apart.

    A segment that cannot be read is added to `damaged`, and the rest goes on.
    """
    waiting: list[pl.DataFrame] = []
    for segment in segments:
        try:
            for piece in _pieces(segment, rows):
                waiting.append(piece)
                if sum(frame.height for frame in waiting) >= rows:
                    yield pl.concat(waiting)
                    waiting = []
        except ArchiveError as error:
            damaged.append(Damaged(segment, str(error)))
    if waiting:
        yield pl.concat(waiting)


def count_rows(segment: Segment) -> int:
    """Rows of a segment, from its footer.

    Raises:
        ArchiveError: when it cannot be read.
    """
    try:
        return int(pq.read_metadata(segment.path).num_rows)
    except (OSError, ValueError) as error:
        raise _unreadable(segment, error) from error


def _pieces(segment: Segment, rows: int) -> Iterator[pl.DataFrame]:
    try:
        with pq.ParquetFile(segment.path) as file:
            for batch in file.iter_batches(batch_size=rows):
                frame = pl.from_arrow(batch)
                yield pl.DataFrame(frame).select(SCHEMAS[segment.kind].names()).cast(SCHEMAS[segment.kind])
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise _unreadable(segment, error) from error


def _unreadable(segment: Segment, error: Exception) -> ArchiveError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ArchiveError(
        f"segment {segment.path} cannot be read: {reason}. Restore it from a backup; the rest is loaded without it"
    )
