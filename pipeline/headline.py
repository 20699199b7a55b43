"""The headline numbers of a published warehouse, for terminals and artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warehouse.backends.choose import reader
from warehouse.database.schema import statement

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def headline(paths: DataPaths) -> list[tuple[str, str]]:
    """Names and values, for people.

    Raises:
        NothingPublishedError: when nothing has been published yet.
    """
    with reader(paths) as con:
        row = con.execute(statement("queries/headline")).pl().row(0, named=True)
        classes = con.execute(statement("queries/failures_by_class")).fetchall()
    whose = ", ".join(f"{name} {share:.0%}" for name, _, share in classes) or "nobody's"
    counts = f"{row['succeeded']:,} succeeded, {row['failed']:,} failed, {row['in_flight']:,} in flight"
    p50, p95, p99, queue = (_seconds(row[f"{name}_seconds"]) for name in ("p50", "p95", "p99", "queue_p50"))
    return [
        ("tasks", f"{row['tasks']:,}: {counts}"),
        ("submitted", f"{_minute(row['first_submit_time'])} to {_minute(row['last_submit_time'])} UTC"),
        ("failure rate", f"{_share(row['failure_rate'])} of those that ended"),
        ("whose fault", whose),
        ("latency", f"half succeeded within {p50}, 95% within {p95}, 99% within {p99}"),
        ("in the queue", f"half started within {queue}; the start is known of {_share(row['start_known_share'])}"),
    ]


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f} s"


def _minute(value: Any) -> str:  # noqa: ANN401 - a datetime, or None where there are no tasks
    return "unknown" if value is None else f"{value:%Y-%m-%d %H:%M}"
