"""Ids that nobody types: an inbox folder, and the exports or the database of the product that makes the tasks.

A file in the inbox is moved to its `done/` once its ids are durable, or to `unusable/` when it cannot be read. Of an
export or a query only ids that were not accepted before are taken, so that either may hold everything there ever was.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.errors import UnusableInputError
from flows.id_files import PIECE_IDS, IdSource, Rejections, pick_column
from gateway.ids import why_invalid
from warehouse.catalog import statement
from warehouse.connection import QueryError, query_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

#: What is taken from the inbox and from a folder of exports.
ENDINGS: Final = (".txt", ".csv", ".ndjson", ".jsonl", ".parquet")

#: A file is taken from the inbox once it has not changed for so long: somebody may still be writing it.
QUIET_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Feeds:
    """Where ids come from by themselves.

    Attributes:
        inbox: a folder for files with ids.
        ids_from: a folder of exports, one such file, or SQL for DuckDB.
        column: the column that holds them; task_id or id if not given.
    """

    inbox: str | None = None
    ids_from: str | None = None
    column: str | None = None


NO_FEEDS: Final = Feeds()


def inbox_files(inbox: str, now: float) -> list[Path]:
    """The files that lie in the inbox and are complete, by name; the folder is made if it is not there.

    Raises:
        UnusableInputError: when it is no folder that can be used.
    """
    folder = Path(inbox)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [path for path in _id_files(folder) if now - path.stat().st_mtime >= QUIET_SECONDS]
    except OSError as error:
        msg = f"cannot use the inbox {inbox}: {error.strerror or error}"
        raise UnusableInputError(msg) from error


def move_on(file: Path, to: str) -> Path:
    """Move a file of the inbox to its folder `to`, under a name that is free there; returns where it is now.

    Another run may have moved it already.
    """
    folder = file.parent / to
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    if target.exists():
        target = folder / f"{file.stem}-{time.time_ns()}{file.suffix}"
    with contextlib.suppress(FileNotFoundError):
        file.rename(target)
    return target


def feed_pieces(feeds: Feeds, rejections: Rejections) -> Iterator[list[str]]:
    """Valid ids of `feeds.ids_from` in lists; the others go to `rejections`.

    Raises:
        UnusableInputError: when it is neither a folder, nor a file, nor SQL that DuckDB takes, or has no such column.
    """
    wanted = feeds.ids_from or ""
    if Path(wanted).is_dir():
        files = _id_files(Path(wanted))
    elif Path(wanted).is_file() and Path(wanted).suffix.lower() in ENDINGS:
        files = [Path(wanted)]
    else:
        yield from _from_query(wanted, feeds.column, rejections)
        return
    for file in files:
        yield from IdSource(file=str(file), column=feeds.column, may_be_empty=True).pieces(rejections)


def not_accepted_yet(con: duckdb.DuckDBPyConnection, source: str, ids: list[str]) -> list[str]:
    """Those of `ids` that the warehouse behind `con` has not accepted for `source`, each once."""
    rows = con.execute(statement("queries/not_accepted"), {"ids": ids, "source": source}).fetchall()
    return [task_id for (task_id,) in rows]


def _id_files(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))
    return sorted(path for path in files if path.is_file())


def _from_query(wanted: str, column: str | None, rejections: Rejections) -> Iterator[list[str]]:
    try:
        with query_in_memory(wanted) as rows:
            names = rows.columns
            position = names.index(pick_column(names, column))
            number = 0
            while batch := rows.fetchmany(PIECE_IDS):
                valid = []
                for row in batch:
                    number += 1
                    text = "" if row[position] is None else str(row[position]).strip()
                    if reason := why_invalid(text):
                        rejections.add(number, text, reason)
                    else:
                        valid.append(text)
                yield valid
    except QueryError as error:
        msg = f"ids_from is {wanted[:200]!r}: no folder, no file with ids, and no SQL that DuckDB can run: {error}"
        raise UnusableInputError(msg) from error
