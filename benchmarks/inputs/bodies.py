"""Any number of archived answers: the bodies of a simulated world, repeated with other ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import polars as pl

from simulator import World
from simulator.render import body_at
from transforms.schema import ANSWERS, REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse.archive.segments import Archive

#: Number of distinct bodies, which the ids use in turn.
_TEMPLATES: Final = 2_000
#: Answers in one segment.
SEGMENT_ROWS: Final = 10_000

END: Final = datetime(2026, 3, 2, tzinfo=UTC)


def templates(odd_share: float = 0.0) -> list[tuple[str, bytes]]:
    """(id, body) of the last answer about each task of a simulated world."""
    world = World(3, _TEMPLATES, start=END - timedelta(days=8), end=END - timedelta(days=1), odd_share=odd_share)
    found = [(task.id, body_at(task, END.timestamp())) for task in world.tasks]
    return [(task_id, said[0]) for task_id, said in found if said is not None]


def answers(count: int, run_id: str, first_observed: datetime) -> Iterator[pl.DataFrame]:
    """Frames of schema `ANSWERS`, each up to `SEGMENT_ROWS` answers: `count` different ids, one per millisecond."""
    bodies = templates()
    for first in range(0, count, SEGMENT_ROWS):
        rows = [
            _row(number, run_id, bodies[number % len(bodies)])
            for number in range(first, min(first + SEGMENT_ROWS, count))
        ]
        frame = pl.DataFrame(
            rows, schema={"task_id": pl.String(), "body": pl.Binary(), "body_hash": pl.String()}, orient="row"
        )
        observed = first_observed + timedelta(milliseconds=first)
        yield _completed(frame.with_row_index("number"), run_id, observed, first)


def _row(number: int, run_id: str, template: tuple[str, bytes]) -> tuple[str, bytes, str]:
    old_id, body = template
    task_id = blake2b(f"{run_id} {number}".encode(), digest_size=16).hexdigest()
    renamed = body.replace(old_id.encode(), task_id.encode())
    return task_id, renamed, blake2b(renamed, digest_size=16).hexdigest()


def _completed(frame: pl.DataFrame, run_id: str, first_observed: datetime, first: int) -> pl.DataFrame:
    constants = {
        "source": "default",
        "segment_id": f"{run_id}-{first:09d}",
        "run_id": run_id,
        "http_status": 200,
        "content_type": "application/json; charset=utf-8",
        "body_cut": False,
        "elapsed_ms": 25.0,
        "attempts": 1,
        "refusals": 0,
        "request_id": "20260302000000000000000AbCdEfGh",
        "gateway_version": "v0.10.3",
        "error": None,
    }
    seen_at = pl.lit(first_observed) + pl.duration(milliseconds=pl.col("number").cast(pl.Int64))
    return (
        frame.with_columns(seen_at.alias("observed_at"), **{name: pl.lit(one) for name, one in constants.items()})
        .select(ANSWERS.names())
        .cast(ANSWERS)
    )


def requests_of(frame: pl.DataFrame) -> pl.DataFrame:
    """The requests (schema `REQUESTS`) for the ids of some answers, accepted when these were received."""
    return frame.with_columns(requested_at="observed_at", drawn_from=None).select(REQUESTS.names()).cast(REQUESTS)


def fill_archive(
    store: Archive, count: int, run_id: str = "20260301T000000-bench", first_observed: datetime = END
) -> None:
    """Write the requests and the answers of `count` ids."""
    for frame in answers(count, run_id, first_observed):
        segment_id = frame["segment_id"][0]
        store.write("requests", requests_of(frame), segment_id=f"{segment_id}-requests", at=first_observed)
        store.write("observations", frame, segment_id=segment_id, at=first_observed)
