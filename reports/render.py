"""Writes a report from the newest published copy: one HTML page, or PNG files for mails and chats."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from reports import words
from reports.errors import OutdatedError
from reports.page import page
from reports.report import read_report
from warehouse.archive.atomic import atomic_write
from warehouse.database.reader import open_beside_published

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reports.cohort import Cohort
    from reports.report import Report
    from warehouse.paths import DataPaths


def report_on(paths: DataPaths, cohort: Cohort, now: datetime) -> Report:
    """The report from the newest published copy.

    Raises:
        UnknownFilterError, OutdatedError: as `cohort.open_cohort`.
        NothingPublishedError, WarehouseError: as `avatar_tasks.connect`.
    """
    with closing(open_beside_published(paths)) as con:
        try:
            return read_report(con, cohort, now, where=words.where(paths.root))
        except OutdatedError as error:
            raise OutdatedError(f"{paths.published} {error}") from error


def write_html(report: Report, out: Path) -> Path:
    """One self-contained file, replaced atomically: a program that has the old file open can still read it.

    Raises:
        OSError: it cannot be written.
    """
    _write(out, page(report).encode())
    return out


def write_pngs(report: Report, folder: Path) -> list[Path]:
    """One picture per chart, named by its position and figure.

    Raises:
        OSError: it cannot be written.
    """
    from reports.pictures import png  # imports a library that the page does not need

    folder.mkdir(parents=True, exist_ok=True)
    drawn = [(figure, chart) for figure in report.figures for chart in figure.charts]
    files = [folder / f"{number:02}-{figure.key}.png" for number, (figure, _) in enumerate(drawn, 1)]
    for path, (figure, chart) in zip(files, drawn, strict=True):
        _write(path, png(figure, chart, report.generated_at))
    return files


def _write(path: Path, content: bytes) -> None:
    """Replace the file at `path`, readable by everybody; its folders are created with the usual permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, mode=0o644) as file:
        file.write(content)
