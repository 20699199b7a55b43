"""The frames of a load, made lot by lot ahead of the writer: by other processes, and by the writer while it waits.

With one process, the writer makes each lot when it needs it. With more, the others make the next lots meanwhile; the
writer makes a lot itself if no other process has started it when it is needed, or while the writer would only wait. So
all are busy whether reading or writing takes longer, and the same code makes a lot in every process.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from warehouse.load.lots import Kept, keep, kept_frames, lots_of
from warehouse.load.steps import size_in_rows
from warehouse.load.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from transforms.failures import FailureRule
    from transforms.flatten import Frames
    from warehouse.archive.parquet import Damaged, Segment
    from warehouse.load.budget import Budget
    from warehouse.load.lots import Lot

logger = logging.getLogger("avatar_tasks")

#: One more process is started for this many answers: starting it costs as much as making frames of some 10,000.
ROWS_PER_PROCESS: Final = 40_000

#: Lots made ahead per process; each takes some 70 MB, in files.
_LOTS_AHEAD: Final = 2


class Prepared:
    """The frames of the answers in some segments, piece by piece. Each iteration starts at the first piece.

    Attributes:
        segments: those of the given segments that contain answers, in the order they were written.
        damaged: those that cannot be read; complete after the last piece.
    """

    def __init__(self, lots: Sequence[Lot], ahead: Ahead | None = None) -> None:
        self.segments = [one for lot in lots for one in lot.segments]
        self.damaged: list[Damaged] = []
        self._lots = lots
        self._ahead = ahead
        self._made: dict[Lot, tuple[list[Frames], list[Damaged]]] = {}

    def ready(self) -> None:
        """Make all frames now, in memory, so that nothing is left to do while others would have to wait.

        Raises:
            ArchiveError: see `parquet.pieces`.
        """
        for lot in self._lots:
            if lot not in self._made:
                one = Prepared([lot], self._ahead)
                self._made[lot] = [frames for _, frames in one], one.damaged

    def only(self, wanted: Collection[Segment]) -> Prepared:
        """The same for the `wanted` segments only; a lot that loses segments is made again."""
        fewer = [lot.only(wanted) for lot in self._lots]
        rest = Prepared([lot for lot in fewer if lot.segments], self._ahead)
        rest._made = self._made
        return rest

    def __iter__(self) -> Iterator[tuple[Lot, Frames]]:
        """The pieces, each with its lot.

        Raises:
            ArchiveError: see `parquet.pieces`.
        """
        self.damaged = []
        for lot in self._lots:
            if lot in self._made:
                pieces, damaged = self._made[lot]
                self.damaged += damaged
                yield from ((lot, frames) for frames in pieces)
                continue
            made = self._ahead.take(lot) if self._ahead else None
            if made is None:
                yield from ((lot, frames) for frames in lot.frames(self.damaged))
            else:
                self.damaged += made[1].damaged
                yield from ((lot, frames) for frames in kept_frames(*made))

    def release(self) -> None:
        """Remove the files, after the frames were written to the warehouse."""
        for lot in self._lots:
            if self._ahead:
                self._ahead.drop(lot)


def prepare(segments: Iterable[Segment], rules: Sequence[FailureRule], piece_rows: int | None = None) -> Prepared:
    """The answers of some segments; each lot, of about `piece_rows` rows, is made when it is needed."""
    return Prepared(list(lots_of(segments, rules, piece_rows)))


@contextlib.contextmanager
def prepare_steps(
    steps: Sequence[Sequence[Segment]],
    rules: Sequence[FailureRule],
    budget: Budget,
    folder: Path | None = None,
) -> Iterator[list[Prepared]]:
    """The answers of each step of a load, made in as many processes as the budget allows, this one among them.

    Args:
        steps: the segments of each step, in the order they are written.
        rules: the failure rules in force.
        budget: the maximum number of processes; fewer are used if there is little to do.
        folder: the folder for temporary files; the system's if not given.
    """
    lots = [list(lots_of(step, rules, budget.piece_rows)) for step in steps]
    every = [one for step in lots for one in step]
    rows = sum(size_in_rows(one) for lot in every for one in lot.segments)
    workers = min(budget.processes, rows // ROWS_PER_PROCESS + 1) - 1
    if workers < 1:
        yield [Prepared(step) for step in lots]
        return
    if folder:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="lots-", dir=folder) as name,
        contextlib.closing(Ahead(every, workers, Path(name))) as ahead,
    ):
        yield [Prepared(step, ahead) for step in lots]


class Ahead:
    """Makes lots before they are needed.

    Args:
        lots: in the order they are taken.
        workers: number of processes in addition to this one.
        folder: the folder for their frames.
    """

    def __init__(self, lots: Sequence[Lot], workers: int, folder: Path) -> None:
        self._number = {id(lot): number for number, lot in enumerate(lots)}
        self._lots = lots
        self._folder = folder
        self._ahead = _LOTS_AHEAD * workers + 1
        self._begun: dict[int, Future[Kept]] = {}
        self._has_warned = False
        self._workers = [Worker() for _ in range(workers)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers)

    def take(self, lot: Lot) -> tuple[Path, Kept] | None:
        """The frames of a lot; None if the caller has to make them."""
        number = self._number.get(id(lot))
        if number is None:
            return None
        self._begin(number + 1)  # the first one is made here: a process takes half a second to start
        future = self._begun.get(number)
        if future is None or future.cancel() or future.cancelled():
            return None
        while not future.done() and self._help(number):
            pass
        try:
            return self._place(number), future.result()
        except OSError as error:
            if not self._has_warned:
                logger.warning("%s: the load continues without it", error)
            self._has_warned = True
            self.drop(lot)
            return None

    def drop(self, lot: Lot) -> None:
        """Remove the files of a lot."""
        if id(lot) in self._number:
            shutil.rmtree(self._place(self._number[id(lot)]), ignore_errors=True)

    def close(self) -> None:
        """Kill the other processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.end()
        self._threads.shutdown()

    def _begin(self, number: int) -> None:
        """Let other processes make this lot and the next ones."""
        for one in range(number, min(number + self._ahead, len(self._lots))):
            if one not in self._begun:
                self._begun[one] = self._threads.submit(self._by_worker, one)

    def _by_worker(self, number: int) -> Kept:
        worker = self._idle.get()
        try:
            return worker.keep(self._lots[number], self._place(number))
        finally:
            self._idle.put(worker)

    def _help(self, number: int) -> bool:
        """Make the last lot that no process has started; if there is none, wait for lot `number`."""
        for one in reversed(range(number + 1, number + self._ahead)):
            if one in self._begun and self._begun[one].cancel():
                self._begun[one] = _done(keep(self._lots[one], self._place(one)))
                return True
        wait([self._begun[number]])
        return False

    def _place(self, number: int) -> Path:
        return self._folder / str(number)


def _done(kept: Kept) -> Future[Kept]:
    future: Future[Kept] = Future()
    future.set_result(kept)
    return future
