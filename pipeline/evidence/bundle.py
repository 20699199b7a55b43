"""Write a bundle: a page, `tasks.csv`, `answers.csv`, and the archived answers."""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.secrets.redact import REDACTIONS, redact
from pipeline.errors import UnusableInputError
from pipeline.evidence.answers import bodies
from pipeline.evidence.selection import selected
from pipeline.evidence.sheets import sheet
from reports.words import plural
from warehouse.archive.atomic import atomic_write
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader, warehouse_of
from warehouse.database.schema import statement

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    import polars as pl

    from pipeline.evidence.selection import Selection
    from warehouse.archive.parquet import Damaged
    from warehouse.paths import DataPaths

#: Columns with free text, which may contain a URL with a signature, or a webhook.
_FREE_TEXTS: Final = ("reason", "result_url", "error", "message")

#: How many tasks the page lists; all are in tasks.csv.
LISTED: Final = 500

_TEMPLATE: Final = "page.html.jinja"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written."""

    file: Path
    tasks: int
    answers: int
    bodies: int
    bodies_missing: int
    is_redacted: bool
    damaged: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        names = ("tasks", "answers", "bodies", "bodies_missing", "is_redacted")
        return {"file": str(self.file), **{name: getattr(self, name) for name in names}, "damaged": list(self.damaged)}

    def as_lines(self) -> list[str]:
        how = "redacted: no webhooks, no signatures of URLs" if self.is_redacted else "NOT redacted: do not publish it"
        what = [plural(self.tasks, "task"), plural(self.answers, "poll"), f"different bodies: {self.bodies:,}"]
        lines = [f"wrote {self.file}: {', '.join(what)}"]
        if self.bodies_missing:
            lines.append(f"no longer in the archive: {self.bodies_missing:,} bodies")
        return [*lines, *self.damaged, how]


@dataclass(slots=True)
class _Content:
    """The selected tasks and their answers, from the published copy."""

    tasks: pl.DataFrame
    answers: pl.DataFrame


def write_bundle(
    paths: DataPaths, selection: Selection, out: Path, now: datetime, *, is_redacted: bool = True
) -> Bundle:
    """Write the bundle about the selected tasks to the zip file `out`, atomically.

    Args:
        paths: the data directory.
        selection: which tasks.
        out: the file.
        now: the time shown on the page.
        is_redacted: whether webhooks and the signatures of URLs are removed, as the setting `REDACT` does.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when no task can be selected, the file cannot be written, or Jinja2 is not installed.
    """
    if not importlib.util.find_spec("jinja2"):
        msg = "evidence needs jinja2: run `make setup` in the project's folder"
        raise UnusableInputError(msg)
    content = _read(paths, selection)
    try:
        with atomic_write(out.resolve()) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            return _fill(archive, Archive(paths.storage), content, selection, out, now, is_redacted)
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror or error}. Choose another place with --out"
        raise UnusableInputError(msg) from error


def _read(paths: DataPaths, selection: Selection) -> _Content:
    with reader(paths) as con:
        warehouse_of(paths).restrict(con, [], selection.query)
        chosen = selected(con, selection)
        keys = {"sources": chosen["source"].to_list(), "task_ids": chosen["task_id"].to_list()}
        return _Content(_rows(con, "queries/evidence_tasks", keys), _rows(con, "queries/evidence_answers", keys))


def _rows(con: duckdb.DuckDBPyConnection, query: str, keys: dict[str, list[str]]) -> pl.DataFrame:
    return con.execute(statement(query), keys).pl()


def _fill(
    archive: zipfile.ZipFile,
    store: Archive,
    content: _Content,
    selection: Selection,
    out: Path,
    now: datetime,
    is_redacted: bool,  # noqa: FBT001 - one caller
) -> Bundle:
    names = REDACTIONS if is_redacted else frozenset[str]()
    damaged: list[Damaged] = []
    files: dict[str, tuple[str, str]] = {}
    for found, is_json, body in bodies(store, content.answers, damaged):
        shown = redact(body, names)
        files[found] = f"answers/{found}.{'json' if is_json else 'txt'}", sha256(shown).hexdigest()
        _add(archive, files[found][0], shown, now)
    tasks = [_free(row, names) for row in content.tasks.to_dicts()]
    answers = [_with_file(_free(row, names), files) for row in content.answers.drop("segment_id", "run_id").to_dicts()]
    wanted = {row["body_hash"] for row in answers} - {""}
    bundle = Bundle(
        out,
        len(tasks),
        len(answers),
        len(files),
        len(wanted - files.keys()),
        is_redacted,
        tuple(one.error for one in damaged),
    )
    _add(archive, "tasks.csv", sheet(content.tasks.columns, tasks), now)
    _add(archive, "answers.csv", sheet([*content.answers.drop("segment_id", "run_id").columns, *_FILE], answers), now)
    _add(archive, "index.html", _page(bundle, selection, tasks, answers, now).encode("utf-8", "replace"), now)
    return bundle


_FILE: Final = ("file", "file_sha256")


def _with_file(row: dict[str, Any], files: dict[str, tuple[str, str]]) -> dict[str, Any]:
    name, checksum = files.get(row["body_hash"], (None, None))
    return row | {"file": name, "file_sha256": checksum}


def _free(row: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The row with its free texts redacted in the same way as a body."""
    texts = {name: row[name] for name in _FREE_TEXTS if row.get(name)}
    return row | {
        name: redact(text.encode("utf-8", "surrogatepass"), names).decode("utf-8", "replace")
        for name, text in texts.items()
    }


def _add(archive: zipfile.ZipFile, name: str, content: bytes, now: datetime) -> None:
    info = zipfile.ZipInfo(name, max(now.astimezone(UTC).timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    archive.writestr(info, content)


def _page(
    bundle: Bundle, selection: Selection, tasks: list[dict[str, Any]], answers: list[dict[str, Any]], now: datetime
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    of_task: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for answer in answers:
        of_task.setdefault((answer["source"], answer["task_id"]), []).append(answer)
    return environment.get_template(_TEMPLATE).render(
        bundle=bundle, selection=selection, tasks=tasks[:LISTED], of_task=of_task, now=now, time=_time, plural=plural
    )


def _time(moment: datetime | None, clock: str = "") -> str:
    """A time for the page, with the clock that it was read from."""
    if moment is None:
        return "not known"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" + (f" ({clock})" if clock else "")
