"""`publish`, `rebuild`, `maintain` and `migrate`: the warehouse as a whole."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from avatar_tasks.commands.options import ACCEPT_LOSS, DATA_DIR, JSON, examples, settings_of, with_options
from avatar_tasks.console import Progress, handle_errors, reporter_to, show, show_answer, show_json, show_summary

if TYPE_CHECKING:
    from pipeline.run import Run


@click.command(
    short_help="Publish the warehouse for readers again.",
    epilog=examples("publish"),
)
@with_options(DATA_DIR, JSON)
@handle_errors
def publish(*, as_json: bool, **options: Any) -> None:
    """Publish the warehouse for readers again."""
    from pipeline.data_folder import require_warehouse
    from pipeline.folder_owner import enter_folder
    from warehouse.backends.choose import warehouse_of

    settings = settings_of(**options)
    require_warehouse(settings.paths)
    enter_folder(settings)
    path = warehouse_of(settings.paths).publish(settings.lock_wait)
    if as_json:
        show_json({"published": str(path)})
    else:
        show(f"published {path}")


@click.command(
    short_help="Derive the whole warehouse again from the archive.",
    epilog=examples("rebuild"),
)
@with_options(ACCEPT_LOSS, DATA_DIR, JSON)
@handle_errors
def rebuild(*, accept_loss: bool, as_json: bool, **options: Any) -> None:
    """Derive the whole warehouse again from the archive, beside the live one, and swap it in.

    It refuses if the archive lacks segments that the warehouse was derived from, because their rows would be lost.
    """
    from pipeline.upkeep.rebuild import rebuild_warehouse

    progress = Progress("segments")
    done = rebuild_warehouse(settings_of(**options), reporter_to(progress), accept_loss=accept_loss)
    if as_json:
        show_json({"segments": done.segments, "answers": done.answers, "damaged": [one.error for one in done.damaged]})
    else:
        show(f"rebuilt from {done.segments:,} segments with {done.answers:,} answers, and published")


@click.command(
    short_help="Compact the archive, drop old days, check everything.",
    epilog=examples("maintain", "maintain --retain 90 --dry-run"),
)
@click.option(
    "--retain", type=click.IntRange(min=1), metavar="DAYS", help="Drop ids and answers that are older than this."
)
@click.option("--dry-run", is_flag=True, help="Only show what --retain would drop.")
@with_options(ACCEPT_LOSS, DATA_DIR, JSON)
@handle_errors
def maintain(retain: int | None, *, dry_run: bool, accept_loss: bool, as_json: bool, **options: Any) -> int:
    """Compact small segments of the archive, drop old days, and check that a rebuild would give the same tables.

    It derives the warehouse again beside the live one and compares every table; if any differs, it reports that,
    changes nothing, and exits with 1. Nothing is dropped without --retain. With it, nothing is dropped if the clock may
    be wrong (nothing would remain, or nothing was archived for more than 30 days), or if ids that are still polled
    would be dropped.
    """
    from pipeline.run import begin
    from pipeline.upkeep.maintain import maintain as run_maintenance

    progress = Progress("segments")
    try:
        run = begin(settings_of(**options), "maintain", reporter=reporter_to(progress))
        if dry_run:
            return _show_plan(run, retain, as_json=as_json)
        summary = run_maintenance(run, retain, accept_loss=accept_loss)
    finally:
        progress.stop()
    show_summary("maintain", summary, as_json=as_json)
    return summary.exit_code


def _show_plan(run: Run, retain: int | None, *, as_json: bool) -> int:
    from dataclasses import asdict

    from pipeline.errors import ExitCode, UnusableInputError
    from pipeline.upkeep.maintain import plan, plan_lines

    if retain is None:
        msg = "--dry-run shows what --retain DAYS would drop: give --retain as well"
        raise UnusableInputError(msg)
    planned = plan(run, retain)
    code = ExitCode.UNUSABLE_INPUT if planned.refusal else ExitCode.DONE
    if as_json:
        show_json({"dry_run": True, **asdict(planned), "exit_code": int(code)})
    else:
        for line in plan_lines(planned):
            show_answer(line)
    return code


@click.command(
    short_help="Move the warehouse from a file to a lake, or back.",
    epilog=examples(
        'migrate --to "ducklake:postgres:dbname=lake host=db" --lake-data /srv/lake',
        "migrate --to data/warehouse.duckdb",
    ),
)
@click.option(
    "--to", required=True, metavar="PLACE", help="The new WAREHOUSE: a DuckDB file's path or ducklake:postgres:…"
)
@click.option("--lake-data", metavar="PLACE", help="Where a lake's files go: a folder or s3://bucket/prefix.")
@with_options(ACCEPT_LOSS, DATA_DIR, JSON)
@handle_errors
def migrate(to: str, lake_data: str | None, *, accept_loss: bool, as_json: bool, **options: Any) -> None:
    """Move the warehouse from a file to a lake or back, by deriving it from the archive; the old one is kept."""
    from pipeline.upkeep.migrate import as_lines, migrate_warehouse, place_of

    progress = Progress("segments")
    new = settings_of(**options, warehouse=to, lake_data=lake_data)
    old = settings_of(**options, lake_data=lake_data)
    done = migrate_warehouse(old, new, reporter_to(progress), accept_loss=accept_loss)
    place = place_of(new.paths)
    if as_json:
        show_json({"warehouse": place, "rows": done.rows, "differing": done.differing})
        return
    for line in as_lines(done, place):
        show(line)
