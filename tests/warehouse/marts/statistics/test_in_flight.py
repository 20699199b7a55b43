"""`in_flight_by_minute` beside Little's law, in a week like the demo's, of which some tasks tell no `finish_time`."""

from __future__ import annotations

from typing import Final

from simulator import World
from tests.warehouse.marts.world import END, fill
from tests.warehouse.tables import rolled_back

AVERAGES: Final = """
    select sum(middle) / count(distinct minute), sum(high) / count(distinct minute), count(distinct minute)
    from in_flight_by_minute
"""


def test_the_average_in_flight_is_what_littles_law_says() -> None:
    """Arrivals times the mean time to the end, within a fifth; those under way until somebody looked are many more."""
    world = World.recent(seed=7, tasks=800, now=END, rush=0)
    with rolled_back() as con:
        fill(con, world)
        [(middle, high, minutes)] = con.execute(AVERAGES).fetchall()
    end = END.timestamp()
    lived = sum(min(task.seen_end or end, end) - task.submit for task in world.tasks)
    by_law = lived / (60 * minutes)
    assert 0.8 * by_law <= middle <= 1.2 * by_law
    assert high > 5 * by_law
