"""The commands that only read: `status`, `compare`, `sql`, `evidence` and `report`."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from avatar_tasks.commands.options import DATA_DIR, JSON, Place, Seconds, examples, settings_of, with_options
from avatar_tasks.console import handle_errors, harmless, show, show_json


@click.command(
    short_help="Show what is known, and check conditions.",
    epilog=examples(
        "status",
        "status --fail-if 'stale>15m' --fail-if 'disk<5%'",
        "status --format prometheus --out avatar_tasks.prom",
    ),
)
@click.option("--format", "kind", type=click.Choice(["text", "json", "prometheus"]), default="text", show_default=True)
@click.option(
    "--out", type=Place(path_type=Path), metavar="FILE", help="Write to this file, atomically, instead of stdout."
)
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 6 if this condition holds or cannot be checked, e.g. 'stale>15m' or 'disk<5%'; may be repeated.",
)
@with_options(DATA_DIR, JSON)
@handle_errors
def status(kind: str, out: Path | None, conditions: tuple[str, ...], *, as_json: bool, **options: Any) -> int:
    """Show tasks by status, what is due, stuck, in quarantine or not loaded, and who has locked the warehouse."""
    from avatar_tasks.status import run_status

    return run_status(settings_of(**options).paths, "json" if as_json else kind, out, conditions)


@click.command(
    short_help="Compare two periods: is it better or worse?",
    epilog=examples("compare --period '7 days'", "compare --against 2026-11-01 --format markdown"),
)
@click.option("--period", default="7 days", show_default=True, metavar="SPAN", help="The length of each period.")
@click.option(
    "--against",
    default="previous",
    show_default=True,
    metavar="previous|DATE",
    help="The period before, or one of the same length that starts then: a date, a time in UTC, or e.g. '14 days' ago.",
)
@click.option("--format", "kind", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@with_options(DATA_DIR, JSON)
@handle_errors
def compare(*, period: str, against: str, kind: str, as_json: bool, **options: Any) -> None:
    """Compare a period with the one before: is it better or worse, what differs, what fails more, and since when."""
    from datetime import UTC, datetime

    from pipeline.headline import comparison
    from reports.comparison.formats import as_dict, as_lines, as_markdown

    found = comparison(settings_of(**options).paths, datetime.now(UTC), period, against)
    if as_json or kind == "json":
        show_json(as_dict(found))
    elif kind == "markdown":
        click.echo(harmless(as_markdown(found)), nl=False)
    else:
        for line in as_lines(found):
            click.echo(harmless(line))


class _WithQuery(click.Command):
    """A command whose query may begin with an SQL comment (`-- …`), which is not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f"\n{arg}" if re.match(r"--\s", arg) else arg for arg in args])


@click.command(
    cls=_WithQuery,
    short_help="Run SQL on the published warehouse, read-only.",
    epilog=examples('sql "from latency_daily"', 'sql "from stuck_tasks" --out stuck.csv'),
)
@click.argument("query", metavar='"SELECT …"')
@click.option(
    "--format",
    "kind",
    type=click.Choice(["table", "line", "csv", "json", "ndjson", "parquet"]),
    help="The output format; by default by the suffix of --out, else a table. `line` prints a line for every column.",
)
@click.option("--out", type=Place(path_type=Path), metavar="FILE", help="Write to this file instead of stdout.")
@click.option(
    "--allow-files", is_flag=True, help="Let the query read and write files, attach databases and change settings."
)
@click.option("--timeout", type=Seconds(), metavar="SECONDS", help="Stop the query if it takes longer.")
@with_options(DATA_DIR)
@handle_errors
def sql(
    query: str, kind: str | None, out: Path | None, *, allow_files: bool, timeout: float | None, **options: Any
) -> None:
    """Run SQL on the published warehouse, read-only; it can use other files only with --allow-files."""
    from avatar_tasks.sql import run_query

    run_query(settings_of(**options).paths, query, kind, out, allow_files=allow_files, timeout=timeout)


