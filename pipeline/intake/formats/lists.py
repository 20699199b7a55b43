"""Numbered lines of text, of bounded length, and the simplest file with ids: one per line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from pipeline.intake.formats.columns import is_header_word
from pipeline.intake.formats.values import NotAnId, Numbered, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Maximum characters of one line, field or JSON value; anything longer is never held in memory.
LONGEST: Final = 4_194_304

TOO_LONG: Final = f"is longer than {LONGEST:,} characters"


def numbered_lines(text: IO[str]) -> Iterator[tuple[int, str | None]]:
    """(number, line without its line break); None instead of a line that is longer than `LONGEST`."""
    number = 0
    while piece := text.readline(LONGEST):
        number += 1
        is_whole = len(piece) < LONGEST or piece.endswith("\n")
        yield number, piece.rstrip("\n") if is_whole else None
        while not is_whole:
            rest = text.readline(LONGEST)
            is_whole = len(rest) < LONGEST or rest.endswith("\n")


def first_line(head: str) -> str:
    """The first line that is neither blank nor a comment."""
    return next((line for line in head.split("\n") if has_content(line)), "")


def has_content(line: str) -> bool:
    return bool(text := clean(line)) and not text.startswith("#")


def read_list(text: IO[str], column: str | None) -> Iterator[Numbered]:
    """One id per line; blank lines, comments and a header are skipped."""
    is_first = True
    for number, line in numbered_lines(text):
        if line is None:
            yield number, NotAnId("", TOO_LONG)
        elif has_content(line):
            if not (is_first and (is_header_word(clean(line)) or clean(line) == column)):
                yield number, line
            is_first = False
