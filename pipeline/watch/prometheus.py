"""`status --format prometheus`: the text format of Prometheus, for the node exporter's textfile collector.

https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
"""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pipeline.data_folder import require_archive
from pipeline.watch.measures import room_on_disk
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.load.loader import unloaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from warehouse.paths import DataPaths


class Metric(NamedTuple):
    """The type of a metric, and its HELP text."""

    kind: Literal["counter", "gauge"]
    help: str


#: All metrics; names contain the unit. Those with `_total` are sums over all runs, and never decrease.
METRICS: Final = {
    "avatar_tasks_up": Metric("gauge", "Whether archive and warehouse can be read (1) or not (0)."),
    "avatar_tasks_requests_total": Metric("counter", "HTTP requests sent by runs, retries and refused ones included."),
    "avatar_tasks_retries_total": Metric("counter", "Requests sent again after a failure."),
    "avatar_tasks_refusals_total": Metric("counter", "Requests that were rate-limited (429) and sent again."),
    "avatar_tasks_runs_total": Metric("counter", "Runs by command and exit code."),
    "avatar_tasks_tasks": Metric("gauge", "Tasks by status."),
    "avatar_tasks_failed_tasks": Metric("gauge", "Failed tasks by class of failure."),
    "avatar_tasks_due_ids": Metric("gauge", "Ids that are due for polling."),
    "avatar_tasks_stuck_tasks": Metric("gauge", "Tasks running for more than three times the p99 of their kind."),
    "avatar_tasks_quarantined_answers": Metric("gauge", "Answers that could not be understood."),
    "avatar_tasks_identity_conflict_tasks": Metric("gauge", "Tasks whose answers are about other tasks."),
    "avatar_tasks_missing_storm": Metric("gauge", "Whether the gateway suddenly does not know many ids."),
    "avatar_tasks_last_load_timestamp_seconds": Metric("gauge", "When the last run that is loaded ended."),
    "avatar_tasks_since_last_load_seconds": Metric("gauge", "Time since then, when this was written."),
    "avatar_tasks_last_answer_timestamp_seconds": Metric("gauge", "When the gateway last gave a usable answer."),
    "avatar_tasks_error_budget_burn_rate": Metric(
        "gauge", "How many times as fast as its objective allows the error budget is used up, over a window."
    ),
    "avatar_tasks_error_budget_burning": Metric("gauge", "Whether an objective's error budget burns too fast."),
    "avatar_tasks_segments_not_loaded": Metric("gauge", "Archived segments that are not loaded."),
    "avatar_tasks_disk_free_bytes": Metric("gauge", "Free space on the disk of the data folder."),
    "avatar_tasks_disk_size_bytes": Metric("gauge", "Size of the disk of the data folder."),
}


class Sample(NamedTuple):
    """One value of a metric."""

    name: str
    labels: Mapping[str, str]
    value: float


def read_samples(paths: DataPaths, now: datetime | None = None) -> list[Sample]:
    """The samples of all metrics at `now` (UTC), by default the current time.

    Raises:
        UnusableInputError: when there is no archive.
        WarehouseError: when the published warehouse cannot be read.
    """
    require_archive(paths)
    with reader(paths) as con:
        moment = {"now": now or datetime.now(UTC)}
        rows = con.execute(statement("queries/metrics"), moment).fetchall()
        waiting = len(unloaded(con, Archive(paths.storage)))
    samples = [Sample("avatar_tasks_up", {}, 1), *(Sample(*row) for row in rows)]
    return [*samples, Sample("avatar_tasks_segments_not_loaded", {}, waiting), *_disk(paths)]


def unreadable(paths: DataPaths) -> list[Sample]:
    """The samples if archive or warehouse cannot be read."""
    return [Sample("avatar_tasks_up", {}, 0), *_disk(paths)]


def _disk(paths: DataPaths) -> Iterator[Sample]:
    room = room_on_disk(paths.root)
    if room:
        yield Sample("avatar_tasks_disk_free_bytes", {}, room.free)
        yield Sample("avatar_tasks_disk_size_bytes", {}, room.size)


def as_text(samples: Iterable[Sample]) -> str:
    """The samples in Prometheus' text format, with HELP and TYPE before each metric."""
    ordered = sorted(samples, key=lambda one: (list(METRICS).index(one.name), sorted(one.labels.items())))
    return "".join(
        line
        for name, group in itertools.groupby(ordered, key=lambda one: one.name)
        for line in (
            f"# HELP {name} {METRICS[name].help}\n",
            f"# TYPE {name} {METRICS[name].kind}\n",
            *(_line(one) for one in group),
        )
    )


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
    return f"{sample.name}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
