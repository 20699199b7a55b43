"""Ids that come automatically: from an inbox folder, or from exports or the database of the product with the tasks.

Of an export or a query only ids that were not accepted before are taken, so that both may always contain all ids.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.ids import looks_like_key
from pipeline.errors import UnusableInputError
from pipeline.intake.folders import find_files
from pipeline.intake.formats.arrow_values import read_query
from pipeline.intake.refused import RefusedError
from pipeline.intake.rejections import masked, shown_path
from pipeline.intake.source import IdSource, valid_pieces
from warehouse.database.schema import statement
from warehouse.database.scratch import QueryError, query_in_memory
from warehouse.ducklake.lake import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

    from pipeline.intake.rejections import Rejections
    from pipeline.intake.source import Placed

#: What messages call the SQL of ids_from, which they do not repeat because it may contain a password.
_QUERY: Final = "the query of ids_from"

_QUOTED: Final = re.compile(r"""'([^']*)('|$)|"([^"]*)("|$)""")
_LONGEST_NAME: Final = 200
_LONG_WORD: Final = 12


@dataclass(frozen=True, slots=True)
class Feeds:
    """The places where ids come from automatically.

    Attributes:
        inbox: a folder for files with ids.
        ids_from: a folder of exports, one such file, or SQL for DuckDB.
        column: the column that holds them; if not given, the one called task_id or id.
    """

    inbox: str | None = None
    ids_from: str | None = None
    column: str | None = None


def feed_pieces(feeds: Feeds, rejections: Rejections, warn: Callable[[str], None]) -> Iterator[list[str]]:
    """Yields lists of valid ids of `feeds.ids_from`; the others go to `rejections`.

    A file in the folder that cannot be read causes a warning, and the others are read.

    Raises:
        UnusableInputError: when `ids_from` is neither a folder, nor a file with ids, nor valid SQL, or has no such
            column.
    """
    wanted = feeds.ids_from or ""
    if os.path.isdir(wanted):  # noqa: PTH112 - Path.is_dir raises for SQL that is too long for a name
        yield from _of_folder(Path(wanted), feeds.column, rejections, warn)
    elif os.path.lexists(wanted):
        yield from IdSource(file=wanted, column=feeds.column, may_be_empty=True).pieces(rejections)
    else:
        yield from valid_pieces(_of_query(wanted, feeds.column), _QUERY, rejections, may_be_empty=True)


def not_accepted_yet(con: duckdb.DuckDBPyConnection, source: str, ids: list[str]) -> list[str]:
    """The distinct ids of `ids` that have not been accepted for `source`, according to the warehouse of `con`."""
    rows = con.execute(statement("queries/not_accepted"), {"ids": ids, "source": source}).fetchall()
    return [task_id for (task_id,) in rows]


def _of_folder(
    folder: Path, column: str | None, rejections: Rejections, warn: Callable[[str], None]
) -> Iterator[list[str]]:
    try:
        found = find_files(folder)
    except OSError as error:
        raise UnusableInputError(f"cannot list {shown_path(folder)}: {error.strerror or error}") from error
    if words := found.warning(folder):
        warn(words)
    for file in found.files:
        try:
            yield from IdSource(file=str(file), column=column, may_be_empty=True).pieces(rejections)
        except UnusableInputError as error:
            warn(f"{error}. The other files are read")


def _of_query(query: str, column: str | None) -> Iterator[Placed]:
    try:
        with query_in_memory(query) as rows:
            for number, value in read_query(rows.schema, rows.batches(), column):
                yield _QUERY, number, value
    except QueryError as error:
        why = _own_words(str(error), query)
        if not any(map(str.isspace, query.strip())):
            why = f"there is no folder or file {shown_path(query[:_LONGEST_NAME])!r}, and as SQL: {why}"
        raise RefusedError(f"DuckDB cannot run it: {why}" if why else "DuckDB cannot run it") from error


def _own_words(message: str, query: str) -> str:
    """DuckDB's error message without what it quotes from files, and without passwords."""

    def shown(found: re.Match[str]) -> str:
        text = found[1] or found[3] or ""
        return found[0] if text in query else f"{found[0][:1]}{masked(text)}{found[0][:1]}"

    words = _QUOTED.sub(shown, without_password(message)).split()
    return " ".join(masked(word) if word not in query and _may_be_secret(word) else word for word in words)


def _may_be_secret(word: str) -> bool:
    return looks_like_key(word) or (len(word) >= _LONG_WORD and any(map(str.isdigit, word)))
