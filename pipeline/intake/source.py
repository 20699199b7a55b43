"""Ids from arguments and a file, in pieces: valid ones, and rejected ones with the place where they were found."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import UnusableInputError
from pipeline.intake.formats import arrow_values, json_values, lists, tables
from pipeline.intake.formats.values import judge
from pipeline.intake.opening import Parquet, opened
from pipeline.intake.refused import RefusedError
from pipeline.intake.rejections import masked, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.intake.formats.values import Numbered
    from pipeline.intake.opening import Text
    from pipeline.intake.rejections import Rejections

#: Values read at a time.
PIECE_IDS: Final = 50_000

#: (name of the file, or None for arguments; number of the line; value).
Placed = tuple[str | None, int, object]


@dataclass(frozen=True, slots=True)
class IdSource:
    """Where ids come from.

    Attributes:
        ids: given one by one.
        file: a file with ids, `-` for stdin.
        column: the column or key that holds them; if not given, the one called task_id or id.
        may_be_empty: whether a file without ids is accepted.
        follow_links: whether the file may be a symbolic link.
    """

    ids: Sequence[str] = ()
    file: str | None = None
    column: str | None = None
    may_be_empty: bool = False
    follow_links: bool = True

    @property
    def is_given(self) -> bool:
        return bool(self.ids) or self.file is not None

    @property
    def can_be_read_again(self) -> bool:
        """Whether ids were given as arguments or in a file that is neither stdin nor another pipe."""
        if self.file is None:
            return bool(self.ids)
        return self.file != "-" and not Path(self.file).is_fifo()

    def pieces(self, rejections: Rejections) -> Iterator[list[str]]:
        """Yields lists of at most `PIECE_IDS` valid ids, in order, with duplicates; the others go to `rejections`.

        Raises:
            UnusableInputError: when the file cannot be read, or not to its end; when it has no such column; or when it
                contains nothing, or not one valid id.
        """
        name = "stdin" if self.file == "-" else "the arguments" if self.file is None else shown_path(self.file)
        given: Iterable[Placed] = ((None, number, text) for number, text in enumerate(self.ids, start=1))
        values = itertools.chain(given, self._of_file(name)) if self.file is not None else iter(given)
        return valid_pieces(values, name, rejections, may_be_empty=self.may_be_empty)

    def _of_file(self, name: str) -> Iterator[Placed]:
        with opened(str(self.file), follow_links=self.follow_links) as file:
            for line, value in _values(file, self.column):
                yield name, line, value


def shown_id(text: str) -> str:
    """An id given as an argument, in a form that may be shown: in full if it is valid, otherwise masked."""
    return text if judge(text)[1] is None else masked(text)


def valid_pieces(
    values: Iterator[Placed], name: str, rejections: Rejections, *, may_be_empty: bool = False
) -> Iterator[list[str]]:
    """Yields the valid ids among `values` in lists; see `IdSource.pieces`.

    Raises:
        UnusableInputError: as `IdSource.pieces`; `name` is what the message calls the file or query.
    """
    seen = taken = 0
    first_rejected = ""
    while piece := _next_piece(values, name, taken, rejections):
        valid = []
        for file, line, value in piece:
            text, reason = judge(value)
            if rejections.holds_secret(text):
                reason = "holds the gateway's key"
            if reason is None:
                valid.append(text)
            else:
                rejections.add(file, line, text, reason)
                first_rejected = first_rejected or f"in line {line}, is {masked(text)!r}: {reason}"
        seen += len(piece)
        taken += len(valid)
        if valid:
            yield valid
    if not seen and not may_be_empty:
        raise UnusableInputError(f"there are no ids in {name}: put one on each line, or give them as arguments")
    if seen and not taken:
        words = f"none of the {seen:,} ids is valid; the first, {rejections.without_secrets(first_rejected)}"
        raise UnusableInputError(f"{name}: {words}")


def _next_piece(values: Iterator[Placed], name: str, taken: int, rejections: Rejections) -> list[Placed]:
    before = f" ({taken:,} ids before that were accepted)" if taken else ""
    try:
        with _one_sentence():
            return list(itertools.islice(values, PIECE_IDS))
    except RefusedError as error:
        raise UnusableInputError(f"{name}: {rejections.without_secrets(str(error))}{before}") from error


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn any error while a file is read into one sentence that quotes nothing from the file.

    Raises:
        RefusedError: with the sentence.
    """
    try:
        yield
    except RefusedError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RefusedError("its gzip is damaged or cut short") from error
    except OSError as error:
        raise RefusedError(f"cannot be read: {error.strerror or 'the system gave no reason'}") from error
    except Exception as error:
        raise RefusedError(f"cannot be read ({type(error).__name__})") from error


def _values(file: Text | Parquet, column: str | None) -> Iterator[Numbered]:
    """The values of a file, from the reader for its format."""
    if isinstance(file, Parquet):
        return arrow_values.read_parquet(file.file, column)
    if json_values.is_json(file.head):
        read = json_values.read_json_lines if json_values.is_by_line(file.head, file.suffix) else json_values.read_json
        return read(file.text, column)
    if file.suffix in json_values.SUFFIXES:
        return json_values.read_json_lines(file.text, column)
    if file.suffix in tables.SUFFIXES or tables.is_table(file.head, column):
        return tables.read_table(file.text, column, file.suffix)
    if json_values.is_json_string(file.head):
        return json_values.read_json_lines(file.text, column)
    return lists.read_list(file.text, column)
