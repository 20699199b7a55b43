"""`maintain` with the settings in force, and its summary."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import load as loading
from pipeline.data_folder import require_archive
from pipeline.errors import ExitCode, UnusableInputError
from pipeline.run import write_run
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.retention import plan_retention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.run import Run
    from warehouse.maintenance.findings import Maintained
    from warehouse.maintenance.retention import Retention


@dataclass(frozen=True, slots=True)
class MaintenanceSummary:
    """One run of `maintain`; the keys of `maintain --json`.

    Attributes:
        run_id: the run.
        segments_before: files in the archive when it began.
        segments_after: files in the archive when it ended.
        bytes_before: size of the archive in bytes when it began.
        bytes_after: size of the archive in bytes when it ended.
        dropped_days: days (UTC) whose ids and answers were dropped.
        lost_segments: segments that were loaded once and are no longer in the archive.
        damaged_segments: a message about each segment that cannot be read.
        differences: tables that would differ after a rebuild: {table, rows, rows_rebuilt}.
        broken_rules: rules that do not hold in the tables, with the number of rows that break each.
        data_quality: failing checks of the view `data_quality`: {check_name, checked, failing, share}.
        exit_code: how it ended.
        problem: what is wrong, as a sentence; null when nothing is.
        seconds: how long it took.
    """

    run_id: str
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int
    dropped_days: list[str]
    lost_segments: list[str]
    damaged_segments: list[str]
    differences: list[dict[str, Any]]
    broken_rules: dict[str, int]
    data_quality: list[dict[str, Any]]
    exit_code: ExitCode
    problem: str | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return dataclasses.asdict(self) | {"exit_code": int(self.exit_code)}

    def as_lines(self) -> list[str]:
        """For people."""
        before = f"{self.segments_before:,} segments with {self.bytes_before:,} bytes"
        lines = [f"archive: {before} became {self.segments_after:,} with {self.bytes_after:,}"]
        if self.dropped_days:
            lines.append(f"dropped {len(self.dropped_days):,} days: {self.dropped_days[0]} to {self.dropped_days[-1]}")
        if not self.problem:
            lines.append("a rebuild gives the same tables, and they obey every rule")
        lines += [f"{one['failing']:,} of {one['checked']:,}: {one['check_name']}" for one in self.data_quality]
        return lines


def maintain(run: Run, retain_days: int | None, *, accept_loss: bool = False) -> MaintenanceSummary:
    """Maintain archive and warehouse, archive the summary, and publish.

    Args:
        run: from `run.begin`.
        retain_days: older days are dropped; None keeps everything.
        accept_loss: drop them even if the clock is in doubt, or some of their ids are still polled.

    Raises:
        UnusableInputError: when there is no archive, or `retain_days` is so small that ids still polled would be
            dropped.
        RetentionRefusedError: when everything would be dropped, or something still in use.
        WarehouseError: see `Warehouse.maintain`.
    """
    require_archive(run.paths)
    if retain_days is not None:
        _check_retention(run, retain_days)
    settings = run.settings
    work = Derivation(
        settings.paths,
        run.store,
        run.analysis,
        run.policy,
        settings.lock_wait,
        run.reporter.progress,
        settings.budget,
    )
    done = run.warehouse.maintain(work, run.started_at, retain_days, accept_loss=accept_loss)
    summary = _summarise(run, done)
    with loading.writer(run, settings.lock_wait) as writer:
        with writer.open_loaded() as con:
            loading.load_segments(run, con, [write_run(run, summary.exit_code, summary.as_dict())])
        writer.publish()
    return summary


def plan(run: Run, retain_days: int) -> Retention:
    """What `maintain` would drop now, without changing anything.

    Raises:
        UnusableInputError, NothingPublishedError, ArchiveError: as `maintain`.
    """
    require_archive(run.paths)
    _check_retention(run, retain_days)
    return plan_retention(run.paths, run.store, run.started_at, retain_days)


def plan_lines(planned: Retention) -> Iterator[str]:
    """For people."""
    if not planned.days:
        yield f"nothing is older than {planned.not_before}: nothing would be dropped"
        return
    yield (
        f"would drop {len(planned.days):,} days, {planned.days[0]} to {planned.days[-1]}: {planned.segments:,} "
        f"segments with {planned.bytes:,} bytes, {planned.ids:,} accepted ids and {planned.answers:,} answers"
    )
    if planned.refusal:
        yield f"but it would be refused: {planned.refusal}"


def _check_retention(run: Run, retain_days: int) -> None:
    if not run.warehouse.drops_days or run.store.folder is None:
        msg = (
            "--retain only works if the warehouse is a file and the archive is a folder; from a lake, or an archive on "
            "object storage, nothing is dropped (docs/scaling.md)"
        )
        raise UnusableInputError(msg)
    longest = max(one.give_up_after for one in (run.policy, *run.policy.others))
    least = math.ceil(longest.total_seconds() / 86_400) + 1
    if retain_days < least:
        msg = f"--retain {retain_days} would drop ids that are still polled: give at least {least} days (GIVE_UP_AFTER)"
        raise UnusableInputError(msg)


def _summarise(run: Run, done: Maintained) -> MaintenanceSummary:
    with reader(run.paths) as con:
        quality = con.execute(statement("queries/failing_checks")).pl().to_dicts()
    problem = _problem(done)
    return MaintenanceSummary(
        run_id=run.run_id,
        segments_before=done.before.segments,
        segments_after=done.after.segments,
        bytes_before=done.before.bytes,
        bytes_after=done.after.bytes,
        dropped_days=done.dropped_days,
        lost_segments=done.lost,
        damaged_segments=[one.error for one in done.damaged],
        differences=[dataclasses.asdict(one) for one in done.differences],
        broken_rules=done.broken,
        data_quality=quality,
        exit_code=ExitCode.UNEXPECTED if problem else ExitCode.DONE,
        problem=problem,
        seconds=round(run.clock.monotonic() - run.began, 3),
    )


def _problem(done: Maintained) -> str | None:
    """The worst problem, and what to do; None if there is none."""
    if done.damaged:
        return f"{len(done.damaged):,} segments are damaged. {done.damaged[0].error}"
    if done.lost:
        return (
            f"{len(done.lost):,} segments that were loaded are missing from the archive, the first is {done.lost[0]}. "
            "Restore the archive from a backup: only the tables still have their rows"
        )
    if done.differences:
        tables = ", ".join(f"{one.table} ({one.rows:,} rows, {one.rows_rebuilt:,})" for one in done.differences)
        return f"a rebuild would change these tables: {tables}. Run `avatar-tasks rebuild` to replace them"
    if done.broken:
        rules = ", ".join(f"{rule!r} ({rows:,} rows)" for rule, rows in done.broken.items())
        return f"the tables break rules that should always hold: {rules}. Please report it"
    return None
