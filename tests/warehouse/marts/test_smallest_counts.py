"""The smallest number of tasks from which a view speaks: one fewer, and it is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.tables import rolled_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

NOON: Final = "2026-01-20 12:00:00+00"

#: Some tasks of one kind and one status, evenly submitted from some hours before noon on, over some hours.
TASKS: Final = """
insert into tasks by name
select
    'here' as source,
    $name || range as task_id,
    $action as action,
    $status as status,
    $status in ('SUCCESS', 'FAILURE') as is_terminal,
    $noon::timestamptz - to_microseconds(($hours * 3600e6)::bigint)
        + to_microseconds((range * $over * 3600e6 / $count)::bigint) as submit_time,
    if(is_terminal and $seconds > 0, $seconds + range / 100, null) as latency_seconds,
    $seconds / 2 as queue_seconds,
    $seconds / 2 as run_seconds,
    $noon::timestamptz as last_observed_at,
    ['one', 'two'][1 + range % 2] as platform,
from range($count)
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with rolled_back() as con:
        yield con


def put(
    con: duckdb.DuckDBPyConnection,
    count: int,
    *,
    status: str = "SUCCESS",
    hours: float = 9,
    over: float = 1,
    seconds: float = 60,
    action: str = "sing",
) -> None:
    """So many tasks, submitted `hours` before noon on; `seconds` of 0 are not known."""
    name = f"{status} {hours:g} {seconds:g} {action} "
    given = {"name": name, "action": action, "status": status, "noon": NOON, "hours": hours, "over": over}
    con.execute(TASKS, given | {"seconds": seconds, "count": count})


def is_said(con: duckdb.DuckDBPyConnection, query: str) -> bool:
    [(found,)] = con.execute(query).fetchall()
    return bool(found)


def put_timed(con: duckdb.DuckDBPyConnection, n: int, hours: float = 9) -> None:
    """So many successes, and thirty more of which nobody knows how long they took."""
    put(con, n, hours=hours)
    put(con, 30, hours=200, seconds=0)


