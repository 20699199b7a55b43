"""What `maintain --retain` would drop, and when it must not: with a wrong clock, everything may look old."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.pages import split_pages
from warehouse.archive import parquet
from warehouse.archive.active_runs import first_busy_day
from warehouse.archive.parquet import OF_TASKS
from warehouse.database.reader import open_published
from warehouse.database.schema import statement
from warehouse.errors import ArchiveError, RetentionRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from warehouse.archive.parquet import Kind, Segment
    from warehouse.archive.segments import Archive
    from warehouse.paths import DataPaths

#: If nothing was archived for this long before now, or between the dropped and the kept days, the clock may be wrong.
QUIET: Final = timedelta(days=30)

_NAMED: Final = 3

_Id = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Retention:
    """What retention would drop. `maintain --retain DAYS --dry-run --json` has these keys, `dry_run` and `exit_code`.

    Attributes:
        not_before: the first day (UTC) that is kept, as YYYY-MM-DD.
        days: the days whose ids and answers are dropped.
        segments: the number of files that are dropped.
        bytes: their size.
        answers: rows of observations in them.
        ids: rows of requests in them.
        refusal: why they must not be dropped, as a sentence; None when they may.
    """

    not_before: str
    days: list[str]
    segments: int
    bytes: int
    answers: int
    ids: int
    refusal: str | None


def plan_retention(paths: DataPaths, store: Archive, now: datetime, retain_days: int) -> Retention:
    """Find out what would be dropped, by the published copy; nothing is changed.

    Args:
        paths: the data directory, with a published warehouse.
        store: its archive.
        now: the current time, UTC.
        retain_days: whole days (UTC) longer ago are dropped.

    Raises:
        NothingPublishedError: when nothing is published.
        ArchiveError: when the archive cannot be read.
    """
    cut = f"{now - timedelta(days=retain_days):%Y-%m-%d}"
    not_before = min(first_busy_day(paths.active_runs, now), cut)
    segments = {kind: [*store.segments(kind), *store.replaced(kind)] for kind in OF_TASKS}
    everything = [one for found in segments.values() for one in found]
    gone = [one for one in everything if one.day < not_before]
    kept = [one for one in everything if one.day >= not_before]
    with contextlib.closing(open_published(paths)) as con:
        rows = dict(con.execute("select segment_id, rows from segments").fetchall())
        unended = con.execute(statement("queries/unended"), {"limit": now}).fetchall() if gone else []
    refusal = _doubts(gone, kept, now) or _forgets(set(unended), gone, kept)
    return Retention(
        not_before=not_before,
        days=sorted({one.day for one in gone}),
        segments=len(gone),
        bytes=sum(one.path.stat().st_size for one in gone),
        answers=_rows(gone, "observations", rows),
        ids=_rows(gone, "requests", rows),
        refusal=refusal,
    )


def check_retention(plan: Retention) -> None:
    """Check that the days may be dropped.

    Raises:
        RetentionRefusedError: when they must not, with the reason.
    """
    if plan.refusal:
        msg = f"nothing was dropped: {plan.refusal} To drop it anyway, give --accept-loss"
        raise RetentionRefusedError(msg)


def _rows(segments: Iterable[Segment], kind: Kind, rows: dict[str, int]) -> int:
    return sum(rows.get(one.segment_id, 0) for one in segments if one.kind == kind)


def _doubts(gone: list[Segment], kept: list[Segment], now: datetime) -> str | None:
    """Why the clock may be wrong; None if there is no sign of that."""
    if not gone:
        return None
    if not kept:
        return f"nothing would remain: the newest segment is of {max(one.day for one in gone)}. Is the clock right?"
    newest, oldest_kept = max(one.day for one in kept), min(one.day for one in kept)
    last_gone = max(one.day for one in gone)
    if _days_between(newest, f"{now:%Y-%m-%d}") > QUIET:
        return f"the clock says {now:%Y-%m-%d}, but the newest segment is of {newest}. Is the clock right?"
    if _days_between(last_gone, oldest_kept) > QUIET:
        return f"nothing was archived between {last_gone} and {oldest_kept}. Has the clock been right since?"
    return None


def _days_between(earlier: str, later: str) -> timedelta:
    return date.fromisoformat(later) - date.fromisoformat(earlier)


def _forgets(unended: set[_Id], gone: list[Segment], kept: list[Segment]) -> str | None:
    """Which ids that are still polled only dropped segments have, as a sentence; None if there are none."""
    lost = unended & set(_ids_in(gone, unended)) if unended else set()
    for segment in sorted(kept, reverse=True):
        if not lost:
            return None
        lost -= set(_ids_in([segment], lost))
    if not lost:
        return None
    names = ", ".join(task_id for _, task_id in sorted(lost)[:_NAMED]) + (", …" if len(lost) > _NAMED else "")
    return f"{len(lost):,} ids that are still polled would be forgotten ({names})."


def _ids_in(segments: Iterable[Segment], wanted: set[_Id]) -> Iterator[_Id]:
    for segment in segments:
        try:
            table = _ids_of(segment)
        except (OSError, ValueError, pa.ArrowException) as error:
            msg = f"segment {segment.path} cannot be read: {error}. Nothing was dropped"
            raise ArchiveError(msg) from error
        ids = zip(table["source"].to_pylist(), table["task_id"].to_pylist(), strict=True)
        yield from (one for one in ids if one in wanted)


def _ids_of(segment: Segment) -> pa.Table:
    if segment.kind == "list_pages":
        return split_pages(parquet.read(segment)).answers.select("source", "task_id").to_arrow()
    with segment.path.open("rb") as file:
        return pq.read_table(file, columns=["source", "task_id"])
