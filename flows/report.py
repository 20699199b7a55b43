"""The Prefect flow `report`: the same page as on the command line, with a link to it and its numbers as artifacts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact

from pipeline.headline import comparison_in_markdown, headline
from pipeline.report_files import Filters, Written, place, write_report
from pipeline.settings import Settings, read_settings


@flow(name="report", persist_result=False, timeout_seconds=3600)
def report(
    since: str | None = None,
    until: str | None = None,
    sources: list[str] | None = None,
    actions: list[str] | None = None,
    templates: list[str] | None = None,
    out: str | None = None,
    file_format: Literal["html", "png"] = "html",
    served_at: str | None = None,
    timezone: str = "UTC",
    values: list[str] | None = None,
) -> dict[str, Any]:
    """Write the report on the published warehouse, and show where it is and what it says.

    Args:
        since: Only tasks submitted since then: a date, a time (in UTC if it names no zone) or a span like `7 days`.
        until: Only tasks submitted before then.
        sources: Only tasks of these gateways.
        actions: Only tasks of these actions.
        templates: Only tasks of these templates.
        out: The file, or for png the folder, to write; below DATA_DIR/reports if not given.
        file_format: One HTML page, or a PNG file for each plot.
        served_at: Address under which people find that folder, e.g. `https://reports.example`, for the link.
        timezone: Time zone of the times shown, e.g. `Asia/Shanghai`.
        values: Only tasks with these values of dimensions of `drivers`, e.g. `voice_engine_id=5`.

    Raises:
        UnusableInputError: when a filter cannot be used, or the report cannot be written.
        NothingPublishedError: when nothing has been published yet.
    """
    settings = read_settings()
    target = Path(out) if out else place(settings.paths, file_format)
    filters = Filters(sources or (), actions or (), templates or (), since, until, timezone, values or ())
    now = datetime.now(UTC)
    written = write_report(settings.paths, filters, target, file_format, now)
    _show(settings, written, served_at, now)
    return written.as_dict()


def _show(settings: Settings, written: Written, served_at: str | None, now: datetime) -> None:
    """Show the report as artifacts. The flow does not fail if Prefect's server does not answer: the file is written."""
    first = written.files[0].absolute() if written.files else settings.paths.reports
    link = f"{served_at.rstrip('/')}/{first.name}" if served_at else first.as_uri()
    lines = [f"- {line}" for line in written.in_short]
    lines += ["", f"[{first.name}]({link})", "", "## Compared with the week before", ""]
    lines += [comparison_in_markdown(settings.paths, now), "## All tasks", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in headline(settings.paths, now)]
    try:
        create_link_artifact(link=link, link_text=first.name, key="report-link", description=written.in_short[0])
        create_markdown_artifact("\n".join(lines), key="report", description="summary of the report")
    except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises
        get_run_logger().warning("Prefect did not accept the report's artifacts: %s", error)
