"""What each statistical view costs on a million tasks, in multiples of one full scan with four percentiles by day.

    python -m benchmarks.views [--tasks 1000000] [--rounds 3]

Two months of hourly cohorts. The tasks of the last minutes are in flight, and so are five hundred strewn over the
months. In `seconds` times are whole seconds, as gateways of this family tell them; in `milliseconds` hardly two are
equal, so that a curve has half a million rows: the worst that views see. Each view's ratio is to a scan just before it,
and the table shows the median of the rounds. Everything is written out, to the last row.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from warehouse import connection

if TYPE_CHECKING:
    import duckdb

SCAN: Final = """
    select
        floor(epoch(submit_time) / 86400) as day,
        quantile_cont(latency_seconds, [0.5, 0.9, 0.95, 0.99]) as percentiles,
    from tasks
    group by all
"""
QUERIES: Final = {
    "latency_daily": "from latency_daily",
    "latency_hourly": "from latency_hourly",
    "failure_chance": "from failure_chance",
    "failure_rate_daily": "from failure_rate_daily",
    "failure_rate_hourly": "from failure_rate_hourly",
    "latency_quantiles": "from latency_quantiles",
    "latency_survival": "from latency_survival",
    "latency_survival_between": "from latency_survival_between('2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z')",
    "outcome_incidence": "from outcome_incidence",
    "outcome_incidence_between": "from outcome_incidence_between('2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z')",
}

# One task in fifteen fails, at half the time it would have taken; all are looked at in the second after the last.
FILL: Final = """
    insert into tasks by name
    with drawn as (
        select
            range as number,
            epoch_ms('2026-01-01'::timestamp) / 1000 + range * (60 * 86400.0 / $tasks) as submitted,
            random() as fate,
            exp(2.5 + random() + random() + random() + random()) as run_seconds,
        from range($tasks)
    ),

    lived as (
        select
            number,
            submitted,
            fate < 1.0 / 15 as has_failed,
            run_seconds * if(fate < 1.0 / 15, 0.5, 1) as latency,
        from drawn
    ),

    timed as (
        select
            *,
            if($is_exact, round(latency, 3), ceil(latency)) as latency_seconds,
            submitted + latency < epoch_ms('2026-03-02'::timestamp) / 1000
                and number % ($tasks // 500) <> 0 as is_terminal,
        from lived
    )

    select
        'default' as source,
        md5(number::varchar) as task_id,
        ['avatar-generate', 'avatar-lipsync', 'avatar-image'][1 + number % 3] as action,
        case when not is_terminal then 'IN_PROGRESS' when has_failed then 'FAILURE' else 'SUCCESS' end as status,
        is_terminal,
        case when is_terminal and has_failed then if(number % 7 = 0, 'gateway', 'provider') end as fail_class,
        to_timestamp(submitted) as submit_time,
        if(is_terminal, latency_seconds, null) as latency_seconds,
        to_timestamp(epoch_ms('2026-03-02'::timestamp) / 1000) as last_observed_at,
    from timed
"""


def main() -> None:
    """Print one table for each set of tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for name, is_exact in (("seconds", False), ("milliseconds", True)):
        with connection.scratch() as con:
            con.execute("select setseed(0.5)")
            con.execute(FILL, {"tasks": options.tasks, "is_exact": is_exact})
            show(name, measure(con, options.rounds))


def measure(con: duckdb.DuckDBPyConnection, rounds: int) -> dict[str, tuple[int, float, float]]:
    """By query: rows, seconds, and times the scan before it; medians of the rounds."""
    found = {}
    for name, query in QUERIES.items():
        pairs = [(run(con, SCAN)[1], run(con, query)) for _ in range(rounds)]
        seconds, times = [one for _, (_, one) in pairs], [one / scan for scan, (_, one) in pairs]
        found[name] = pairs[0][1][0], median(seconds), median(times)
    return found


def run(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, float]:
    """(rows, seconds)."""
    started = time.perf_counter()
    [(rows,)] = con.execute(f"create or replace temp table answer as {query}").fetchall()
    return rows, time.perf_counter() - started


def show(name: str, figures: dict[str, tuple[int, float, float]]) -> None:
    print(f"\n{name:<28}{'rows':>10}{'seconds':>10}{'scans':>8}")
    for query, (rows, seconds, times) in figures.items():
        print(f"{query:<28}{rows:>10,}{seconds:>10.3f}{times:>8.1f}")


if __name__ == "__main__":
    main()
