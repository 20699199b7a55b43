"""Files with ids that nobody wrote on purpose: those of people, mutated, of which it is known what has to come out."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

#: The gateway's key, and one of somebody else's: neither may be in anything that is written.
OWN_KEY: Final = "sk-0wnKeyOfTheGateway0123456789"
OTHER_KEY: Final = "sk-AnotherSecretKey9876543210abcd"

SUFFIXES: Final = (
    ".txt",
    ".csv",
    ".tsv",
    ".ndjson",
    ".jsonl",
    ".json",
    ".parquet",
    "",
    ".gz",
    ".csv.gz",
    ".md",
    ".xlsx",
)
ENCODINGS: Final = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030")
NAMES: Final = ("task_id", "taskId", "TASK_ID", "Task ID", "id", "ID", "task-id")
TOKENS: Final = (
    *(b'"', b"'", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r", b"\r\n", b",", b";", b"\t", b"|", b"="),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b"\\",
        b"\\ud800",
        b"null",
        b"NaN",
        b"1e999",
        b"9" * 5000,
        b"#",
        b"sep=",
        b"task_id",
    ),
    *(b"id,id\n", b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"[" * 3000, b'{"a":' * 3000),
    *(b"x" * 5000, b"API_KEY=", OTHER_KEY.encode(), OWN_KEY.encode()),
    *(f"\nAPI_KEY={OWN_KEY}\n".encode(), f'"{OTHER_KEY}"'.encode()),
)


@dataclass(frozen=True)
class OddFile:
    """A file and what is known of it.

    Attributes:
        name: its name.
        content: its bytes.
        ids: the ids in it, before it was changed.
        intact: whether it was not.
        lines: whether it has one plain id on each line, in UTF-8, so that what was not changed can be told by looking.
    """

    name: str
    content: bytes
    ids: list[str]
    intact: bool
    lines: bool

    def ids_left(self) -> set[str]:
        """Ids that stand as ever on a line of their own."""
        text = self.content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        return set(self.ids) & set(text.split("\n")) if self.lines else set()


def odd_file(rng: Random) -> OddFile:
    """A file of one of the usual kinds, in most cases with a few changes."""
    if rng.random() < 0.03:
        return OddFile(f"f{rng.choice(SUFFIXES)}", rng.randbytes(rng.randrange(3000)), [], intact=False, lines=False)
    ids = [_an_id(rng) for _ in range(rng.randrange(1, 12))]
    suffix, write = rng.choice(KINDS)
    content, is_lines = write(rng, ids), suffix == ".txt"
    name = f"f{suffix}"
    if rng.random() < 0.15 and suffix != ".parquet":
        content, is_lines = content.decode("utf-8").encode(rng.choice(ENCODINGS)), False
    if rng.random() < 0.15:
        content, name, is_lines = gzip.compress(content, mtime=0), f"{name}.gz", False
    if rng.random() < 0.25:
        return OddFile(name, content, ids, intact=True, lines=is_lines)
    if rng.random() < 0.2:
        name = f"f{rng.choice(SUFFIXES)}"
        is_lines = is_lines and name.endswith(".txt")
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        content = rng.choice(CHANGES)(rng, content)
    return OddFile(name, content, ids, intact=False, lines=is_lines)


def _an_id(rng: Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return f"{rng.getrandbits(128):032x}"
    if kind == 1:
        return f"task_{rng.getrandbits(80):020x}"
    return f"ok-{rng.randrange(10**6)}" if kind == 2 else str(rng.randrange(10**6, 2**53))


def _text(rng: Random, ids: list[str]) -> bytes:
    header = [rng.choice(NAMES)] if rng.random() < 0.5 else []
    extra = ["", "# note", "  "] if rng.random() < 0.3 else []
    return rng.choice(("\n", "\r\n", "\r")).join([*extra, *header, *ids, ""]).encode()


def _table(delimiters: str) -> Callable[[Random, list[str]], bytes]:
    def write(rng: Random, ids: list[str]) -> bytes:
        file = io.StringIO()
        delimiter = rng.choice(delimiters)
        rows = csv.writer(file, delimiter=delimiter, quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
        columns = rng.randrange(1, 5)
        place = rng.randrange(columns)
        other = [rng.choice(("note", "状态", "p,q", 'say "x"', "two\nlines", "", "a;b")) for _ in range(columns)]
        if columns > 1 or rng.random() < 0.5:
            rows.writerow([rng.choice(NAMES) if n == place else f"column {chr(97 + n)}" for n in range(columns)])
        rows.writerows([[one if n == place else other[n] for n in range(columns)] for one in ids])
        return ("\n" * rng.randrange(2) + file.getvalue()).encode()

    return write


def _objects(rng: Random, ids: list[str]) -> list[Any]:
    name = rng.choice(("task_id", "taskId", "id"))
    more: dict[str, Any] = rng.choice(({}, {"n": None}, {"data": {"x": [1, {"y": "画"}]}}))
    return [
        rng.choice((one, {**more, name: one}, {name: int(one) if one.isdigit() and one[0] != "0" else one}))
        for one in ids
    ]


def _json_lines(rng: Random, ids: list[str]) -> bytes:
    return "".join(f"{json.dumps(one, ensure_ascii=rng.random() < 0.5)}\n" for one in _objects(rng, ids)).encode()


def _json(rng: Random, ids: list[str]) -> bytes:
    whole = rng.choice((_objects(rng, ids), ids, {"task_ids": ids}))
    return json.dumps(whole, indent=rng.choice((None, 1))).encode()


def _parquet(rng: Random, ids: list[str]) -> bytes:
    file = io.BytesIO()
    column = pa.array(ids, rng.choice((pa.string(), pa.large_string(), pa.binary())))
    column = column.dictionary_encode() if rng.random() < 0.2 else column
    table = pa.table({"n": list(range(len(ids))), rng.choice(NAMES): column})
    pq.write_table(table, file, compression=rng.choice(("none", "zstd", "snappy")))
    return file.getvalue()


KINDS: Final[tuple[tuple[str, Callable[[Random, list[str]], bytes]], ...]] = (
    (".txt", _text),
    (".txt", _text),
    (".csv", _table(",;\t|")),
    (".csv", _table(",;\t|")),
    (".tsv", _table("\t")),
    (".ndjson", _json_lines),
    (".json", _json),
    (".parquet", _parquet),
)


def _at(rng: Random, content: bytes) -> int:
    return rng.randrange(len(content) + 1)


def _insert(rng: Random, content: bytes) -> bytes:
    place = _at(rng, content)
    return content[:place] + rng.choice(TOKENS) + content[place:]


def _flip(rng: Random, content: bytes) -> bytes:
    place = _at(rng, content)
    return content[:place] + rng.randbytes(1) + content[place + 1 :]


def _cut(rng: Random, content: bytes) -> bytes:
    return content[: _at(rng, content)]


def _remove(rng: Random, content: bytes) -> bytes:
    place = _at(rng, content)
    return content[:place] + content[place + rng.randrange(1, 20) :]


def _repeat(rng: Random, content: bytes) -> bytes:
    place = _at(rng, content)
    return content[:place] + content[place : place + 40] * rng.randrange(2, 40) + content[place:]


def _join(rng: Random, content: bytes) -> bytes:
    return content + rng.choice(KINDS)[1](rng, [_an_id(rng)])


def _pack(_rng: Random, content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


CHANGES: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    *(_insert, _insert, _insert, _insert, _flip, _flip, _cut, _remove, _repeat, _join, _pack),
)
