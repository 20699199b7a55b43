"""Make frames of the answers in segments, lot by lot. This needs no warehouse, so any process can do it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.flatten import Frames, transform
from transforms.schema import IDENTITY
from warehouse.archive import parquet
from warehouse.load.steps import size_in_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from transforms.failures import FailureRule
    from warehouse.archive.parquet import Damaged, Segment

#: Answers flattened at a time; with bodies of 2 KB this is some 100 MB at the peak.
PIECE_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Lot:
    """Some segments of answers, and what is needed to make frames of them.

    Attributes:
        segments: in the order they were written.
        rules: the failure rules in force.
        piece_rows: answers flattened at a time.
    """

    segments: tuple[Segment, ...]
    rules: tuple[FailureRule, ...]
    piece_rows: int

    def only(self, wanted: Collection[Segment]) -> Lot:
        """The lot with only the `wanted` segments; itself if that is all of them."""
        left = tuple(one for one in self.segments if one in wanted)
        return self if left == self.segments else dataclasses.replace(self, segments=left)

    def frames(self, damaged: list[Damaged]) -> Iterator[Frames]:
        """The frames of the answers, without duplicates within a piece; unreadable segments are added to `damaged`.

        Raises:
            ArchiveError: see `parquet.pieces`.
        """
        for answers in parquet.pieces(self.segments, self.piece_rows, damaged):
            yield transform(answers.unique(IDENTITY, keep="any"), self.rules)

    def frames_of(self, wanted: pl.DataFrame) -> Frames:
        """The frames of the answers whose `IDENTITY` is in `wanted`; reads the segments again."""
        pieces = parquet.pieces(self.segments, self.piece_rows, [])
        found = [piece.join(wanted, on=IDENTITY, how="semi") for piece in pieces]
        return transform(pl.concat(found).unique(IDENTITY, keep="any"), self.rules)


def lots_of(segments: Iterable[Segment], rules: Sequence[FailureRule], piece_rows: int | None = None) -> Iterator[Lot]:
    """The segments with answers in lots of about `piece_rows` rows, by default and at most `PIECE_ROWS`."""
    piece_rows = min(piece_rows or PIECE_ROWS, PIECE_ROWS)
    waiting: list[Segment] = []
    rows = 0
    for segment in sorted(one for one in segments if one.kind == "observations"):
        waiting.append(segment)
        rows += size_in_rows(segment)
        if rows >= piece_rows:
            yield Lot(tuple(waiting), tuple(rules), piece_rows)
            waiting, rows = [], 0
    if waiting:
        yield Lot(tuple(waiting), tuple(rules), piece_rows)


@dataclass(slots=True)
class Kept:
    """The frames of a lot that `keep` has written to files.

    Attributes:
        pieces: the number of pieces.
        damaged: the segments that could not be read.
    """

    pieces: int = 0
    damaged: list[Damaged] = field(default_factory=list)


def keep(lot: Lot, folder: Path) -> Kept:
    """Write the frames of a lot to files in `folder`, which is created.

    Raises:
        ArchiveError: see `Lot.frames`.
        OSError: when they cannot be written.
    """
    kept = Kept()
    folder.mkdir()
    for frames in lot.frames(kept.damaged):
        piece = folder / str(kept.pieces)
        piece.mkdir()
        for one in dataclasses.fields(frames):
            getattr(frames, one.name).write_ipc(piece / one.name)
        kept.pieces += 1
    return kept


def kept_frames(folder: Path, kept: Kept) -> Iterator[Frames]:
    """The frames that `keep` wrote, piece by piece."""
    for number in range(kept.pieces):
        piece = folder / str(number)
        names = [one.name for one in dataclasses.fields(Frames)]
        yield Frames(**{name: pl.read_ipc(piece / name) for name in names})
