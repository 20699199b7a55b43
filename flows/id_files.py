"""Ids from arguments, files and stdin, in pieces, each with the place it stands at; valid ones and others."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.errors import UnusableInputError
from gateway.ids import why_invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Ids taken in at a time.
PIECE_IDS: Final = 50_000

#: Rejected ids that are named one by one; the rest are only counted.
NAMED_REJECTIONS: Final = 1_000

_COLUMNS: Final = ("task_id", "id")

Numbered = tuple[int, str]


@dataclass(slots=True)
class Rejections:
    """Ids that are none: the first ones by name, all of them by number."""

    count: int = 0
    named: list[dict[str, Any]] = field(default_factory=list)

    def add(self, line: int, text: str, reason: str) -> None:
        self.count += 1
        if len(self.named) < NAMED_REJECTIONS:
            self.named.append({"id": text[:200], "line": line, "reason": reason})


@dataclass(frozen=True, slots=True)
class IdSource:
    """Where ids come from: given one by one, and a file (`-` is stdin), whose column `column` holds them."""

    ids: Sequence[str] = ()
    file: str | None = None
    column: str | None = None
    may_be_empty: bool = False

    @property
    def is_given(self) -> bool:
        return bool(self.ids) or self.file is not None

    def pieces(self, rejections: Rejections) -> Iterator[list[str]]:
        """Valid ids in lists of at most `PIECE_IDS`, in order, repetitions included; the others go to `rejections`.

        Raises:
            UnusableInputError: when the file cannot be read, has no such column, or holds nothing at all.
        """
        seen = 0
        numbered = itertools.chain(enumerate(self.ids, start=1), self._from_file())
        while piece := list(itertools.islice(numbered, PIECE_IDS)):
            seen += len(piece)
            valid = []
            for line, text in piece:
                reason = why_invalid(text)
                if reason is None:
                    valid.append(text)
                else:
                    rejections.add(line, text, reason)
            if valid:
                yield valid
        if not seen and not self.may_be_empty:
            msg = f"there are no ids in {self._name}: put one on each line, or give them as arguments"
            raise UnusableInputError(msg)

    @property
    def _name(self) -> str:
        return "stdin" if self.file == "-" else str(self.file or "the arguments")

    def _from_file(self) -> Iterator[Numbered]:
        if self.file is None:
            return
        kind = Path(self.file).suffix.lower()
        try:
            if self.file == "-":
                yield from _read_lines(sys.stdin, self.column)
            elif kind == ".parquet":
                yield from _read_parquet(Path(self.file), self.column)
            else:
                with Path(self.file).open(encoding="utf-8-sig", errors="replace", newline="") as stream:
                    yield from _TEXT_READERS.get(kind, _read_lines)(stream, self.column)
        except OSError as error:
            known = "Give a .txt, .csv, .ndjson or .parquet file, or - for stdin"
            msg = f"cannot read {self.file}: {error.strerror or error}. {known}"
            raise UnusableInputError(msg) from error


def _read_lines(stream: Iterable[str], _column: str | None) -> Iterator[Numbered]:
    """One id per line; blank lines and lines that begin with # are passed over."""
    for number, line in enumerate(stream, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text


def _read_csv(stream: Iterable[str], column: str | None) -> Iterator[Numbered]:
    rows = csv.reader(stream)
    header = [name.strip() for name in next(rows, [])]
    if not header:
        return
    position = header.index(pick_column(header, column))
    for row in rows:
        if row and any(cell.strip() for cell in row):
            yield rows.line_num, row[position].strip() if position < len(row) else ""


def _read_ndjson(stream: Iterable[str], column: str | None) -> Iterator[Numbered]:
    """One JSON value per line: a string, or an object with the id in `column`."""
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = line.strip()
        if isinstance(value, dict):
            value = value.get(column or next((name for name in _COLUMNS if name in value), ""))
            value = "" if value is None else value
        yield number, value if isinstance(value, str) else json.dumps(value)


def _read_parquet(path: Path, column: str | None) -> Iterator[Numbered]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            name = pick_column(file.schema_arrow.names, column)
            numbers = itertools.count(1)
            for batch in file.iter_batches(batch_size=PIECE_IDS, columns=[name]):
                for value in batch.column(0).to_pylist():
                    yield next(numbers), "" if value is None else str(value).strip()
    except pa.ArrowInvalid as error:
        msg = f"cannot read {path}: it is no Parquet file"
        raise UnusableInputError(msg) from error


def pick_column(columns: list[str], wanted: str | None) -> str:
    """The column that holds the ids: the one named, else task_id or id, else the only one there is."""
    if wanted is None:
        wanted = next((name for name in _COLUMNS if name in columns), columns[0] if len(columns) == 1 else None)
    if wanted in columns:
        return str(wanted)
    missing = f"there is no column {wanted!r}" if wanted else "no column is called task_id or id"
    msg = f"{missing}; columns are {', '.join(columns[:20])}. Name the one with the ids: --ids-column NAME"
    raise UnusableInputError(msg)


_TEXT_READERS: Final = {".csv": _read_csv, ".ndjson": _read_ndjson, ".jsonl": _read_ndjson}
