"""JSON with ids: one value per line, an array, objects over several lines, or several of these in one file."""

from __future__ import annotations

import json
import re
from typing import IO, TYPE_CHECKING, Any, Final

from pipeline.intake.formats.columns import is_header_word, known_column, no_such_column
from pipeline.intake.formats.lists import LONGEST, TOO_LONG, first_line, numbered_lines
from pipeline.intake.formats.values import NotAnId, Numbered, clean
from pipeline.intake.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: File name suffixes that mean JSON, whatever the content begins with.
SUFFIXES: Final = (".ndjson", ".jsonl", ".json")

#: What only JSON begins with, and no other kind of file with ids.
_BEGINNING: Final = re.compile(r'\s*(\{\s*["}]|\[\s*(["{\[\]\d-]|null|true|false))')

_STRING: Final = re.compile(r'"[^",;\t|]*"')

#: What the first line of a value over several lines ends with.
_OPEN: Final = ("{", "[", ",", ":")

_PIECE: Final = 65_536
_SPACE: Final = re.compile(r"[\s\ufeff]*")
_SPACE_OR_COMMA: Final = re.compile(r"[\s\ufeff]*(,?)[\s\ufeff]*")
_NO_JSON: Final = "is not valid JSON"
_DEEPEST_NAMED: Final = 3

_decoder = json.JSONDecoder()


def is_json(head: str) -> bool:
    """Whether a text, of which only the beginning is known, is JSON."""
    return bool(_BEGINNING.match(head))


def is_json_string(head: str) -> bool:
    """Whether the first line of a text is a single string in quotes."""
    return bool(_STRING.fullmatch(first_line(head).strip()))


def is_by_line(head: str, suffix: str) -> bool:
    """Whether each line is a separate value, so that a broken line does not affect the others."""
    line = first_line(head).strip()
    if line.startswith("["):
        return False
    return _decode(line) is not _BROKEN or suffix in {".ndjson", ".jsonl"} or not line.endswith(_OPEN)


def read_json_lines(text: IO[str], column: str | None) -> Iterator[Numbered]:
    """The ids of text with one JSON value per line; a line that is not JSON is taken as an id itself."""
    is_first = True
    for number, line in numbered_lines(text):
        if line is None:
            yield number, NotAnId("", TOO_LONG)
        elif stripped := clean(line):
            value = _decode(stripped)
            if value is _BROKEN:
                value = NotAnId(stripped, _NO_JSON) if stripped[0] in '{["' else stripped
            if not (is_first and isinstance(value, str) and is_header_word(value)):
                yield from ((number, one) for one in ids_in(value, column))
            is_first = False


def read_json(text: IO[str], column: str | None) -> Iterator[Numbered]:
    """The ids of JSON with any line breaks; an array is never in memory as a whole.

    Raises:
        RefusedError: when the text is not valid JSON, or an element is too large.
    """
    source = _Source(text)
    while source.skip(_SPACE):
        if source.take("["):
            yield from ((line, one) for line, value in _elements(source) for one in ids_in(value, column))
        else:
            line = source.line
            yield from ((line, one) for one in ids_in(source.value(), column))
        source.skip(_SPACE_OR_COMMA)


def ids_in(value: object, column: str | None) -> Iterator[object]:
    """The ids in one value: the value itself, the value of an object's key, or each element of a list."""
    if isinstance(value, dict):
        yield from _of_object(value, column)
    elif isinstance(value, list):
        for one in value:
            yield from ids_in(one, column) if isinstance(one, dict) else (one,)
    else:
        yield value


def _of_object(value: dict[str, Any], column: str | None) -> Iterator[object]:
    try:
        path = _path(value, column)
    except RefusedError as error:
        yield NotAnId("{…}", str(error))
        return
    if path is None:
        yield NotAnId("{…}", no_such_column(_names(value), column, "key"))
    else:
        yield from _at(value, path)


def _path(value: dict[str, Any], column: str | None) -> list[str] | None:
    """The path of keys to the ids: one key, or several if given as `a.b`; None if there is no such key."""
    if column is None:
        position = known_column(tuple(value)) if "task_id" not in value else None
        return ["task_id"] if "task_id" in value else None if position is None else [list(value)[position]]
    if column in value:
        return [column]
    first, _, rest = column.partition(".")
    return [first, *rest.split(".")] if rest and first in value else None


def _at(value: object, path: list[str]) -> Iterator[object]:
    """The values at the end of a path; a list on the way is followed into each element."""
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
    else:
        yield NotAnId("", f"has nothing at {path[0]!r}, which --ids-column names")


def _names(value: dict[str, Any], depth: int = 1) -> Iterator[str]:
    """The keys of an object; keys of objects in it are named `a.b`."""
    for name, inner in value.items():
        one = inner[0] if isinstance(inner, list) and inner else inner
        if isinstance(one, dict) and one and depth < _DEEPEST_NAMED:
            yield from (f"{name}.{rest}" for rest in _names(one, depth + 1))
        else:
            yield name


_BROKEN: Final = NotAnId("", _NO_JSON)


def _decode(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN


def _elements(source: _Source) -> Iterator[tuple[int, object]]:
    """(line, element) of an array whose opening bracket has been read."""
    source.skip(_SPACE)
    if source.take("]"):
        return
    while True:
        source.skip(_SPACE)
        yield source.line, source.value()
        source.skip(_SPACE)
        if source.take("]"):
            return
        if not source.take(","):
            raise RefusedError(source.broken)


class _Source:
    """Reads JSON text of any length, with no more in memory than one value needs."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._is_whole = False
        self.line = 1

    @property
    def broken(self) -> str:
        return f"{_NO_JSON} from line {self.line} on" + (", where it ends too early" if self._is_whole else "")

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Skip what `pattern` matches; returns whether any text is left."""
        while True:
            found = pattern.match(self._buffer, self._at)
            self._move_to(found.end() if found else self._at)
            if self._at < len(self._buffer) or not self._read():
                return self._at < len(self._buffer)

    def take(self, character: str) -> bool:
        """Skip `character` if it is next; returns whether it was."""
        is_next = self._buffer.startswith(character, self._at)
        self._at += is_next
        return is_next

    def value(self) -> object:
        """The value that begins here."""
        size = _PIECE
        while True:
            try:
                value, end = _decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise RefusedError(f"is nested too deeply in line {self.line}") from None
            except ValueError:
                end = None
            # A number may continue in the next piece, and a value that is cut off is not valid JSON yet.
            if end is not None and (end < len(self._buffer) or self._is_whole):
                self._move_to(end)
                return value
            room = LONGEST + 1 - (len(self._buffer) - self._at)
            if room <= 0:
                raise RefusedError(f"has a value in line {self.line} that {TOO_LONG}")
            if not self._read(min(size, room)) and end is None:
                raise RefusedError(self.broken)
            size *= 2

    def _move_to(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _read(self, size: int = _PIECE) -> bool:
        piece = self._text.read(size)
        self._is_whole = not piece
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)
