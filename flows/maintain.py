"""The Prefect flow `maintain`: the same job as on the command line; it fails if anything is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.states import Completed
from pydantic import Field

from flows._prefect.artifacts import line_of_failure, log_errors, prefect_reporter
from pipeline import run as runs
from pipeline.errors import AvatarTasksError
from pipeline.settings import read_settings
from pipeline.upkeep.maintain import maintain as maintain_warehouse
from pipeline.watch.run_line import run_line

if TYPE_CHECKING:
    from pipeline.run import Run
    from pipeline.upkeep.maintain import MaintenanceSummary


@flow(name="maintain", persist_result=False, timeout_seconds=6 * 3600)
async def maintain(retain_days: Annotated[int, Field(ge=1)] | None = None) -> dict[str, Any]:
    """Compact the archive, drop what is too old, and prove that a rebuild would give the same tables.

    Args:
        retain_days: Ids and answers of older days are dropped from the archive and from every table; if not given,
            nothing is dropped.

    Raises:
        AvatarTasksError: something is wrong with archive or warehouse; the message says what and what to do.
    """
    run = runs.begin(read_settings(), "maintain", reporter=prefect_reporter())
    with line_of_failure(run):
        summary = await asyncio.to_thread(maintain_warehouse, run, retain_days)
    line = run_line("maintain", summary.as_dict(), run.clock.now(), run.settings.log_format)
    run.reporter.info(line)
    await _show(run, summary)
    if summary.problem:
        raise AvatarTasksError(summary.problem)
    return Completed(message=line, data=summary.as_dict())  # type: ignore[return-value]  # Prefect unpacks it


async def _show(run: Run, summary: MaintenanceSummary) -> None:
    lines = [f"- {line}" for line in summary.as_lines()]
    if summary.problem:
        lines.insert(0, f"**{summary.problem}**\n")
    with log_errors(run, "the summary"):
        await acreate_markdown_artifact("\n".join(lines), key="maintain", description=f"run {run.run_id}")
        await acreate_table_artifact(summary.data_quality, key="data-quality", description="checks that fail somewhere")
