"""A bucket that is not over, or whose tasks still run, is marked by every view that has buckets, and is not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.tables import rolled_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

#: 300 tasks from six to eleven in the morning and ten more before noon, a minute each; three of the ten may still run.
WORLD: Final = """
insert into tasks by name
select
    'here' as source,
    range::varchar as task_id,
    'sing' as action,
    if(range < 300 or range % 4 > 0 or $all_ended, 'SUCCESS', 'IN_PROGRESS') as status,
    status = 'SUCCESS' as is_terminal,
    '2026-01-20 06:00:00+00'::timestamptz + to_seconds(range * 60 + if(range < 300, 0, 2700)) as submit_time,
    if(is_terminal, 60, null) as latency_seconds,
    $heard::timestamptz as last_observed_at,
from range(310)
"""

VIEWS: Final = {
    "failure_anomalies": "select is_partial from failure_anomalies order by bucket_start desc",
    "judged hours": "select p_value is null from failure_anomalies order by bucket_start desc",
    "failure_rate_by": "select is_partial from failure_rate_by('hour') order by bucket_start desc",
    "latency_by": "select is_partial from latency_by('hour') order by bucket_start desc",
    "latency_quantiles_by": "select is_partial from latency_quantiles_by('hour') order by bucket_start desc",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with rolled_back() as con:
        yield con


@pytest.mark.parametrize("query", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize(
    ("heard", "all_ended", "is_partial"),
    [
        pytest.param("2026-01-20 11:59:59+00", True, True, id="not over"),
        pytest.param("2026-01-20 12:00:00+00", True, False, id="over, and all have ended"),
        pytest.param("2026-01-20 12:02:59+00", False, True, id="over, and some run that may end"),
        pytest.param("2026-01-20 12:03:00+00", False, False, id="over, and some run that are not waited for"),
    ],
)
def test_the_newest_hour_is_partial_until_nothing_is_waited_for(
    con: duckdb.DuckDBPyConnection, query: str, heard: str, *, all_ended: bool, is_partial: bool
) -> None:
    """That is three times the p99 of its kind after it is over."""
    con.execute(WORLD, {"heard": heard, "all_ended": all_ended})
    assert con.execute(query).fetchone() == (is_partial,)
