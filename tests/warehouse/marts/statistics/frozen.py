"""Tables of `tasks` for the statistics: made up life by life, or a simulated world frozen at an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pytest

from simulator import World
from simulator.life import observe
from simulator.truth import task_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

Row = dict[str, Any]
#: How a task ended (None: it runs) and after how many seconds that was, or was last seen (None: not known).
Life = tuple[str | None, float | None]

NOON: Final = datetime(2026, 1, 20, 12, tzinfo=UTC)
SCHEMA: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "action": pl.String(),
        "status": pl.String(),
        "is_terminal": pl.Boolean(),
        "fail_class": pl.String(),
        "submit_time": pl.Datetime("us", "UTC"),
        "requested_at": pl.Datetime("us", "UTC"),
        "latency_seconds": pl.Float64(),
        "last_observed_at": pl.Datetime("us", "UTC"),
    }
)


def fill(con: duckdb.DuckDBPyConnection, rows: Sequence[Row] | pl.DataFrame) -> None:
    """Fill `tasks` with these rows and no others."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, schema=SCHEMA)
    con.register("frozen_rows", frame.to_arrow())
    con.execute("delete from tasks")
    con.execute("insert into tasks by name from frozen_rows")
    con.unregister("frozen_rows")


def tasks(
    lives: Sequence[Life], submit_time: datetime | None = NOON, action: str | None = "sing", **more: str
) -> list[Row]:
    """One row per life, all submitted at once."""
    return [_row(index, life, submit_time, action, more) for index, life in enumerate(lives)]


def _row(index: int, life: Life, submit_time: datetime | None, action: str | None, more: dict[str, str]) -> Row:
    event, seconds = life
    seen = NOON if submit_time is None or seconds is None else submit_time + timedelta(seconds=seconds)
    row = {
        "source": "here",
        "task_id": f"{action} {submit_time} {index}",
        "action": action,
        "status": event or "IN_PROGRESS",
        "is_terminal": event is not None,
        "fail_class": "provider" if event == "FAILURE" else None,
        "submit_time": submit_time,
        "latency_seconds": seconds if event else None,
        "last_observed_at": seen,
    }
    return row | more


def rush_world(seed: int, count: int, end: datetime) -> World:
    """Six hours up to `end`; so many tasks come in the last two minutes that a fifth of all is running then."""
    return World(seed, count, start=end - timedelta(hours=6), end=end, rush=int(0.36 * count))


def frozen(world: World, now: datetime, since: datetime | None = None) -> list[Row]:
    """The world's own rows at `now`, had every task (submitted at `since` or later) been polled then.

    `World.truth` has the same ones, but makes up the provider's works along with them, which takes ten times as long.
    """
    first = since.timestamp() if since else 0
    seen = [(task, observe(task, now.timestamp())) for task in world.tasks if task.submit >= first]
    rows = [task_row(task, one, None) | {"task_id": task.id} for task, one in seen if one is not None]
    return [
        {"source": "here", "last_observed_at": now} | {name: row[name] for name in row if name in SCHEMA}
        for row in rows
    ]


def drawn(seed: int, count: int, failing: float, running: float, step: float) -> list[Life]:
    """Lives of which these shares fail and run, the failing at half the time; times in multiples of `step`.

    A step that is a power of two keeps them exact as timestamps (in microseconds) and as seconds since 1970.
    """
    rng = np.random.default_rng(seed)
    fates = rng.choice(["FAILURE", "RUNNING", "SUCCESS"], count, p=[failing, running, 1 - failing - running])
    seconds = rng.lognormal(4, 0.7, count) * np.where(fates == "SUCCESS", 1, 0.5)
    return [
        (None if fate == "RUNNING" else str(fate), float(one))
        for fate, one in zip(fates, (seconds // step + 1) * step, strict=True)
    ]


def untied(lives: list[Life]) -> list[Life]:
    """Those whose time is the first of its kind."""
    return list({seconds: (event, seconds) for event, seconds in reversed(lives)}.values())


LIVES: Final = [
    pytest.param(untied(drawn(1, 400, 0.1, 0.2, 1 / 64)), id="all times different"),
    pytest.param(drawn(2, 400, 0.1, 0.2, 8), id="many ties, ends and running at the same time too"),
    pytest.param(drawn(3, 400, 0.02, 0.9, 1), id="nine in ten still run"),
    pytest.param(drawn(4, 300, 0.0, 0.3, 1), id="no failures"),
    pytest.param(drawn(5, 300, 0.7, 0.3, 1), id="all that end fail"),
    pytest.param(drawn(6, 300, 0.2, 0.0, 1), id="all have ended"),
    pytest.param(drawn(7, 50, 0.0, 1.0, 1), id="all still run"),
    pytest.param([("SUCCESS", 7.5)], id="one, ended"),
    pytest.param([("FAILURE", 7.5)], id="one, failed"),
    pytest.param([(None, 7.5)], id="one, running"),
    pytest.param([("FAILURE", 0.0), ("SUCCESS", 0.0), (None, 0.0), ("SUCCESS", 3.0), (None, 4.0)], id="ends at once"),
    pytest.param([("SUCCESS", 5.0), ("FAILURE", 5.0), (None, 5.0)], id="one time for all"),
]
