"""The folder of a demo: it is recreated each time, but nothing that a demo did not create is ever deleted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from pipeline.errors import UnusableInputError
from pipeline.settings import read_settings
from warehouse.archive.atomic import UNFINISHED, atomic_write
from warehouse.archive.folder_mark import write_mark
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.parquet import COMPACTED, composition
from warehouse.archive.segments import Archive
from warehouse.errors import ArchiveError
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from datetime import datetime

    from warehouse.archive.parquet import Kind, Segment

#: The file in a demo's folder that names the run that created it.
MARKER: Final = ".avatar-tasks-demo"

_OWN: Final = ("archive", "published", "prefect", ".at-work", "reports/report.html", "ids.txt")

_OF_TASKS: Final[tuple[Kind, ...]] = ("requests", "observations")

_ELSEWHERE: Final = "Nothing was deleted: give the demo a folder of its own with --out DIR"


def make_folder(out: Path, run_id: str, now: datetime) -> None:
    """Create an empty folder for the demo of `run_id`; deletes what an earlier demo created, and nothing else.

    Raises:
        UnusableInputError: when it contains something that no demo created, or is the folder for real work.
    """
    try:
        if not (out / MARKER).exists():
            _check_free(out)
        _check_only_demo_data(out)
        _clear(out)
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(out / MARKER) as file:
            file.write(json.dumps({"run_id": run_id}).encode())
        write_mark(DataPaths(out.absolute()), "demo", now)
    except OSError as error:
        msg = f"cannot write to {out}: {error.strerror or error}. Choose another folder with --out DIR"
        raise UnusableInputError(msg) from error


def _check_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        msg = f"{out} contains files that no demo created. {_ELSEWHERE}"
        raise UnusableInputError(msg)
    if out.absolute().resolve() == _data_dir():
        msg = f"{out} is the folder for real work (AVATAR_TASKS_DATA_DIR). {_ELSEWHERE}"
        raise UnusableInputError(msg)


def _data_dir() -> Path | None:
    try:
        return read_settings().data_dir.absolute().resolve()
    except UnusableInputError:  # a demo needs no settings that can be used
        return None


def _check_only_demo_data(out: Path) -> None:
    """Check that every id and answer in the archive belongs to the run that the marker names, or to an earlier demo."""
    try:
        foreign = _foreign(out)
    except ArchiveError as error:
        msg = f"{error}. So it is unknown whether a demo created it. {_ELSEWHERE}"
        raise UnusableInputError(msg) from error
    if foreign is not None:
        msg = f"{out} was created by a demo and contains something that no demo created, e.g. {foreign}. {_ELSEWHERE}"
        raise UnusableInputError(msg)


def _foreign(out: Path) -> Path | None:
    """A file in the archive that no demo created; None if there is none."""
    store = Archive(LocalFolder(out / "archive"))
    runs = _demo_runs(out, store)
    segments: dict[Path, Segment] = {}
    for kind in _OF_TASKS:
        segments |= {Path(str(one.path)): one for one in (*store.segments(kind), *store.replaced(kind))}
    for path in sorted((out / "archive").rglob("*")):
        if (
            path.is_dir()
            or path.name.startswith((UNFINISHED, ".avatar-tasks"))
            or path.is_relative_to(out / "archive" / "runs")
        ):
            continue
        if path not in segments or not _is_of(segments[path], runs):
            return path
    return None


def _is_of(segment: Segment, runs: set[str]) -> bool:
    written = {name for name in composition(segment).replaced if COMPACTED not in name}
    names = written or {segment.segment_id}
    return all(any(f"-{run_id}-" in name for run_id in runs) for name in names)


def _demo_runs(out: Path, store: Archive) -> set[str]:
    marker = out / MARKER
    words = marker.read_text(encoding="utf-8") if marker.exists() else ""
    named = {str(json.loads(words)["run_id"])} if words else set()  # empty in older folders
    return named.union(*(_runs_in(one) for one in store.segments("runs")))


def _runs_in(segment: Segment) -> set[str]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(segment.path, columns=["run_id", "command"]).to_pylist()
    except (OSError, ValueError) as error:
        msg = f"segment {segment.path} cannot be read: {error}"
        raise ArchiveError(msg) from error
    return {row["run_id"] for row in rows if row["command"] == "demo"}


def _clear(out: Path) -> None:
    """Delete everything but the marker, so that the next demo can finish a deletion that was interrupted."""
    for place in [*(out / name for name in _OWN), *out.glob("warehouse.duckdb*")]:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
