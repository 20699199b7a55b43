"""Runs the notebook without a browser: its figures as one HTML page, or as PNG files for mails and chats."""

from __future__ import annotations

import textwrap
from contextlib import closing
from typing import TYPE_CHECKING, Final

import vl_convert

from reports import latency, words
from reports.cohort import open_cohort
from reports.look import Look
from reports.page import page
from reports.report import Report
from warehouse.archive.atomic import atomic_write

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reports.cohort import Cohort
    from reports.figure import Figure
    from warehouse.paths import DataPaths

_PIXELS: Final = 2.0
_PICTURE_WIDTH: Final = 760
#: What the notebook's widgets define, which are not used here.
_WIDGETS: Final = ("known", "whole", "sources", "actions", "templates", "days")


def run_notebook(paths: DataPaths, cohort: Cohort, generated_at: datetime) -> Report:
    """Run the notebook's cells on the newest published copy.

    Raises:
        ReportError, NothingPublishedError, WarehouseError: as `cohort.open_cohort`.
    """
    about = words.cohort(cohort)
    with closing(open_cohort(paths, cohort)) as db:
        given = {"data_dir": str(paths.root), "cohort": cohort, "db": db, "about": about}
        _, found = latency.app.run(defs=dict.fromkeys(_WIDGETS) | given)
    return Report(found["headline_tiles"], found["in_short"], found["figures"], about, found["facts"], generated_at)


def write_html(report: Report, out: Path) -> Path:
    """One self-contained file, replaced atomically: a reader that has the old one open keeps it.

    Raises:
        OSError: it cannot be written.
    """
    _write(out, page(report).encode())
    return out


def write_pngs(report: Report, folder: Path) -> list[Path]:
    """One picture per figure with a chart, named by its position and key.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [figure for figure in report.figures if figure.draw]
    files = [folder / f"{number:02}-{figure.key}.png" for number, figure in enumerate(drawn, 1)]
    for path, figure in zip(files, drawn, strict=True):
        _write(path, png(figure, report))
    return files


def png(figure: Figure, report: Report) -> bytes:
    """The figure as a picture that is readable by itself, with title, summary, unit, cohort and number."""
    assert figure.draw  # noqa: S101 - the caller only passes figures with a chart
    look = Look(_PICTURE_WIDTH)
    spec = figure.draw(look).to_dict()
    lines = [*_wrapped(figure.says, 96), *_wrapped(f"{figure.about} · {words.minute(report.generated_at)} UTC", 96)]
    spec["title"] = {
        "text": figure.title,
        "subtitle": lines,
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 17,
        "offset": 14,
        "subtitleFontSize": 12.5,
        "subtitleColor": look.colour("muted"),
        "subtitlePadding": 6,
        "subtitleLineHeight": 17,
    }
    spec["config"]["background"] = look.colour("card")
    spec["padding"] = 18
    if "height" in spec:
        spec["height"] += 30 + 17 * len(lines)
    return bytes(vl_convert.vegalite_to_png(spec, scale=_PIXELS))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width)


def _write(path: Path, content: bytes) -> None:
    """Replace the file at `path`, readable by everybody; its folders are created with the usual permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, mode=0o644) as file:
        file.write(content)
