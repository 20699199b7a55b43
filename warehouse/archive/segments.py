"""The archive: every accepted id, every answer and every run, as append-only Parquet segments. The source of truth.

`requests/`, `observations/`, `list_pages/`, `list_windows/` and `runs/`, a folder per day, zstd. A segment is written
atomically, never changed, and has a unique name, in a folder or on object storage (see `storage`). Each answer records
the segment that it was first written to, so that compacting segments later (see `compact`) changes nothing that is
derived from them. The footer of a compacted segment lists the segments it replaces; as soon as it has its name, they
are no longer listed, so that the archive changes from the old ones to the new one in one step.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq

from warehouse.archive.parquet import COMPACTED, OF_TASKS, SCHEMAS, WRITTEN, Kind, Segment, composition
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    import polars as pl

    from warehouse.archive.storage import Storage


class Archive:
    """The archive in one place. Any number of processes may write to it at once.

    Args:
        storage: the place, a folder or object storage.
        not_before: ids and answers of days (YYYY-MM-DD) before this one are ignored.
    """

    def __init__(self, storage: Storage, not_before: str = "") -> None:
        self.storage = storage
        self.not_before = not_before

    @property
    def folder(self) -> Path | None:
        """The folder it is in; None on object storage, which machines that do not know each other write to."""
        return self.storage.folder

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
        table, day, name = rows.cast(SCHEMAS[kind]).to_arrow(), f"{at:%Y-%m-%d}", f"{segment_id}.parquet"
        try:
            path = self.storage.create(kind, day, name, fill=lambda file: pq.write_table(table, file, **WRITTEN))
        except OSError as error:
            folder = self.storage.file(kind, day)
            what = f"cannot write to the archive at {folder}: {error.strerror or error}"
            msg = f"{what}. What was archived before is kept: free disk space or give write access, and run again"
            raise ArchiveError(msg) from error
        return Segment(segment_id, kind, path)

    def segments(self, kind: Kind, without: Collection[str] = ()) -> list[Segment]:
        """Every finished segment of a kind, in the order they were written, except for those with an id in `without`.

        A segment that has been replaced by a compacted one is not listed.

        Raises:
            ArchiveError: when the archive exists and cannot be read.
        """
        return self._listed(kind, lambda found: _current(found, without))

    def replaced(self, kind: Kind) -> list[Segment]:
        """The segments of a kind that still exist although a compacted one has replaced them.

        Raises:
            ArchiveError: when the archive exists and cannot be read.
        """
        return self._listed(kind, _replaced)

    def _listed(self, kind: Kind, select: Callable[[_Day], Iterable[Segment]]) -> list[Segment]:
        not_before = self.not_before if kind in OF_TASKS else ""
        try:
            days = [(day, names) for day, names in self.storage.days(kind) if day >= not_before]
            found = [one for day, names in days for one in select(_Day(self.storage, kind, day, _ids(names)))]
            return sorted(found, key=lambda segment: segment.segment_id)
        except OSError as error:
            msg = f"cannot read the archive at {self.storage}: {error.strerror or error}"
            raise ArchiveError(msg) from error


class _Day(NamedTuple):
    """The segments of a day by their ids. Skipped ones get no `Path`, for speed: every load lists all of them."""

    storage: Storage
    kind: Kind
    day: str
    ids: list[str]

    def segment(self, segment_id: str) -> Segment:
        return Segment(segment_id, self.kind, self.storage.file(self.kind, self.day, f"{segment_id}.parquet"))


def _ids(names: Iterable[str]) -> list[str]:
    found = (os.path.splitext(name) for name in names)  # noqa: PTH122 - faster than a Path for each
    return [name for name, ending in found if ending == ".parquet"]


def _current(day: _Day, without: Collection[str]) -> Iterator[Segment]:
    wanted = [name for name in day.ids if name not in without]
    replaced = set(_replaced(day)) if wanted else ()
    for segment in map(day.segment, wanted):
        if segment not in replaced:
            yield segment


def _replaced(day: _Day) -> Iterator[Segment]:
    """The segments that others of the day replace. Reads footers only if the day has several segments."""
    composed = [name for name in day.ids if COMPACTED in name] if len(day.ids) > 1 else []
    replaced: set[str] = set()
    for name in composed:
        with contextlib.suppress(ArchiveError):  # the load that reads its rows reports it
            replaced |= composition(day.segment(name)).replaced
    return (day.segment(name) for name in day.ids if name in replaced)
