"""Which segments are loaded in one transaction; everything that it changes stays in memory until it commits."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from warehouse.archive import parquet
from warehouse.errors import ArchiveError
from warehouse.load.budget import PAGE_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from warehouse.archive.parquet import Segment

#: A step has fewer rows if answers are larger than this on average, as its changes stay in memory until it commits.
ROW_BYTES: Final = 4_096


def steps_of(segments: Sequence[Segment], step_rows: int) -> Iterator[list[Segment]]:
    """Segments in steps of about `step_rows` rows of up to `ROW_BYTES`; without segments, one empty step."""
    step: list[Segment] = []
    rows = 0
    for segment in segments:
        step.append(segment)
        rows += size_in_rows(segment)
        if rows >= step_rows:
            yield step
            step, rows = [], 0
    if step or not segments:
        yield step


def size_in_rows(segment: Segment) -> int:
    """Rows of a segment, more if they are larger than `ROW_BYTES` on average; 0 when it cannot be read."""
    with contextlib.suppress(ArchiveError):  # `load` reports it
        rows = parquet.count_rows(segment) * (PAGE_ROWS if segment.kind == "list_pages" else 1)
        return max(rows, parquet.count_bytes(segment) // ROW_BYTES)
    return 0


def large_bytes(segment: Segment) -> int:
    """Bytes of a segment's rows beyond `ROW_BYTES` for each; 0 when it cannot be read."""
    with contextlib.suppress(ArchiveError):
        return max(parquet.count_bytes(segment) - parquet.count_rows(segment) * ROW_BYTES, 0)
    return 0