def kinds_of_slow_tasks(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put_timed(con, n)
    return is_said(con, "select count(*) from slow_tail")


def tasks_that_are_stuck(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put_timed(con, n)
    put(con, 1, status="IN_PROGRESS", hours=1)
    return is_said(con, f"select count(*) from stuck_tasks_at('{NOON}')")  # noqa: S608 - a constant


def a_follow_up_of_its_own(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    """Three times the p99 of the kind, where it is known; else an hour."""
    put_timed(con, n, hours=0.9)
    return is_said(con, "select count(latency_seconds) from followed_up_tasks")


def time_that_is_left(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 500, seconds=20)
    put(con, n, seconds=600)
    put(con, 1, status="IN_PROGRESS", hours=0.1)
    return is_said(con, "select count(median_left_seconds) + count(low_seconds) + count(high_seconds) from task_eta")


def difference_from_the_period_before(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, n, hours=9)
    put(con, 60, hours=7)
    return compared(con, "count(difference_low) + count(p_value)")


def difference_from_the_period_after(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 60, hours=9)
    put(con, n, hours=7)
    return compared(con, "count(difference_high) + count(p_value)")


def compared(con: duckdb.DuckDBPyConnection, shown: str) -> bool:
    periods = ", ".join(f"'2026-01-20 {hour:02}:00:00Z'" for hour in (3, 4, 5, 6))
    return is_said(con, f"select {shown} from period_comparison({periods}) where is_total")  # noqa: S608 - constants


def rates_that_differ(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    """Fewer than five failures would be expected in each of two periods of a hundred tasks."""
    for hours, failed in ((9, n), (7, n)):
        put(con, 100 - failed, hours=hours)
        put(con, failed, hours=hours, status="FAILURE")
    return compared(con, "count(p_value) filter (where metric = 'failure_rate')")


def rates_that_differ_where_nearly_all_fail(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    return rates_that_differ(con, 100 - n)


def an_hour_that_stands_out(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 200, hours=9)
    put(con, n, hours=7, status="FAILURE")
    return is_said(con, "select count(p_value) from failure_anomalies")


def an_hour_with_enough_before_it(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, n, hours=9)
    put(con, 5, hours=7, status="FAILURE")
    return is_said(con, "select count(p_value) from failure_anomalies")


def a_busy_hour_with_enough_before_it(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, n, hours=9)
    put(con, 40, hours=7, status="FAILURE")
    return is_said(con, "select count(p_value) from failure_anomalies")


def whether_a_budget_lasts(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, n, hours=48)
    return lasts(con)


def whether_a_budget_lasts_that_is_spent_so_far(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, n, hours=48, status="FAILURE")
    return lasts(con, target=0.99)


def whether_a_budget_lasts_by_so_many_hours(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 1000, hours=n)
    return lasts(con)


def lasts(con: duckdb.DuckDBPyConnection, target: float = 0.5) -> bool:
    con.execute("insert into objectives values ('quick', null, null, 100, $1)", [target])
    con.execute(
        "insert into observations by name select source, task_id, last_observed_at as observed_at, 'task' as outcome "
        "from tasks"
    )
    return is_said(con, f"select count(will_last) from slo_monthly_at('{NOON}')")  # noqa: S608 - a constant


def of_platforms(con: duckdb.DuckDBPyConnection, shown: str) -> bool:
    return is_said(con, f"select {shown} from drivers where dimension = 'platform'")  # noqa: S608 - constants


def a_latency_that_differs(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    """Of every other task."""
    put(con, 2 * n)
    return of_platforms(con, "count(latency_p_value)")


def a_latency_that_differs_from_few(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 100)
    con.execute("update tasks set platform = if(latency_seconds < 59.999 + $1 / 100, 'one', 'two')", [n])
    return of_platforms(con, "count(latency_p_value) filter (where value = 'two')")


def bounds_of_a_value(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 2 * n)
    return of_platforms(con, "count(p50_seconds_low) + count(p95_seconds_low)")


def failures_that_differ(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    """With half of them, n of 2n failures are expected of either value."""
    put(con, 100)
    put(con, 2 * n, status="FAILURE")
    return of_platforms(con, "count(failure_p_value)")


def failures_that_differ_where_nearly_all_fail(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 100, status="FAILURE")
    put(con, 2 * n)
    return of_platforms(con, "count(failure_p_value)")


def a_step_after_so_many(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, n, hours=9)
    put(con, 400, hours=8, seconds=600, over=6)
    return steps(con)


def a_step_before_so_many(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    put(con, 400, hours=9, over=6)
    put(con, n, hours=3, seconds=600)
    return steps(con)


def steps(con: duckdb.DuckDBPyConnection, metric: str = "latency_seconds") -> bool:
    return is_said(con, f"select count(*) from change_points where metric = '{metric}'")  # noqa: S608 - of two names


def a_step_of_so_many_failures(con: duckdb.DuckDBPyConnection, n: int) -> bool:
    """Of 1,000 tasks, the last 100 of which have all failures: a tenth of them is expected there."""
    put(con, 900, hours=9, over=5)
    put(con, 100 - 10 * n, hours=3)
    put(con, 10 * n, hours=3, status="FAILURE")
    return steps(con, "failure_rate")


@pytest.mark.parametrize(
    ("speaks", "smallest"),
    [
        (kinds_of_slow_tasks, 20),
        (tasks_that_are_stuck, 20),
        (a_follow_up_of_its_own, 20),
        (time_that_is_left, 20),
        (difference_from_the_period_before, 20),
        (difference_from_the_period_after, 20),
        (rates_that_differ, 5),
        (rates_that_differ_where_nearly_all_fail, 5),
        (an_hour_that_stands_out, 5),
        (an_hour_with_enough_before_it, 100),
        (a_busy_hour_with_enough_before_it, 200),
        (whether_a_budget_lasts, 20),
        (whether_a_budget_lasts_that_is_spent_so_far, 20),
        (whether_a_budget_lasts_by_so_many_hours, 24),
        (a_latency_that_differs, 20),
        (a_latency_that_differs_from_few, 20),
        (bounds_of_a_value, 20),
        (failures_that_differ, 5),
        (failures_that_differ_where_nearly_all_fail, 5),
        (a_step_after_so_many, 50),
        (a_step_before_so_many, 50),
        (a_step_of_so_many_failures, 5),
    ],
)
def test_from_the_smallest_number_on_it_speaks(
    con: duckdb.DuckDBPyConnection, speaks: Callable[[duckdb.DuckDBPyConnection, int], bool], smallest: int
) -> None:
    """One fewer, and nothing is said."""
    for n, is_heard in ((smallest - 1, False), (smallest, True)):
        for table in ("tasks", "objectives", "observations"):
            con.execute(f"delete from {table}")  # noqa: S608 - of three names
        assert speaks(con, n) is is_heard, f"{n} tasks"
