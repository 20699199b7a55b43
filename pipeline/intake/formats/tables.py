"""CSV with any usual delimiter: Python's csv module reads it; this module finds the delimiter and the column of ids."""

from __future__ import annotations

import csv
import itertools
import re
from typing import IO, TYPE_CHECKING, Final

from pipeline.intake.formats.columns import known_column, looks_like_id, no_such_column, pick_column
from pipeline.intake.formats.lists import LONGEST, TOO_LONG, first_line, has_content, numbered_lines
from pipeline.intake.formats.values import NotAnId, Numbered, clean
from pipeline.intake.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: File name suffixes that mean a table, whatever the content begins with, and the default delimiter of each.
SUFFIXES: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}

_DELIMITERS: Final = ",;\t|"

#: The line in which spreadsheets write the delimiter.
_SEP: Final = re.compile(r'"?sep=([,;\t|:^~ ])"?\s*', re.IGNORECASE)

#: Added as a last row: if it is found inside a field, a quote was never closed.
_END: Final = "\0end of file\0"

csv.field_size_limit(LONGEST)  # the default limit, 131,072, is too small for a prompt or a result


def is_table(head: str, column: str | None) -> bool:
    """Whether a text is a table: its first line names the column of ids among others, or is `sep=…`."""
    line = first_line(head)
    if _SEP.fullmatch(line):
        return True
    return any(len(cells := _cells(line, one)) > 1 and _has_ids(cells, column) for one in _DELIMITERS)


def read_table(text: IO[str], column: str | None, suffix: str) -> Iterator[Numbered]:
    """The ids in one column of CSV, with their line numbers.

    Raises:
        RefusedError: when no column holds ids, or some line is not valid CSV.
    """
    lines = _Lines(text)
    first = lines.next_with_content()
    delimiter = SUFFIXES.get(suffix, ",")
    if found := _SEP.fullmatch(first):
        delimiter, first = found[1], lines.next_with_content()
    elif first:
        delimiter = _delimiter(first, column, delimiter)
    if not first:
        return
    rows = _rows(csv.reader(itertools.chain([f"{first}\n"], lines), delimiter=delimiter, skipinitialspace=True), lines)
    number, _, header = next(rows)
    header = _without_empty_end([clean(cell) for cell in header])
    position, is_data = _column(header, column)
    if is_data:
        yield number, header[position]
    for number, last, row in rows:
        if any(map(clean, row)):
            yield number, _id_of(row, position, len(header), number, last)


class _Lines:
    """The lines of a text for a csv reader, and the number of the last line that it read."""

    def __init__(self, text: IO[str]) -> None:
        self._lines = numbered_lines(text)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.number = number
            if line is None:
                raise RefusedError(f"line {number} {TOO_LONG}")
            yield f"{line}\n"
        yield _END

    def next_with_content(self) -> str:
        return next((line.rstrip("\n") for line in self if line != _END and has_content(line)), "")


def _rows(reader: Iterator[list[str]], lines: _Lines) -> Iterator[tuple[int, int, list[str]]]:
    """(first line, last line, cells) of each row."""
    start = lines.number
    try:
        for row in reader:
            if any(_END in cell for cell in row):
                if row == [_END]:
                    return
                raise RefusedError(f"a quote that is opened in line {start} is never closed")
            yield start, lines.number, row
            start = lines.number + 1
    except csv.Error as error:
        raise RefusedError(f"is not valid CSV from line {start} on: {error}") from error


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [clean(cell) for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]
    except csv.Error:
        return []


def _has_ids(cells: list[str], column: str | None) -> bool:
    try:
        return column in cells if column is not None else known_column(tuple(cells)) is not None
    except RefusedError:
        return True


def _delimiter(first: str, column: str | None, default: str) -> str:
    """The delimiter with which the column's name becomes a cell, or else the most frequent one in the line."""
    fitting = (one for one in _DELIMITERS if len(cells := _cells(first, one)) > 1 and _has_ids(cells, column))
    return next(fitting, max(_DELIMITERS, key=first.count) if any(map(first.count, _DELIMITERS)) else default)


def _without_empty_end(cells: list[str]) -> list[str]:
    while len(cells) > 1 and not cells[-1]:
        cells = cells[:-1]
    return cells


def _column(header: list[str], column: str | None) -> tuple[int, bool]:
    """The position of the ids, and whether the first row is data and not a header."""
    if column is None and known_column(tuple(header)) is None:
        if len(header) == 1 and looks_like_id(header[0]):
            return 0, True
        raise RefusedError(f"{no_such_column(header, None)}. If the first line is not a header, add one before it")
    return pick_column(header, column), False


def _id_of(row: list[str], position: int, columns: int, number: int, last: int) -> object:
    cell = clean(row[position]) if position < len(row) else ""
    if "\n" in cell:
        return NotAnId(cell, f"spans lines {number} to {last}: a quote in line {number} is not closed")
    fields = len(_without_empty_end(row))
    if position and fields > columns:
        return NotAnId(cell, f"is in a line with {fields} fields, but the first line has {columns}")
    return cell
