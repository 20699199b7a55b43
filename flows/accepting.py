"""Ids become durable before anything is asked: from here on none is forgotten, whatever happens to the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from flows.errors import UnusableInputError
from flows.id_files import IdSource, Rejections
from transforms.schema import REQUESTS

if TYPE_CHECKING:
    from flows.run import Run
    from warehouse.archive import Segment


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ids of one run: the segments that hold them, and what was rejected."""

    segments: list[Segment] = field(default_factory=list)
    rejections: Rejections = field(default_factory=Rejections)


def accept(run: Run, ids: IdSource) -> Accepted:
    """Check ids and write the valid ones to the archive, piece by piece.

    Raises:
        UnusableInputError: when the ids cannot be read, or not one of them is valid.
        ArchiveError: when they cannot be written.
    """
    accepted = Accepted()
    if not ids.is_given:
        return accepted
    for piece in ids.pieces(accepted.rejections):
        rows = (
            pl.DataFrame({"task_id": piece})
            .unique(maintain_order=True)
            .select(
                pl.lit(run.settings.source).alias("source"),
                "task_id",
                pl.lit(run.clock.now()).alias("requested_at"),
                pl.lit(run.run_id).alias("run_id"),
            )
        )
        segment_id = next(run.segment_ids)
        accepted.segments.append(
            run.store.write("requests", rows.cast(REQUESTS), segment_id=segment_id, at=run.started_at)
        )
    if not accepted.segments:
        first = accepted.rejections.named[0]
        where = f"the first, in line {first['line']}, is {first['id']!r}: {first['reason']}"
        msg = f"none of the {accepted.rejections.count} ids is valid; {where}"
        raise UnusableInputError(msg)
    return accepted
