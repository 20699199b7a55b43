"""Worlds of ended tasks in which nothing, or one thing, is different: what comparisons are tried on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from tests.warehouse.marts.world import keep_asked

if TYPE_CHECKING:
    import duckdb

START: Final = datetime(2026, 6, 1, tzinfo=UTC)
FAILURE_SHARE: Final = 0.07
TYPICAL_SECONDS: Final = 60.0


def fill(
    con: duckdb.DuckDBPyConnection,
    seed: int,
    *,
    tasks: int = 4000,
    days: int = 7,
    cause: str | None = None,
    step_at: datetime | None = None,
    step: str = "fail",
    rhythm: float = 0.0,
) -> None:
    """Put a world's tasks into the tables.

    Args:
        con: a warehouse; what it has is deleted.
        seed: the same gives the same world.
        tasks: how many, submitted evenly over the days.
        days: from `START`.
        cause: what is different: `fail` (template t3 fails thrice as often) or `slow` (voice v2 takes a third longer).
        step_at: when the level changes.
        step: what changes then: `fail` (half of all fail) or `slow` (everything takes 1.6 times as long).
        rhythm: by how much of itself the logarithm of the latency swings over the day.
    """
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, days * 86_400, tasks))
    template = rng.choice([f"t{number}" for number in range(8)], tasks)
    voice = rng.choice(["v1", "v2", "v3"], tasks)
    failing = np.full(tasks, FAILURE_SHARE)
    typical = np.log(TYPICAL_SECONDS) + rhythm * np.sin(2 * np.pi * seconds / 86_400)
    if cause == "fail":
        failing[template == "t3"] *= 3
    if cause == "slow":
        typical[voice == "v2"] += np.log(4 / 3)
    if step_at is not None:
        later = seconds >= (step_at - START).total_seconds()
        failing[later] = 0.5 if step == "fail" else FAILURE_SHARE
        typical[later] += np.log(1.6) if step == "slow" else 0
    has_failed = rng.random(tasks) < failing
    latency = np.exp(typical + 0.35 * rng.standard_normal(tasks))
    submitted = pl.Series([START + timedelta(seconds=one) for one in seconds], dtype=pl.Datetime("us", "UTC"))
    ids = [f"task-{number}" for number in range(tasks)]
    _insert(
        con,
        "tasks",
        pl.DataFrame(
            {
                "task_id": ids,
                "action": "avatar",
                "status": np.where(has_failed, "FAILURE", "SUCCESS"),
                "is_terminal": True,
                "identity_conflict": False,
                "submit_time": submitted,
                "latency_seconds": latency,
                "last_observed_at": submitted + timedelta(days=2),
            }
        ),
    )
    _insert_payloads(con, rng, ids, template, voice)


def _insert_payloads(
    con: duckdb.DuckDBPyConnection, rng: np.random.Generator, ids: list[str], template: object, voice: object
) -> None:
    tasks = len(ids)
    ratios = rng.choice([1.0, 0.5625, 1.7778], tasks)
    _insert(con, "works", pl.DataFrame({"task_id": ids, "template_id": template, "video_aspect_ratio": ratios}))
    _insert(
        con,
        "pt_infos",
        pl.DataFrame(
            {
                "task_id": ids,
                "pt_index": 0,
                "voice_engine_id": voice,
                "lan": rng.choice(["en", "zh", "es"], tasks),
                "context": ["x" * length for length in rng.integers(1, 400, tasks)],
            }
        ),
    )
    keep_asked(con)


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    con.execute(f"delete from {table}")  # noqa: S608
    con.register("planted", rows.with_columns(pl.lit("here").alias("source")))
    con.execute(f"insert into {table} by name from planted")
    con.unregister("planted")
