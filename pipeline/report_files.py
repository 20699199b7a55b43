"""`report`: write the page or its charts to files, with a short summary for people."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pipeline.errors import UnusableInputError
from pipeline.spans import SpanError, read_span
from warehouse.sharing import share, share_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.cohort import Cohort
    from warehouse.paths import DataPaths

_NEEDED: Final = ("jinja2", "resvg_py")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks a report is about, as given on the command line.

    Attributes:
        sources, actions, templates: all of them if empty.
        since, until: a date or time, in UTC if it names no zone, or a span before now like `7 days`.
        timezone: the time zone of the times shown, e.g. Asia/Shanghai.
        values: conditions on dimensions of the view `drivers`, e.g. `voice_engine_id=5`; with nothing after the `=`,
            tasks without a value.
    """

    sources: Sequence[str] = ()
    actions: Sequence[str] = ()
    templates: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    timezone: str = "UTC"
    values: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """The result."""

    files: list[Path]
    in_short: list[str]
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"files": [str(path) for path in self.files], **self.figures, "in_short": self.in_short}


def is_installed() -> bool:
    """Whether the libraries that a report needs are installed; they are an extra."""
    try:
        return all(importlib.util.find_spec(name) for name in _NEEDED)
    except ModuleNotFoundError:
        return False


def write_report(paths: DataPaths, filters: Filters, out: Path, kind: str, now: datetime) -> Written:
    """Write the report on the published warehouse: `html` to the file `out`, `png` to the folder `out`.

    Raises:
        UnusableInputError: when the extra is not installed, a filter cannot be used, or the file cannot be written.
        NothingPublishedError, WarehouseError: as `avatar_tasks.connect`.
    """
    if not is_installed():
        msg = "a report needs jinja2 and resvg-py: run `make setup` in the project's folder"
        raise UnusableInputError(msg)
    from reports.errors import ReportError
    from reports.render import report_on, write_html, write_pngs

    cohort = cohort_of(filters, now)
    try:
        report = report_on(paths, cohort, now)
        files = [write_html(report, out)] if kind == "html" else write_pngs(report, out)
        _share(paths, [path.absolute() for path in files])
    except ReportError as error:
        raise UnusableInputError(str(error)) from error
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror or error}. Choose another place with --out"
        raise UnusableInputError(msg) from error
    return Written(files, report.in_short, {tile.key: tile.value for tile in report.tiles})


def cohort_of(filters: Filters, now: datetime) -> Cohort:
    """The tasks that the filters select.

    Raises:
        UnusableInputError: when a time, the time zone or a value cannot be used.
    """
    from reports.cohort import Cohort

    since, until = moment(filters.since, "--since", now), moment(filters.until, "--until", now)
    if since and until and since >= until:
        msg = f"--since {filters.since} is not before --until {filters.until}: no task can be in between"
        raise UnusableInputError(msg)
    zone = time_zone(filters.timezone)
    since, until = (one and one.astimezone(zone) for one in (since, until))
    kinds = (tuple(filters.sources), tuple(filters.actions), tuple(filters.templates))
    return Cohort(*kinds, since, until, tuple(map(dimension_value, filters.values)), zone.key)


def dimension_value(text: str) -> tuple[str, str | None]:
    """A dimension and its value from `dimension=value`.

    Raises:
        UnusableInputError: when it has another form, or there is no such dimension.
    """
    from reports.cohort.values import DIMENSIONS

    name, sign, value = text.partition("=")
    if not sign or name not in DIMENSIONS:
        known = ", ".join(DIMENSIONS)
        raise UnusableInputError(f"--value {text!r} is not of the form dimension=value: dimensions are {known}")
    return name, value or None


def _share(paths: DataPaths, files: list[Path]) -> None:
    """With SHARE=group, share the files below the data directory with its group."""
    for path in files:
        if paths.is_shared and path.is_relative_to(paths.root):
            share_folder(path.parent, paths.root)
            share(path, paths.root)


def time_zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        UnusableInputError: when there is none.
    """
    if name not in available_timezones():
        raise UnusableInputError(f"--timezone {name!r} is not a time zone: give a name like Asia/Shanghai or UTC")
    return ZoneInfo(name)


def moment(text: str | None, option: str, now: datetime) -> datetime | None:
    """A point in time from what people type; times without a zone are UTC.

    Raises:
        UnusableInputError: when it is neither a time nor a span.
    """
    if text is None:
        return None
    try:
        if (span := read_span(text)) is not None:
            return now - span
        read = datetime.fromisoformat(text.strip())
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except SpanError as error:
        raise UnusableInputError(f"{option} {error}") from None
    except OverflowError:
        raise UnusableInputError(f"{option} {text!r} is before the year 1 or after the year 9999") from None
    except ValueError:
        msg = f"{option} {text!r} is not a time: give a date, a time (2026-11-20T14:00) or a span like '7 days'"
        raise UnusableInputError(msg) from None


def place(paths: DataPaths, kind: str) -> Path:
    """Where a report is written if no place is given: below the data directory."""
    return paths.reports / ("report.html" if kind == "html" else "report-png")
