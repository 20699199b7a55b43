"""`avatar-tasks …`: what people type. Every command reads settings, calls one function, and shows what came of it.

Nothing heavy is imported before it is needed: `--help` has to answer at once.
"""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avatar_tasks.console import Progress, aligned, end_program, ends_well, show_json, show_summary, tell, voice
from avatar_tasks.streams import never_fail
from warehouse import home

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.run import Run
    from pipeline.settings import Settings


class _Program(click.Group):
    """The command line as a whole, from its first line of output to its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        never_fail()
        end_program(lambda: super(_Program, self).main(*args, **kwargs))


class _Place(click.Path):
    """A path in which `~` is the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            expanded = home.expand(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(expanded, param, ctx)


class _Seconds(click.FloatRange):
    """A span of time: any number but those that are none."""

    def __init__(self) -> None:
        super().__init__(min=0, max=3.2e7, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is no number of seconds", param, ctx) if seconds != seconds else seconds  # noqa: PLR0124 - NaN


_SETTINGS = (
    click.option("--base-url", metavar="URL", help="The gateway's address, e.g. https://host."),
    click.option("--source", metavar="NAME", help="Which gateway the ids belong to; part of every key."),
    click.option("--concurrency", type=int, metavar="N", help="Most requests in flight."),
    click.option("--rate", type=float, metavar="N", help="Most requests a second."),
    click.option("--timeout", type=float, metavar="SECONDS", help="For one request."),
)
_DATA_DIR = click.option("--data-dir", type=_Place(path_type=Path), metavar="DIR", help="Where everything is kept.")
_ACCEPT_LOSS = click.option("--accept-loss", is_flag=True, help="Go on although it loses what nothing else has.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of words.")


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)

    return decorate


def _settings(**options: Any) -> Settings:
    from pipeline.settings import read_settings

    return read_settings(**options)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="avatar-tasks")
def main() -> None:
    """Avatar-generation task ids in, a DuckDB warehouse out.

    How long do tasks take, how often do they fail, whose fault is it, what is stuck? `avatar-tasks demo` shows it all
    on a simulated gateway. Settings are AVATAR_TASKS_* in the environment or a .env file, or the options of the same
    name; the key is only ever AVATAR_TASKS_API_KEY.
    """


