"""Open a file of any kind: its format is detected from the bytes, and the name is only a hint."""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Final

from pipeline.intake.encodings import encoding_of
from pipeline.intake.refused import RefusedError
from pipeline.intake.unpacking import replayed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

#: File name suffixes that are read, also followed by `.gz`.
READ: Final = (".txt", ".csv", ".tsv", ".tab", ".psv", ".ndjson", ".jsonl", ".json", ".parquet")

#: How much is read to detect the format.
_HEAD_BYTES: Final = 65_536

_SPREADSHEET: Final = (
    "is a spreadsheet or a zip archive; .xlsx, .xls, .ods and .zip are not read: save the sheet as CSV (UTF-8)"
)
_COMPRESSED: Final = "is compressed in a format that is not read: decompress it, or use .gz"
_DATABASE: Final = "is a database, not a file with ids: give SQL to --ids-from that attaches it and selects the ids"

#: First bytes of files of other kinds, and why they are refused.
_OTHERS: Final = (
    (b"PK\x03\x04", _SPREADSHEET),
    (b"\xd0\xcf\x11\xe0", _SPREADSHEET),
    (b"\x28\xb5\x2f\xfd", _COMPRESSED),
    (b"BZh", _COMPRESSED),
    (b"\xfd7zXZ", _COMPRESSED),
    (b"7z\xbc\xaf", _COMPRESSED),
    (b"\x1f\x8b", "is compressed with gzip twice: decompress it"),
    (b"SQLite format 3", _DATABASE),
    (b"ARROW1", "is an Arrow file, which is not read: write it as Parquet"),
    (b"PARE", "is an encrypted Parquet file, which is not read"),
    (b"%PDF", "is a PDF, not a file with ids"),
    (b"-----BEGIN", "holds a key or a certificate, not ids; nothing in it was used"),
)
_SHEETS: Final = (".xlsx", ".xlsm", ".xls", ".ods")
_PARQUET: Final = b"PAR1"

#: Suffixes of files that are refused with a reason, and not ignored: they were probably meant to contain ids.
REFUSED: Final = (*_SHEETS, ".zip", ".bz2", ".xz", ".zst", ".7z", ".gz", ".pq")

#: `NAME=VALUE` or `export NAME=VALUE`, as in `.env` and shell files, but not the `sep=;` of spreadsheets.
_ASSIGNMENT: Final = re.compile(r'\s*(export\s+)?(?!"?sep=.?"?\s*$)[A-Za-z_]\w*\s*=\s*\S')
_ENV_NAME: Final = re.compile(r"\.env(\..*)?|.*\.env", re.IGNORECASE)

#: Paths of file descriptors that a shell has opened, e.g. for `<(…)`.
_DESCRIPTORS: Final = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")


@dataclass(frozen=True, slots=True)
class Text:
    """A text file.

    Attributes:
        suffix: the suffix of its name without `.gz`, in lower case.
        head: the beginning of the text.
        text: the whole text, as a stream.
    """

    suffix: str
    head: str
    text: IO[str]


@dataclass(frozen=True, slots=True)
class Parquet:
    """A Parquet file."""

    file: IO[bytes]


def kind_of(name: str) -> str:
    """The suffix of a file name in lower case, without `.gz`."""
    path = PurePath(name)
    return PurePath(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


@contextlib.contextmanager
def opened(place: str, *, follow_links: bool = True) -> Iterator[Text | Parquet]:
    """Open a file, or stdin for `-`, and detect its format.

    Raises:
        RefusedError: when it is of a kind that is not read.
        OSError: when it cannot be opened.
    """
    if _ENV_NAME.fullmatch(PurePath(place).name):
        raise RefusedError("has the name of a file with settings, which may hold a key; it was not opened")
    with contextlib.ExitStack() as stack:
        file = _stdin() if place == "-" else stack.enter_context(_regular_file(place, follow_links=follow_links))
        head = file.read(_HEAD_BYTES)
        whole = replayed(head, file)
        if head.startswith(b"\x1f\x8b"):
            whole = stack.enter_context(unpacked(whole))
            head = whole.read(_HEAD_BYTES)
            whole = replayed(head, whole)
        _refuse_others(head, kind_of(place))
        if head.startswith(_PARQUET):
            spool = stack.enter_context(tempfile.TemporaryFile())
            _copy(whole, spool)
            yield Parquet(spool)
        else:
            yield _as_text(head, whole, kind_of(place))


def _stdin() -> IO[bytes]:
    if sys.stdin is None:
        raise RefusedError("is closed")
    return sys.stdin.buffer


def _regular_file(place: str, *, follow_links: bool) -> IO[bytes]:
    """Open a regular file without blocking: opening a named pipe would wait for its writer for ever."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(place, flags)
    except ValueError as error:
        raise RefusedError("is not a name that a file can have") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not (place.startswith(_DESCRIPTORS) and not stat.S_ISDIR(mode)):
        os.close(descriptor)
        what = "is a folder: give it to --ids-from" if stat.S_ISDIR(mode) else "is not a regular file: use - for stdin"
        raise RefusedError(what)
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "rb")


def _refuse_others(head: bytes, suffix: str) -> None:
    for beginning, sentence in _OTHERS:
        if head.startswith(beginning):
            raise RefusedError(sentence)
    if suffix in _SHEETS:
        raise RefusedError(_SPREADSHEET)
    if suffix == ".parquet" and head and not head.startswith(_PARQUET):
        raise RefusedError("is not a Parquet file")


def _as_text(head: bytes, whole: IO[bytes], suffix: str) -> Text:
    encoding = encoding_of(head)
    if encoding is None:
        raise RefusedError("holds binary data, not ids: give a .txt, .csv, .json, .ndjson or .parquet file")
    beginning = head.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    if _is_settings(beginning):
        raise RefusedError(
            "holds NAME=VALUE lines like a file with settings, which may hold a key; nothing in it was used"
        )
    text = io.TextIOWrapper(whole, encoding=encoding, errors="replace")
    return Text(suffix, beginning, text)


def _is_settings(beginning: str) -> bool:
    lines = [line for line in beginning.splitlines()[:100] if line.strip() and not line.lstrip().startswith("#")]
    return 2 * sum(bool(_ASSIGNMENT.match(line)) for line in lines) > len(lines)


def _copy(whole: IO[bytes], spool: IO[bytes]) -> None:
    """Copy to disk, because Parquet is read from its end."""
    while piece := whole.read(1 << 20):
        spool.write(piece)
    spool.seek(0)
