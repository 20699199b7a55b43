"""Compact small segments of a day into one, without changing any row that is derived from them.

1. The new segment is written beside the old ones, with their names in its footer, then read again, compared and synced.
2. It gets its name. From here on the archive lists it instead of the old ones (see `segments.Archive.segments`).
3. The next load replaces the old ones by it in the ledger, without reading it (see `loader.load`).
4. The old ones are removed, under the lock that keeps others from loading.

If the process is killed between two steps, the archive still holds every row and gives the same tables; the next
compaction continues from there.
"""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import pyarrow.parquet as pq

from warehouse.archive import parquet
from warehouse.archive.atomic import UNFINISHED, replace_atomically, sync_directory
from warehouse.archive.parquet import COMPACTED, COMPOSITION, OF_TASKS, SCHEMAS, Damaged, Segment
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from warehouse.archive.segments import Archive

#: At most this many rows in a compacted segment: a segment is loaded in one transaction, which stays in memory.
MAX_ROWS: Final = 100_000

#: Rows of a row group, which is written at a time.
PIECE_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Joined:
    """A compacted segment, and the segments that it replaces."""

    segment: Segment
    parts: tuple[Segment, ...]


def compact(store: Archive, loaded: Collection[str], before: str) -> Iterator[Joined]:
    """Compact the segments of each day, day by day; the replaced segments still exist, but are no longer listed.

    Segments that are large enough or cannot be read stay as they are. So does an archive on object storage.

    Args:
        store: the archive.
        loaded: the ledger: only these segments are replaced, so that nothing is loaded twice.
        before: only days before this one (YYYY-MM-DD), which no active run writes to or relies on.

    Raises:
        ArchiveError: when the archive cannot be read or written; segments compacted until then stay.
    """
    if (folder := store.folder) is None:
        return
    for kind in SCHEMAS:
        segments = [one for one in store.segments(kind) if one.day < before and one.segment_id in loaded]
        for _, of_day in itertools.groupby(sorted(segments, key=_by_day), key=lambda one: one.day):
            for parts in _groups(of_day):
                yield Joined(_write_combined(folder, parts), parts)


def remove_replaced(store: Archive) -> int:
    """Remove the segments that have been replaced; returns their number.

    The caller holds the warehouse's lock, so that no load reads a segment while it is removed.

    Raises:
        ArchiveError: when one cannot be removed; the archive still lists only its replacement.
    """
    gone = [one for kind in SCHEMAS for one in store.replaced(kind)]
    try:
        for folder in {store.folder / one.kind / one.day for one in gone} if store.folder else ():
            sync_directory(folder)  # the process that compacted them may have been killed just before
        for one in gone:
            one.path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"cannot remove what was compacted from the archive at {store.storage}: {error.strerror or error}"
        raise ArchiveError(msg) from error
    return len(gone)


def drop_days(store: Archive, not_before: str) -> list[Path]:
    """Move ids and answers of the days before `not_before` (YYYY-MM-DD) out of the archive; returns the moved folders.

    Each day is moved in one step. The caller holds the warehouse's lock and has derived the warehouse without them.

    Raises:
        ArchiveError: when a day cannot be moved.
    """
    dropped: list[Path] = []
    try:
        for folder in [store.folder / kind for kind in OF_TASKS] if store.folder else ():
            days = [day for day in sorted(folder.glob("????-??-??")) if day.name < not_before]
            dropped += [day.rename(_moved_out(day)) for day in days]
            if days:
                sync_directory(folder)
    except OSError as error:
        msg = f"cannot drop old days from the archive at {store.storage}: {error.strerror or error}"
        raise ArchiveError(msg) from error
    return dropped


def discard(store: Archive) -> None:
    """Delete the days that `drop_days` moved out, and unfinished files of runs that were killed."""
    for folder in store.folder.glob(f"*/{UNFINISHED}dropped-*") if store.folder else ():
        shutil.rmtree(folder, ignore_errors=True)
    store.storage.clear_unfinished()


def _moved_out(day: Path) -> Path:
    names = (day.with_name(f"{UNFINISHED}dropped-{number}-{day.name}") for number in itertools.count())
    return next(name for name in names if not name.exists())


def _by_day(segment: Segment) -> tuple[str, str]:
    return segment.day, segment.segment_id


def _groups(segments: Iterable[Segment]) -> Iterator[tuple[Segment, ...]]:
    """Groups of two or more segments with at most `MAX_ROWS` rows together; one with over half of that is left."""
    group: list[Segment] = []
    total = 0
    for segment in segments:
        rows = _rows_if_intact(segment)
        if rows is None or rows > MAX_ROWS // 2:
            continue
        if total + rows > MAX_ROWS:
            yield tuple(group)
            group, total = [], 0
        group.append(segment)
        total += rows
    if len(group) > 1:
        yield tuple(group)


def _rows_if_intact(segment: Segment) -> int | None:
    damaged: list[Damaged] = []
    rows = sum(piece.height for piece in parquet.pieces([segment], PIECE_ROWS, damaged))
    return None if damaged else rows


def _write_combined(folder: Path, parts: Sequence[Segment]) -> Segment:
    """Write one segment with the rows of `parts`; its name is a hash of their names.

    Raises:
        ArchiveError: when it cannot be written, or does not hold the same rows; then it is not created.
    """
    names = [one.segment_id for one in parts]
    digest = blake2b("\n".join(names).encode(), digest_size=6).hexdigest()
    kind, day = parts[0].kind, parts[0].day
    path = folder / kind / day / f"{day.replace('-', '')}{COMPACTED}{digest}.parquet"
    try:
        replace_atomically(path, lambda unfinished: _fill(unfinished, path.stem, parts))
    except OSError as error:
        msg = f"cannot write to the archive at {path.parent}: {error.strerror or error}. What was there is kept"
        raise ArchiveError(msg) from error
    return Segment(path.stem, kind, path)


def _fill(unfinished: Path, segment_id: str, parts: Sequence[Segment]) -> None:
    replaced = {one.segment_id for one in parts}.union(*(parquet.composition(one).replaced for one in parts))
    composition = {"parts": [one.segment_id for one in parts], "replaced": sorted(replaced)}
    kind = parts[0].kind
    schema = SCHEMAS[kind].to_frame().to_arrow().schema
    expected = 0
    with pq.ParquetWriter(unfinished, schema, **parquet.WRITTEN) as file:
        file.add_key_value_metadata({COMPOSITION: json.dumps(composition)})
        for piece in _all_rows(parts):
            file.write_table(piece.to_arrow().cast(schema), row_group_size=piece.height)
            expected += _checksum(piece)
    written = sum(map(_checksum, _all_rows([Segment(segment_id, kind, unfinished)])))
    if written != expected:
        msg = f"the compacted segment for {parts[0].path.parent} has other rows than its parts. Nothing was changed"
        raise ArchiveError(msg)


def _all_rows(segments: Sequence[Segment]) -> Iterator[pl.DataFrame]:
    damaged: list[Damaged] = []
    yield from parquet.pieces(segments, PIECE_ROWS, damaged)
    if damaged:
        raise ArchiveError(damaged[0].error)


def _checksum(rows: pl.DataFrame) -> int:
    """The sum of a 64-bit hash of each row, which does not depend on their order."""
    return sum(rows.hash_rows(seed=0).to_list())
