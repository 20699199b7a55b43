"""Files of any size are read in bounded memory: a gigabyte on one line, a bomb, a long array."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UnusableInputError
from pipeline.intake.rejections import Rejections
from pipeline.intake.source import IdSource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.e2e  # processes of their own

CHUNK = 1_000_000

READ = """
import resource, sys
from pipeline.errors import UnusableInputError
from pipeline.intake.rejections import Rejections
from pipeline.intake.source import IdSource
import pyarrow.parquet, polars
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, count, rejections, refusal = peak(), 0, Rejections(), ""
try:
    for piece in IdSource(file=sys.argv[1]).pieces(rejections):
        count += len(piece)
except UnusableInputError as error:
    refusal = str(error)
print(count, rejections.count, (peak() - before) // 1024, refusal)
"""


def read_apart(file: Path) -> tuple[int, int, int, str]:
    """In a process of its own: ids, rejected lines, MB that it took, and the refusal."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True, timeout=300
    )
    ids, rejected, megabytes, refusal = done.stdout.strip("\n").split(" ", 3)
    return int(ids), int(rejected), int(megabytes), refusal


def pack(file: Path, pieces: Iterable[bytes]) -> None:
    with gzip.open(file, "wb", compresslevel=1) as packed:
        for piece in pieces:
            packed.write(piece)


@pytest.mark.e2e
def test_a_long_array_on_one_line(tmp_path: Path) -> None:
    """10 MB of JSON, of which no more than pieces are held."""
    ids = ",".join(f'"{number:032x}"' for number in range(300_000))
    (tmp_path / "a.json").write_text(f"[{ids}]")
    count, rejected, megabytes, refusal = read_apart(tmp_path / "a.json")
    assert (count, rejected, refusal) == (300_000, 0, "")
    assert megabytes < 60


@pytest.mark.e2e
def test_a_line_that_does_not_end(tmp_path: Path) -> None:
    """80 MB of it in a small file: the line is rejected, and the next one read."""
    pack(tmp_path / "a.txt.gz", [b"x" * CHUNK] * 80 + [b"\nok-1\n"])
    count, rejected, megabytes, refusal = read_apart(tmp_path / "a.txt.gz")
    assert (count, rejected, refusal) == (1, 1, "")
    assert megabytes < 60


def test_a_file_that_is_far_larger_unpacked_is_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here 500 kB instead of 2 GB."""
    monkeypatch.setattr("pipeline.intake.unpacking.MOST_UNPACKED_BYTES", 500_000)
    pack(tmp_path / "a.txt.gz", [b"ok-1\n" * 20_000] * 9)
    with pytest.raises(UnusableInputError, match="more than 500,000 bytes"):
        list(IdSource(file=str(tmp_path / "a.txt.gz")).pieces(Rejections()))
