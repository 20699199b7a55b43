"""The demo's world: whenever it begins, `failure_anomalies` names the hour of its incident and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from simulator import World
from tests.warehouse.marts.statistics.frozen import fill, frozen

if TYPE_CHECKING:
    import duckdb

FIRST: Final = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)


def named_and_planted(con: duckdb.DuckDBPyConnection, now: datetime) -> tuple[set[datetime], datetime]:
    """The hours that are named once all tasks of a demo have ended, and the one in which the incident was."""
    world = World.recent(seed=7, tasks=2000, now=now, with_causes=True)
    fill(con, frozen(world, world.all_terminal_at()))
    [planted] = [one.begin for one in world.incidents if one.kind == "provider_failures"]
    named = con.execute("select distinct bucket_start from failure_anomalies where is_anomaly").fetchall()
    return {hour for (hour,) in named}, planted


@pytest.mark.parametrize("starts", [20, pytest.param(300, marks=pytest.mark.soak)])
def test_the_anomalies_of_the_demo_are_its_incident_and_nothing_else(
    con: duckdb.DuckDBPyConnection, starts: int
) -> None:
    """Begun at so many times, 17 hours apart: named in 90% of them or more, another hour in 5% or fewer."""
    found = [named_and_planted(con, FIRST + timedelta(hours=17 * number)) for number in range(starts)]
    right = sum(planted in named for named, planted in found) / starts
    wrong = sum(bool(named - {planted}) for named, planted in found) / starts
    print(f"incident named: {100 * right:.1f}%, another hour: {100 * wrong:.1f}% of {starts} demos")  # noqa: T201 - the figure
    assert right >= 0.9
    assert wrong <= 0.05
