"""Write ids to the archive before anything is polled, so that none is lost even if the run is killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.evidence.selection import matching, where
from pipeline.intake import inbox
from pipeline.intake.feeds import feed_pieces, not_accepted_yet
from pipeline.intake.rejections import Rejections
from pipeline.load import last_known
from transforms.schema import REQUESTS
from warehouse.backends.choose import reader, warehouse_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.collect.request import CollectRequest
    from pipeline.intake.feeds import Feeds
    from pipeline.run import Run
    from warehouse.archive.parquet import Segment

#: Ids in one segment.
_PIECE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ids of one run: the segments that hold them, and what was rejected."""

    segments: list[Segment] = field(default_factory=list)
    rejections: Rejections = field(default_factory=Rejections)


def accept(run: Run, request: CollectRequest) -> Accepted:
    """Check ids and write the valid ones to the archive, piece by piece.

    A file in the inbox or in a folder of exports that cannot be used causes a warning and does not end the run.

    Raises:
        UnusableInputError: when the ids given cannot be read, or none of them is valid; when the inbox is not a usable
            folder, or SQL fails.
        ArchiveError: when they cannot be written.
    """
    ids, feeds = request.given, request.feeds
    accepted = Accepted(rejections=_no_rejections(run))
    write = partial(_write, run, accepted, request.drawn_from)
    if ids.is_given:
        for piece in ids.pieces(accepted.rejections):
            write(piece)
    if feeds.inbox:
        inbox.take_files(
            feeds.inbox,
            run.clock.now().timestamp(),
            column=feeds.column,
            rejections=accepted.rejections,
            write=write,
            warn=run.reporter.warn,
        )
    if feeds.ids_from:
        _take_from(run, accepted, feeds, write)
    if request.where is not None:
        _take_known(run, request.where, write)
    return accepted


def check_given(run: Run, request: CollectRequest) -> None:
    """Read the first ids given, before a data folder is created for them. A pipe is skipped: it can be read only once.

    Raises:
        UnusableInputError: when they cannot be read, or there is none.
    """
    if request.given.can_be_read_again:
        next(request.given.pieces(_no_rejections(run)), None)


def _no_rejections(run: Run) -> Rejections:
    secrets = (one.get_secret_value() for one in (run.settings.api_key, run.settings.access_token) if one)
    return Rejections(secrets=frozenset(secrets))


def _take_known(run: Run, condition: str, write: Callable[[list[str]], None]) -> None:
    """Accept the known tasks of this source that match a condition."""
    chosen = where(condition)
    with reader(run.paths) as con:
        warehouse_of(run.paths).restrict(con, (), chosen.query)
        found = matching(con, chosen).filter(pl.col("source") == run.settings.source)
    run.reporter.info(f"{found.height:,} tasks match --where")
    for piece in found["task_id"].to_frame().iter_slices(_PIECE):
        write(piece["task_id"].to_list())


def _write(run: Run, accepted: Accepted, drawn_from: str | None, piece: list[str]) -> None:
    rows = (
        pl.DataFrame({"task_id": piece}, schema={"task_id": pl.String()})
        .unique(maintain_order=True)
        .select(
            pl.lit(run.settings.source).alias("source"),
            "task_id",
            pl.lit(run.clock.now()).alias("requested_at"),
            pl.lit(run.run_id).alias("run_id"),
            pl.lit(drawn_from).alias("drawn_from"),
        )
    )
    segment_id = next(run.segment_ids)
    accepted.segments.append(run.store.write("requests", rows.cast(REQUESTS), segment_id=segment_id, at=run.started_at))


def _take_from(run: Run, accepted: Accepted, feeds: Feeds, write: Callable[[list[str]], None]) -> None:
    with last_known(run) as con:
        for piece in feed_pieces(feeds, accepted.rejections, run.reporter.warn):
            new = not_accepted_yet(con, run.settings.source, piece)
            if new:
                write(new)
