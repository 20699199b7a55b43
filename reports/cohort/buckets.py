"""Buckets of time in a time zone, as macros on the connection of a cohort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from warehouse.database.session import quoted

if TYPE_CHECKING:
    import duckdb


def name_buckets(con: duckdb.DuckDBPyConnection, timezone: str) -> None:
    """Create the macros bucket_number(moment) and local_seconds(moment).

    bucket_number is the first instant of the moment's bucket, in Unix seconds. local_seconds is the local date and time
    in seconds since 1970-01-01 00:00 local time. Bucket and time zone are literals in the macros, so that a bucket of a
    fixed number of seconds costs one division. Such buckets begin with the time zone's hours, by its UTC offset at the
    last submission.
    """
    [(bucket, step, last)] = con.execute(
        "select bucket, step_seconds, (select max(submit_time) from published.tasks) from memory.filters"
    ).fetchall()
    offset = (last or datetime.now(UTC)).astimezone(ZoneInfo(timezone)).utcoffset() or timedelta()
    shift = int(offset.total_seconds()) if bucket == str(step) else 0
    seconds = "moment::timestamptz" if timezone == "UTC" else f"(moment::timestamptz at time zone {quoted(timezone)})"
    con.execute(f"create macro memory.local_seconds(moment) as floor(epoch({seconds}))::bigint")
    if bucket == str(step):
        number = f"(epoch_us(moment::timestamptz) // 1_000_000 + {shift}) // {step} * {step} - {shift}"
    else:
        number = f"epoch(published.bucket_start(moment::timestamptz, {quoted(bucket)}, {quoted(timezone)}))::bigint"
    con.execute(f"create macro memory.bucket_number(moment) as ({number})")
