"""Ids become durable before anything is asked: from here on none is forgotten, whatever happens to the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from flows.errors import UnusableInputError
from flows.feeds import feed_pieces, inbox_files, move_on, not_accepted_yet
from flows.id_files import IdSource, Rejections
from flows.loading import last_known
from transforms.schema import REQUESTS

if TYPE_CHECKING:
    from flows.feeds import Feeds
    from flows.run import Run
    from warehouse.archive import Segment


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ids of one run: the segments that hold them, and what was rejected."""

    segments: list[Segment] = field(default_factory=list)
    rejections: Rejections = field(default_factory=Rejections)


def accept(run: Run, ids: IdSource, feeds: Feeds | None = None) -> Accepted:
    """Check ids and write the valid ones to the archive, piece by piece.

    Of what feeds bring, nothing is so wrong that it ends a run: nobody is there to mend it.

    Raises:
        UnusableInputError: when the ids given cannot be read, or not one of them is valid.
        ArchiveError: when they cannot be written.
    """
    accepted = Accepted()
    if ids.is_given:
        for piece in ids.pieces(accepted.rejections):
            _write(run, accepted, piece)
        if not accepted.segments:
            first = accepted.rejections.named[0]
            where = f"the first, in line {first['line']}, is {first['id']!r}: {first['reason']}"
            msg = f"none of the {accepted.rejections.count} ids is valid; {where}"
            raise UnusableInputError(msg)
    if feeds and feeds.inbox:
        _empty_inbox(run, accepted, feeds)
    if feeds and feeds.ids_from:
        _take_from(run, accepted, feeds)
    return accepted


def _write(run: Run, accepted: Accepted, piece: list[str]) -> None:
    rows = (
        pl.DataFrame({"task_id": piece}, schema={"task_id": pl.String()})
        .unique(maintain_order=True)
        .select(
            pl.lit(run.settings.source).alias("source"),
            "task_id",
            pl.lit(run.clock.now()).alias("requested_at"),
            pl.lit(run.run_id).alias("run_id"),
        )
    )
    segment_id = next(run.segment_ids)
    accepted.segments.append(run.store.write("requests", rows.cast(REQUESTS), segment_id=segment_id, at=run.started_at))


def _empty_inbox(run: Run, accepted: Accepted, feeds: Feeds) -> None:
    """Take the ids of every file in the inbox. A file is moved on only now that they are durable."""
    for file in inbox_files(str(feeds.inbox), run.clock.now().timestamp()):
        before = accepted.rejections.count
        try:
            for piece in IdSource(file=str(file), column=feeds.column).pieces(accepted.rejections):
                _write(run, accepted, piece)
        except UnusableInputError as error:
            run.voice.warn(f"{error}. It is in {move_on(file, 'unusable')} now")
            continue
        rejected = accepted.rejections.count - before
        if rejected:
            run.voice.warn(f"{rejected:,} lines of {file} are no task ids; `runs` has the first of them")
        move_on(file, "done")


def _take_from(run: Run, accepted: Accepted, feeds: Feeds) -> None:
    with last_known(run) as con:
        for piece in feed_pieces(feeds, accepted.rejections):
            new = not_accepted_yet(con, run.settings.source, piece)
            if new:
                _write(run, accepted, new)
