"""What a load may use of the machine, and how it divides that: processes, memory, and how much is done at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from warehouse import machine

MEGABYTE: Final = 1_000_000

#: What one process needs; the libraries alone take some 190 MB.
LEAST_BYTES: Final = 350 * MEGABYTE

#: More memory does not make a process faster.
_ENOUGH_BYTES: Final = 1_500 * MEGABYTE

#: A page of a list, or an answer about many ids, has some hundred answers, and counts as that many rows.
PAGE_ROWS: Final = 100

#: Rows of segments loaded in one transaction, unless one segment alone has more.
STEP_ROWS: Final = 10_000

#: A load of much takes larger steps, at most this many times `STEP_ROWS`, and at least this many: 200,000 answers are
#: loaded in 0.75 times the time, with 160 MB more.
_LARGER_STEPS: Final = 4
_STEPS: Final = 5

#: Rows of segments after which a rebuild closes its file and opens it again: with the least memory, and with enough.
#: Until then, what was loaded is not compressed, and what does not fit in memory is in temporary files (some 1.6 KB per
#: answer). Each time, the last rows of every table are compressed again: a million answers took 82 s of CPU with a
#: checkpoint after 160,000 rows; with portions of 640,000, 66 s, and the file was smaller by a seventh.
_PORTION_ROWS: Final = (50_000, 640_000)

#: DuckDB compresses 122,880 rows at once by default. When it rewrites so many, it exceeds its memory limit: with
#: `MEMORY=350MB`, a million answers peaked at 372 MB, and with this many rows at 345 MB, in 0.8 times the time; the
#: data is a tenth larger.
_SMALL_GROUP_ROWS: Final = 30_720

#: The share of the memory of the machine, or of its container, that a load uses if nothing else is set.
_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Budget:
    """What a load may use.

    Attributes:
        processes: how many read and flatten answers, including the one that writes.
        process_bytes: memory of each process.
    """

    processes: int = 1
    process_bytes: int = _ENOUGH_BYTES

    @property
    def is_short(self) -> bool:
        """Whether a process has so little memory that a load takes longer."""
        return self.process_bytes < 2 * LEAST_BYTES

    @property
    def has_room_for_two(self) -> bool:
        """Whether there is memory for a process that loads beside one that polls."""
        return self.processes * self.process_bytes >= 2 * LEAST_BYTES

    @property
    def piece_rows(self) -> int:
        """Answers flattened at a time, with bodies of 2 KB. A larger number costs less CPU and needs more memory."""
        return self._graded(1_200, 20_000)

    @property
    def piece_pages(self) -> int:
        """Pages of a list, or answers about many ids, loaded at a time."""
        return max(1, self.piece_rows // (2 * PAGE_ROWS))

    @property
    def file_bytes(self) -> int:
        """Memory that DuckDB may use for a new file."""
        return self._graded(64 * MEGABYTE, 512 * MEGABYTE)

    @property
    def group_rows(self) -> int | None:
        """Rows of a table that are compressed together in a new file; None: as many as DuckDB does by default."""
        return _SMALL_GROUP_ROWS if self.is_short else None

    @property
    def checkpoint_threads(self) -> int:
        """Threads that compress a new file; the processes that flatten answers have nothing left to do then."""
        return 1 if self.is_short else self.processes

    def step_rows(self, waiting: int = 0) -> int:
        """Rows of segments in one transaction on an existing file, if `waiting` rows are to be loaded.

        Each takes some 10 KB of memory.
        """
        return self._graded(2_500, min(max(STEP_ROWS, waiting // _STEPS), _LARGER_STEPS * STEP_ROWS))

    @property
    def rebuild_rows(self) -> int:
        """Rows of segments loaded into a new file in one transaction; its changes take memory until it commits."""
        return self._graded(10_000, 160_000)

    @property
    def portion_rows(self) -> int:
        """Rows of segments after which a new file is closed and opened again, to free memory."""
        return self._graded(*_PORTION_ROWS)

    def _graded(self, least: int, most: int) -> int:
        """Between `least` (for a process with `LEAST_BYTES`) and `most` (with `_ENOUGH_BYTES`), in proportion."""
        share = (self.process_bytes - LEAST_BYTES) / (_ENOUGH_BYTES - LEAST_BYTES)
        return int(least + (most - least) * min(max(share, 0.0), 1.0))


def budget_of(processes: int | None = None, memory_bytes: int | None = None) -> Budget:
    """The budget from the settings, or from the machine: a process for each core, as far as its memory suffices.

    Args:
        processes: maximum number of processes; by default the number of cores.
        memory_bytes: memory of all of them together; by default three quarters of the available memory.
    """
    memory = memory_bytes or int(machine.memory_bytes() * _SHARE)
    wanted = processes or max(1, min(machine.cores(), memory // LEAST_BYTES))
    return Budget(wanted, min(memory // wanted, _ENOUGH_BYTES))
