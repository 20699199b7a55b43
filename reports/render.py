"""The notebook without a browser: its figures as one HTML page, or as PNG files for mails and chats."""

from __future__ import annotations

import os
import tempfile
import textwrap
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import vl_convert

from reports import latency, words
from reports.cohort import open_cohort
from reports.look import Look
from reports.page import page

if TYPE_CHECKING:
    from datetime import datetime

    from reports.cohort import Cohort
    from reports.figure import Figure, Tile
    from warehouse.paths import DataPaths

_PIXELS: Final = 2.0
_PICTURE_WIDTH: Final = 760
#: Cells of the notebook that ask people; here nobody is asked.
_UNASKED: Final = ("known", "whole", "sources", "actions", "templates", "days")


@dataclass(frozen=True, slots=True)
class Report:
    """What the notebook's cells came to.

    Attributes:
        tiles: the headline numbers.
        in_short: the report in a few sentences.
        figures: in order.
        about: which tasks it is about, in words.
        facts: the row of the view `headline`.
        generated_at: UTC.
    """

    tiles: list[Tile]
    in_short: list[str]
    figures: list[Figure]
    about: str
    facts: dict[str, Any]
    generated_at: datetime


def run_notebook(paths: DataPaths, cohort: Cohort, generated_at: datetime) -> Report:
    """Run the notebook's cells on the newest published copy.

    Raises:
        ReportError, NothingPublishedError, WarehouseError: as `cohort.open_cohort`.
    """
    about = words.cohort(cohort)
    with closing(open_cohort(paths, cohort)) as db:
        given = {"data_dir": str(paths.root), "cohort": cohort, "db": db, "about": about}
        _, found = latency.app.run(defs=dict.fromkeys(_UNASKED) | given)
    return Report(found["headline_tiles"], found["in_short"], found["figures"], about, found["facts"], generated_at)


def write_html(report: Report, out: Path) -> Path:
    """One file with everything in it; whoever has the old one open keeps it.

    Raises:
        OSError: when it cannot be written.
    """
    _replace(out, page(report).encode())
    return out


def write_pngs(report: Report, folder: Path) -> list[Path]:
    """One picture per figure that is one, named by its place and key.

    Raises:
        OSError: when they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [figure for figure in report.figures if figure.draw]
    files = [folder / f"{number:02}-{figure.key}.png" for number, figure in enumerate(drawn, 1)]
    for path, figure in zip(files, drawn, strict=True):
        _replace(path, png(figure, report))
    return files


def png(figure: Figure, report: Report) -> bytes:
    """The figure as a picture that can stand alone: title, what it says, unit, cohort and number in it."""
    assert figure.draw  # noqa: S101 - of the caller's choosing
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


def _replace(path: Path, content: bytes) -> None:
    """Written beside it under another name, then renamed: it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