@main.command()
@click.argument("ids", nargs=-1)
@click.option(
    "--ids-file",
    type=_Place(allow_dash=True),
    metavar="PATH",
    help="A .txt, .csv, .json or .parquet file with ids (or .gz), - for stdin.",
)
@click.option(
    "--ids-column", metavar="NAME", help="Its column or key with the ids, also a.b; task_id or id if not given."
)
@click.option(
    "--ids-from", type=_Place(), metavar="WHAT", help="Also new ids of a folder of exports, or of SQL for DuckDB."
)
@click.option(
    "--inbox", type=_Place(), metavar="DIR", help="Also ids of the files in this folder, which are moved on then."
)
@click.option("--follow", is_flag=True, help="Go on until every task given has ended.")
@click.option("--deadline", type=_Seconds(), metavar="SECONDS", help="Poll no longer than this; also without --follow.")
@click.option("--no-refresh", is_flag=True, help="Do not also ask for known tasks that are due.")
@click.option("--no-load", is_flag=True, help="Archive only; `avatar-tasks load` loads it later, here or elsewhere.")
@click.option(
    "--first-start/--no-first-start", default=None, help="Whether a data folder that is not there may be begun."
)
@click.option(
    "--prefect/--no-prefect", default=None, help="As a Prefect flow run; default: where PREFECT_API_URL is set."
)
@_options(*_SETTINGS, _DATA_DIR, _JSON)
@ends_well
def collect(
    ids: tuple[str, ...],
    ids_file: str | None,
    ids_column: str | None,
    ids_from: str | None,
    inbox: str | None,
    *,
    follow: bool,
    deadline: float | None,
    no_refresh: bool,
    no_load: bool,
    prefect: bool | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Fetch tasks, archive every answer, load and publish the warehouse.

    IDS that are known to have ended are passed over. Without any, whatever is due is asked for again.
    """
    from avatar_tasks.start import start
    from pipeline.collect.request import CollectRequest

    request = CollectRequest(
        ids,
        ids_file,
        ids_column,
        ids_from,
        inbox,
        refresh=not no_refresh,
        follow=follow,
        deadline_seconds=deadline,
        load=not no_load,
    )
    progress = Progress("fetching")
    try:
        summary = start(_settings(**options), request, voice(progress), prefect=prefect)
    finally:
        progress.stop()
    show_summary(summary, as_json=as_json)
    return summary.exit_code


@main.command()
@click.option(
    "--tasks", default=2000, show_default=True, type=click.IntRange(1, 200_000), help="How many tasks to make up."
)
@click.option(
    "--out", type=_Place(path_type=Path), default=Path("demo"), show_default=True, help="Where to put it all."
)
@click.option(
    "--prefect/--no-prefect", default=True, help="Run the flow on a Prefect server of its own (default), or plain."
)
@click.option("--report/--no-report", "with_report", default=True, help="Write the report at the end (default).")
@_options(_JSON)
@ends_well
def demo(tasks: int, out: Path, *, prefect: bool, with_report: bool, as_json: bool) -> int:
    """Everything at once on a simulated gateway, with nothing set up."""
    from avatar_tasks.demo import run_demo

    progress = Progress("fetching")
    try:
        result = run_demo(tasks, out, voice(progress), with_prefect=prefect, with_report=with_report)
    finally:
        progress.stop()
    if as_json:
        show_json(result.as_dict())
    return result.exit_code


@main.command()
@click.option(
    "--port", default=8899, show_default=True, type=click.IntRange(0, 65535), help="On 127.0.0.1; 0 is a free one."
)
@click.option(
    "--tasks", default=2000, show_default=True, type=click.IntRange(0, 2_000_000), help="How many tasks to make up."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same world.")
@click.option(
    "--speed", default=1.0, show_default=True, type=click.FloatRange(min=1), help="How fast its last tasks end."
)
@click.option("--key", metavar="K", help="The key it wants; any if not given.")
@click.option(
    "--faults", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share of requests that fail."
)
@click.option("--ids-out", type=_Place(path_type=Path), metavar="FILE", help="Where to write the ids, one per line.")
@ends_well
def simulate(**options: Any) -> None:
    """The simulated gateway alone, on loopback, until Ctrl-C."""
    from avatar_tasks.simulate import simulate as run_simulation

    run_simulation(**options, say=tell)


@main.command()
@_options(_DATA_DIR, _JSON)
@ends_well
def status(*, as_json: bool, **options: Any) -> None:
    """What is known: tasks by status, what is due, stuck, quarantined, not loaded, and who holds the warehouse."""
    from pipeline.status import facts

    found = facts(_settings(**options).paths)
    if as_json:
        show_json(found)
        return
    for section, value in found.items():
        tell(section.replace("_", " "))
        rows = list(value.items()) if isinstance(value, dict) else [("", value)]
        for line in aligned([(str(name), number) for name, number in rows]):
            tell(line)


@main.command()
@click.argument("query", metavar='"SELECT …"')
@click.option(
    "--format",
    "kind",
    type=click.Choice(["table", "csv", "json", "ndjson", "parquet"]),
    help="Default: what the suffix of --out says, else a table.",
)
@click.option("--out", type=_Place(path_type=Path), metavar="FILE", help="A file instead of stdout.")
@click.option(
    "--allow-files", is_flag=True, help="Let the query read and write files, attach databases and change settings."
)
@_options(_DATA_DIR)
@ends_well
def sql(query: str, kind: str | None, out: Path | None, *, allow_files: bool, **options: Any) -> None:
    """Ad-hoc SQL on the published warehouse, read-only: it reaches no other file unless --allow-files says so."""
    from avatar_tasks.sql import run_query

    run_query(_settings(**options).paths, query, kind, out, allow_files=allow_files)


@main.command()
@click.option(
    "--out", type=_Place(path_type=Path), metavar="PATH", help="A file; for png a folder. Below DATA_DIR/reports."
)
@click.option("--since", metavar="TIME", help="Submitted from then on: a date, a time in UTC, or e.g. '7 days' ago.")
@click.option("--until", metavar="TIME", help="Submitted before then.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Of this gateway only; may be repeated.")
@click.option("--action", "actions", multiple=True, metavar="NAME", help="Of this action only; may be repeated.")
@click.option("--template", "templates", multiple=True, metavar="ID", help="Of this template only; may be repeated.")
@click.option("--format", "kind", type=click.Choice(["html", "png"]), default="html", show_default=True)
@_options(_DATA_DIR, _JSON)
@ends_well
def report(out: Path | None, kind: str, *, data_dir: Path | None, as_json: bool, **filters: Any) -> None:
    """Render the notebook to one HTML file that opens anywhere, offline, or its plots to PNG files."""
    from datetime import UTC, datetime

    from pipeline.report_files import Filters, place, write_report

    paths = _settings(data_dir=data_dir).paths
    written = write_report(paths, Filters(**filters), out or place(paths, kind), kind, datetime.now(UTC))
    if as_json:
        show_json(written.as_dict())
        return
    for line in [*written.in_short, *(f"wrote {path}" for path in written.files)]:
        tell(line)


@main.command()
@click.option("--no-publish", is_flag=True, help="Leave publishing to a later load.")
@click.option("--run", "of_run", metavar="RUN_ID", help="Only what this run archived.")
@_options(_DATA_DIR, _JSON)
@ends_well
def load(*, no_publish: bool, of_run: str | None, as_json: bool, **options: Any) -> int:
    """Load what is archived and not loaded yet, and publish the warehouse.

    `collect` does so itself, unless it is told --no-load or the warehouse was locked. A large one starts this command
    to load while it polls.
    """
    from pipeline.load_command import load as load_waiting
    from pipeline.run import begin

    run = begin(_settings(**options), "load", voice=voice(Progress("loading")))
    summary = load_waiting(run, publish=not no_publish, of_run=of_run)
    show_summary(summary, as_json=as_json)
    return summary.exit_code


@main.command()
@_options(_DATA_DIR, _JSON)
@ends_well
def publish(*, as_json: bool, **options: Any) -> None:
    """Publish the warehouse for readers again."""
    from pipeline.data_folder import require_warehouse
    from warehouse.database.publish import publish as publish_warehouse

    settings = _settings(**options)
    require_warehouse(settings.paths)
    path = publish_warehouse(settings.paths, settings.lock_wait)
    if as_json:
        show_json({"published": str(path)})
    else:
        tell(f"published {path}")


@main.command()
@_options(_ACCEPT_LOSS, _DATA_DIR, _JSON)
@ends_well
def rebuild(*, accept_loss: bool, as_json: bool, **options: Any) -> None:
    """Derive the whole warehouse again from the archive, beside the live one, and swap it in.

    It refuses where the archive lacks segments that the warehouse was made from: the tables would lose what they held.
    """
    from pipeline.upkeep.rebuild import rebuild_warehouse

    progress = Progress("segments")
    done = rebuild_warehouse(_settings(**options), voice(progress), accept_loss=accept_loss)
    if as_json:
        show_json({"segments": done.segments, "answers": done.answers, "damaged": [one.error for one in done.damaged]})
    else:
        tell(f"rebuilt from {done.segments:,} segments with {done.answers:,} answers, and published")


@main.command()
@click.option(
    "--retain", type=click.IntRange(min=1), metavar="DAYS", help="Drop ids and answers of days longer ago than this."
)
@click.option("--dry-run", is_flag=True, help="Only say what --retain would drop.")
@_options(_ACCEPT_LOSS, _DATA_DIR, _JSON)
@ends_well
def maintain(retain: int | None, *, dry_run: bool, accept_loss: bool, as_json: bool, **options: Any) -> int:
    """Put small segments of the archive together, drop what is too old, and check that everything holds.

    It derives the warehouse again beside the live one and compares every table; where they differ, it says so, changes
    nothing, and ends with 1. Nothing is dropped without --retain, nor where the clock is in doubt: when nothing would
    remain, nothing was archived for more than 30 days, or ids that are still polled would go.
    """
    from pipeline.run import begin
    from pipeline.upkeep.maintain import maintain as run_maintenance

    progress = Progress("segments")
    try:
        run = begin(_settings(**options), "maintain", voice=voice(progress))
        if dry_run:
            return _show_plan(run, retain, as_json=as_json)
        summary = run_maintenance(run, retain, accept_loss=accept_loss)
    finally:
        progress.stop()
    show_summary(summary, as_json=as_json)
    return summary.exit_code


def _show_plan(run: Run, retain: int | None, *, as_json: bool) -> int:
    from dataclasses import asdict

    from pipeline.errors import ExitCode, UnusableInputError
    from pipeline.upkeep.maintain import plan, plan_lines

    if retain is None:
        msg = "nothing is ever dropped without --retain DAYS: give it to --dry-run as well"
        raise UnusableInputError(msg)
    planned = plan(run, retain)
    code = ExitCode.UNUSABLE_INPUT if planned.refusal else ExitCode.DONE
    if as_json:
        show_json({"dry_run": True, **asdict(planned), "exit_code": int(code)})
    else:
        for line in plan_lines(planned):
            tell(line)
    return code


@main.command("setup-prefect")
@click.option(
    "--in-flight",
    type=click.IntRange(min=0),
    metavar="N",
    help="Most requests in flight over all workers; 0 removes the limit, not given leaves it.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    metavar="N",
    help="Most requests a second over all workers; 0 removes the limit, not given leaves it.",
)
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
@_options(_JSON)
@ends_well
def setup_prefect(in_flight: int | None, rate: float | None, *, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Create or update everything on the Prefect server in use: pool, limits, blocks, automations, deployments.

    Run it as often as you like. What somebody changed on the server stays (paused schedules, parameters, limits); what
    is changed and what stays is printed. Your own values go into deployments.toml (docs/operating.md). Runs work in the
    folder of prefect.yaml: the working folder, or else the checkout that the program is installed from.
    """
    from flows._prefect.quiet import quiet_prefect

    quiet_prefect()
    from flows._prefect.setup import SetUp, declarations_folder, read_declared

    lines: list[str] = []
    settings = _settings(**options)
    rate = settings.rate if rate is None else rate
    declared = read_declared(declarations_folder(Path.cwd()))
    SetUp(settings, declared, lines.append if as_json else tell, rate, in_flight, dry_run).run()
    if as_json:
        show_json({"done": [] if dry_run else lines, "changes": lines, "dry_run": dry_run})
    elif not lines:
        tell("Everything on the Prefect server is as declared.")


@main.command()
@click.option(
    "--to", required=True, metavar="PLACE", help="The new WAREHOUSE: a DuckDB file's path or ducklake:postgres:…"
)
@click.option("--lake-data", metavar="PLACE", help="Where a lake's files go: a folder or s3://bucket/prefix.")
@_options(_ACCEPT_LOSS, _DATA_DIR, _JSON)
@ends_well
def migrate(to: str, lake_data: str | None, *, accept_loss: bool, as_json: bool, **options: Any) -> None:
    """Move the warehouse from a file to a lake or back, by deriving it from the archive; the old one stays."""
    from pipeline.upkeep.migrate import as_lines, migrate_warehouse, place_of

    progress = Progress("segments")
    new = _settings(**options, warehouse=to, lake_data=lake_data)
    old = _settings(**options, lake_data=lake_data)
    done = migrate_warehouse(old, new, voice(progress), accept_loss=accept_loss)
    place = place_of(new.paths)
    if as_json:
        show_json({"warehouse": place, "rows": done.rows, "differing": done.differing})
        return
    for line in as_lines(done, place):
        tell(line)
