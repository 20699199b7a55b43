"""What a flow shows on Prefect's server: summaries, tables, progress and events. Errors are logged and fail no run."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from prefect import get_run_logger
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.events import emit_event

from pipeline.errors import AvatarTasksError, exit_code_of
from pipeline.headline import comparison_in_sentences, headline
from pipeline.run import Reporter
from pipeline.watch.run_line import failed_summary, run_line
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from pipeline.alerts import Alert
    from pipeline.collect.summary import Summary
    from pipeline.run import Run

#: How often the progress of a run is updated, in seconds.
PROGRESS_SECONDS: Final = 2.0

#: The alert about a rate that is too high. Its event also says since when, and for which tasks.
_OF_A_RATE: Final = "slo-burning"


def prefect_reporter() -> Reporter:
    """A reporter to the log of the flow run."""
    logger = get_run_logger()
    return Reporter(info=logger.info, warn=logger.warning)


@contextlib.contextmanager
def line_of_failure(run: Run) -> Iterator[None]:
    """If an error ends the run before it has a summary, log the line of the run."""
    try:
        yield
    except Exception as error:
        summary = failed_summary(run, exit_code_of(error), str(error))
        run.reporter.warn(run_line(run.command, summary, run.clock.now(), run.settings.log_format))
        raise


@contextlib.contextmanager
def log_errors(run: Run, what: str) -> Iterator[None]:
    """Log an error of Prefect and continue: a run that is done must not fail because the server does not answer."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises
        run.reporter.warn(f"Prefect did not accept {what}: {error}")


class ProgressArtifact:
    """The progress of a run, as an artifact that is updated while it runs."""

    def __init__(self) -> None:
        self._now = (0, 0)
        self._shown = (0, 0)
        self._artifact: UUID | None = None

    def __call__(self, done: int, total: int) -> None:
        self._now = done, total

    async def keep_updating(self, key: str) -> None:
        """Create the artifact and update it until cancelled."""
        self._artifact = await acreate_progress_artifact(0.0, key=key, description="ids answered")
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            await self.update()

    async def update(self) -> None:
        """Show the current progress, if it has changed."""
        if self._artifact is not None and self._now != self._shown:
            self._shown = done, total = self._now
            percent = 100.0 * min(done / total, 1.0) if total else 0.0
            await aupdate_progress_artifact(self._artifact, percent, description=f"{done:,} of {total:,} ids answered")


@contextlib.asynccontextmanager
async def progress_artifact(run: Run, key: str) -> AsyncIterator[ProgressArtifact]:
    """An artifact that shows the progress of the block."""
    artifact = ProgressArtifact()
    task = asyncio.create_task(artifact.keep_updating(key))
    try:
        yield artifact
        with log_errors(run, "the progress"):
            await artifact.update()
    finally:
        task.cancel()
        [error] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(error, Exception):
            run.reporter.warn(f"Prefect did not accept the progress: {error}")


async def show_summary(run: Run, summary: Summary, key: str = "collect") -> None:
    """Show the headline numbers and what has changed as Markdown, and failures first seen in this run as a table."""
    lines = [f"- {line}" for line in summary.as_lines()]
    if summary.problem:
        lines.insert(0, f"**{summary.problem}**\n")
    failures: list[dict[str, Any]] = []
    if summary.published:
        lines += ["", "## Since the previous run", "", *_changes(run)]
        lines += ["## All tasks", ""]
        lines += [
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in headline(run.paths, run.clock.now())),
        ]
        failures = _failures(run)
    await acreate_markdown_artifact("\n".join(lines), key=key, description=f"run {run.run_id}")
    await acreate_table_artifact(failures, key=f"{key}-failures", description=f"failures seen first in {run.run_id}")


def emit_alerts(run: Run, alerts: Iterable[Alert]) -> list[Alert]:
    """Emit each alert as an event `avatar-tasks.<kind>` about the resource `avatar-tasks.source.<source>`.

    Returns the alerts that were emitted.
    """
    sent = []
    resource = {
        "prefect.resource.id": f"avatar-tasks.source.{run.settings.source}",
        "prefect.resource.name": run.settings.source,
    }
    for alert in alerts:
        run.reporter.warn(f"{alert.kind}: {alert.sentence}")
        with log_errors(run, f"the event {alert.kind}"):
            payload = {
                "count": alert.count,
                "sentence": alert.sentence,
                "severity": alert.severity,
                "is_reminder": alert.is_reminder,
                "run_id": run.run_id,
                "compared": _compared(run) if alert.kind == _OF_A_RATE else "",
            }
            if emit_event(f"avatar-tasks.{alert.kind}", resource=resource, payload=payload):
                sent.append(alert)
    return sent


def _compared(run: Run) -> str:
    """What `compare` says about the last day: what changed, since when, what differs; empty if it cannot compare."""
    with contextlib.suppress(AvatarTasksError, WarehouseError):
        return "\n".join(comparison_in_sentences(run.paths, run.clock.now(), "1 day"))
    return ""


def _changes(run: Run) -> list[str]:
    with reader(run.paths) as con:
        row = con.execute(statement("queries/since_last_run"), {"run_id": run.run_id}).pl().row(0, named=True)
    latency = "" if row["p50_seconds"] is None else f", half of them within {row['p50_seconds']:,.0f} s"
    return [
        f"- which ended {_when(row['last_run_ended_at'])}: {row['ids_accepted']:,} ids accepted",
        f"- {row['succeeded']:,} tasks succeeded{latency}; {row['failed']:,} failed",
        f"- {row['quarantined']:,} answers not understood, {row['schema_surprises']:,} surprises in the schema",
    ]


def _when(moment: datetime | None) -> str:
    return "never (this is the first run)" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _failures(run: Run) -> list[dict[str, Any]]:
    with reader(run.paths) as con:
        return con.execute(statement("queries/failures_of_run"), {"run_id": run.run_id}).pl().to_dicts()
