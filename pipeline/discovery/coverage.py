"""Which spans of the gateway's list were seen completely, according to the archive; and what is left to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from transforms.schema import LIST_WINDOWS
from warehouse.archive import parquet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.run import Run


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A span of submit_time in Unix seconds, both ends included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The spans that were seen completely.

    Attributes:
        spans: sorted, without overlaps.
        newest: submit_time of the newest task in each window with the same filter, if the window has tasks.
    """

    spans: tuple[Span, ...] = ()
    newest: tuple[int, ...] = ()

    def gaps(self, wanted: Span) -> list[Span]:
        """The parts of `wanted` not seen completely, oldest first; each shares its end points with the spans seen."""
        gaps: list[Span] = []
        start = wanted.start
        for span in self.spans:
            if span.start > start and start < wanted.end:
                gaps.append(Span(start, min(span.start, wanted.end)))
            start = max(start, span.end)
        return [*gaps, Span(start, wanted.end)] if start < wanted.end else gaps

    def anchor(self, start: int) -> int | None:
        """submit_time of the newest task known up to `start`: an answer about the time from it on cannot be empty."""
        return max((one for one in self.newest if 0 < one <= start), default=None)


def read_coverage(run: Run, action: str | None) -> Coverage:
    """The windows of this source that were seen completely without a filter, or with the filter `action`.

    Raises:
        ArchiveError: when the archive cannot be read. A damaged segment is skipped: its windows are read again.
    """
    windows = pl.concat(
        [pl.DataFrame(schema=LIST_WINDOWS), *parquet.pieces(run.store.segments("list_windows"), 10_000, [])]
    ).filter(
        pl.col("source") == run.settings.source,
        pl.col("action").is_null() | (pl.col("action") == pl.lit(action, pl.String())),
    )
    spans = [Span(_seconds(one["window_start"]), _seconds(one["window_end"])) for one in windows.iter_rows(named=True)]
    # A task seen without a filter may have another action, and so may be missing in a filtered answer.
    same = windows.filter(pl.col("action").eq_missing(pl.lit(action, pl.String())))
    newest = same["newest_submit_time"].drop_nulls().sort()
    return Coverage(tuple(_merged(spans)), tuple(_seconds(one) for one in newest))


def write_window(run: Run, action: str | None, span: Span, submit_times: Iterable[float], tasks: int) -> None:
    """Record in the archive that a span was seen completely; all its pages are already there.

    Raises:
        ArchiveError: when it cannot be written.
    """
    newest = max((one for one in submit_times if one <= span.end), default=None)
    start, end = (datetime.fromtimestamp(one, UTC) for one in (span.start, span.end))
    last = None if newest is None else datetime.fromtimestamp(newest, UTC)
    now = run.clock.now()
    row = (run.settings.source, action, start, end, now, run.run_id, tasks, last)
    rows = pl.DataFrame([row], schema=LIST_WINDOWS, orient="row")
    run.store.write("list_windows", rows, segment_id=next(run.segment_ids), at=now)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
