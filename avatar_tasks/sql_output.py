"""Where the result of `sql` goes: to stdout, or to a file that is complete or not written at all."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from avatar_tasks.console import harmless
from avatar_tasks.streams import stdout_was_closed
from pipeline.errors import UnusableInputError
from warehouse.archive.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Takes the next bytes.
    Sink = Callable[[bytes], object]

#: The format by the suffix of the file.
SUFFIXES: Final = {
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".txt": "table",
    "": "table",
}

_STDOUT: Final = ("-", "/dev/stdout")
_DESCRIPTOR: Final = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


def format_for(kind: str | None, out: Path | None) -> str:
    """The format given, or else that of the file's suffix, or else a table.

    Raises:
        UnusableInputError: when the suffix is unknown, or Parquet would go to stdout.
    """
    to_stdout = out is None or str(out) in _STDOUT
    found = kind or SUFFIXES.get("" if out is None else out.suffix.lower())
    if found is None:
        assert out is not None  # noqa: S101 - without a file it is a table
        msg = f"{out.suffix} is not the suffix of a known format: give the format of {out} with --format"
        raise UnusableInputError(msg)
    if found == "parquet" and to_stdout:
        msg = "Parquet cannot be printed: write it to a file with --out FILE"
        raise UnusableInputError(msg)
    return found


@contextlib.contextmanager
def sink_to(out: Path | None) -> Iterator[Sink]:
    """A function that writes pieces of the result. A file appears at the end of the block, and not if the block fails.

    Raises:
        UnusableInputError: when stdout is closed, or the file's folder is missing.
        OSError: when it cannot be written.
    """
    if out is None or str(out) in _STDOUT:
        with _stdout() as sink:
            yield sink
    elif found := _DESCRIPTOR.fullmatch(str(out)):
        yield lambda piece: _write_all(int(found[1]), piece)
    elif out.exists() and not out.is_file():  # a named pipe or a device: renaming would replace it
        with out.open("wb", buffering=0) as file:
            yield lambda piece: _write_all(file.fileno(), piece)
    else:
        with _file(out) as sink:
            yield sink


@contextlib.contextmanager
def _stdout() -> Iterator[Sink]:
    if stdout_was_closed():
        msg = "stdout is closed: write to a file with --out FILE"
        raise UnusableInputError(msg)
    sys.stdout.flush()
    descriptor = sys.stdout.fileno()
    if not os.isatty(descriptor):
        yield lambda piece: _write_all(descriptor, piece)
        return
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    yield lambda piece: _write_all(descriptor, harmless(decode(piece)).encode())


@contextlib.contextmanager
def _file(out: Path) -> Iterator[Sink]:
    target = Path(os.path.realpath(out))  # a link stays a link
    if not target.parent.is_dir():
        msg = f"cannot write {out}: there is no folder {target.parent}"
        raise UnusableInputError(msg)
    with atomic_write(target) as file:
        if target.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
        yield file.write


def _write_all(descriptor: int, piece: bytes) -> None:
    """Write to the descriptor directly: Python would try to write what it buffered again when the process ends."""
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]
