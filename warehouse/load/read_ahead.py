"""What answers in segments say: read and flattened by a thread of its own, while what came before is loaded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from transforms.flatten import Frames, transform
from transforms.schema import IDENTITY
from warehouse.archive import parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from transforms.failures import FailureRule
    from warehouse.archive.parquet import Damaged, Segment

    _Make: TypeAlias = Callable[[], "Future[Piece | None]"]

#: Answers flattened at a time; with bodies of 2 KB this is some 100 MB at the peak.
PIECE_ROWS: Final = 20_000

#: Answers, none of them twice, and what they say.
Piece: TypeAlias = tuple[pl.DataFrame, Frames]


class Reading:
    """The answers of some segments, piece by piece: while one is in use, the next is made.

    Iterating again begins anew, also where it was not read to its end.

    Attributes:
        segments: those of the given ones that hold answers, in the order they were written.
        damaged: those that cannot be read, once the last piece was taken.
        then: what begins when there is nothing left to read here, so that its first piece is there in time.
    """

    def __init__(self, segments: Sequence[Segment], rules: Sequence[FailureRule]) -> None:
        self.segments = sorted(one for one in segments if one.kind == "observations")
        self.damaged: list[Damaged] = []
        self.then: Reading | None = None
        self._rules = rules
        self._begun: tuple[_Make, Future[Piece | None]] | None = None

    def begin(self) -> None:
        """Let the first piece be made, unless it is already."""
        self._begun = self._begun or self._start()

    def __iter__(self) -> Iterator[Piece]:
        """The pieces.

        Raises:
            ArchiveError: see `parquet.pieces`.
        """
        make, ahead = self._begun or self._start()
        self._begun = None
        while (piece := ahead.result()) is not None:
            ahead = make()
            yield piece

    def _start(self) -> tuple[_Make, Future[Piece | None]]:
        self.damaged = []
        pieces = parquet.pieces(self.segments, PIECE_ROWS, self.damaged)
        submit, piece = ThreadPoolExecutor(1).submit, partial(self._piece, pieces)
        return partial(submit, piece), submit(piece)

    def _piece(self, pieces: Iterator[pl.DataFrame]) -> Piece | None:
        answers = next(pieces, None)
        if answers is None:
            if self.then is not None:
                self.then.begin()
            return None
        once = answers.unique(IDENTITY, keep="any")
        return once, transform(once, self._rules)