@click.command(
    short_help="Write a zip file about some tasks for the provider or gateway.",
    epilog=examples(
        "evidence --claims --out claims.zip", "evidence --where \"fail_class = 'provider'\" --out failed.zip"
    ),
)
@click.option("--where", "condition", metavar="CONDITION", help="Tasks that match this SQL condition on `tasks`.")
@click.option(
    "--claims", "is_claims", is_flag=True, help="Failed tasks that were charged and, according to a rule, not refunded."
)
@click.option(
    "--failure", "fingerprint", metavar="FINGERPRINT", help="Failed tasks with this fingerprint in `failure_reasons`."
)
@click.option("--missed", "objective", metavar="OBJECTIVE", help="Tasks that missed this objective.")
@click.option("--out", type=Place(path_type=Path, dir_okay=False), required=True, metavar="FILE", help="The zip file.")
@click.option("--no-redact", is_flag=True, help="Keep webhooks and the signatures of URLs.")
@with_options(DATA_DIR, JSON)
@handle_errors
def evidence(
    condition: str | None,
    fingerprint: str | None,
    objective: str | None,
    out: Path,
    *,
    is_claims: bool,
    no_redact: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write a zip file with all that a provider or gateway needs to act: a page, the tasks, the archived answers."""
    from datetime import UTC, datetime

    from pipeline.errors import UnusableInputError
    from pipeline.evidence.bundle import write_bundle
    from pipeline.evidence.selection import claims, failure, missed, where

    selections = [
        *([where(condition)] if condition is not None else []),
        *([claims()] if is_claims else []),
        *([failure(fingerprint)] if fingerprint is not None else []),
        *([missed(objective)] if objective is not None else []),
    ]
    if len(selections) != 1:
        raise UnusableInputError("give one of --where, --claims, --failure and --missed")
    paths = settings_of(**options).paths
    bundle = write_bundle(paths, selections[0], out, datetime.now(UTC), is_redacted=not no_redact)
    if as_json:
        show_json(bundle.as_dict())
        return
    for line in bundle.as_lines():
        show(line)


@click.command(
    short_help="Write the report as one HTML file, or its charts as PNG.",
    epilog=examples("report --since '7 days'", "report --format png --out plots"),
)
@click.option(
    "--out",
    type=Place(path_type=Path),
    metavar="PATH",
    help="The file to write, or for png the folder; by default below DATA_DIR/reports.",
)
@click.option(
    "--since", metavar="TIME", help="Only tasks submitted since then: a date, a time in UTC, or e.g. '7 days' ago."
)
@click.option("--until", metavar="TIME", help="Only tasks submitted before then.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only tasks of this gateway; may be repeated.")
@click.option("--action", "actions", multiple=True, metavar="NAME", help="Only tasks of this action; may be repeated.")
@click.option(
    "--template", "templates", multiple=True, metavar="ID", help="Only tasks of this template; may be repeated."
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="DIMENSION=VALUE",
    help="Only tasks with this value of a dimension of `drivers`, e.g. voice_engine_id=5; may be repeated.",
)
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="NAME",
    help="Time zone of the times shown, e.g. Asia/Shanghai.",
)
@click.option("--format", "kind", type=click.Choice(["html", "png"]), default="html", show_default=True)
@with_options(DATA_DIR, JSON)
@handle_errors
def report(out: Path | None, kind: str, *, data_dir: Path | None, as_json: bool, **filters: Any) -> None:
    """Write the report as one HTML file that opens anywhere, offline, or its charts as PNG files."""
    from datetime import UTC, datetime

    from pipeline.report_files import Filters, place, write_report

    paths = settings_of(data_dir=data_dir).paths
    written = write_report(paths, Filters(**filters), out or place(paths, kind), kind, datetime.now(UTC))
    if as_json:
        show_json(written.as_dict())
        return
    for line in [*written.in_short, *(f"wrote {path}" for path in written.files)]:
        show(line)
