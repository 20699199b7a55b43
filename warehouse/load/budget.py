"""What a load may use of the machine, and how it divides that: processes, memory, and how much is done at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from warehouse import machine

MEGABYTE: Final = 1_000_000

#: What one process needs: some 190 MB are the libraries as such.
LEAST_BYTES: Final = 350 * MEGABYTE

#: With more, a process is no faster.
_ENOUGH_BYTES: Final = 1_500 * MEGABYTE

#: A page of a list, or an answer about many ids, has some hundred answers, and counts as that many rows.
PAGE_ROWS: Final = 100

#: Rows of segments loaded in one transaction, unless one segment alone has more.
STEP_ROWS: Final = 10_000

#: Rows of segments after which a rebuild closes its file and opens it again, with the least memory and with enough.
#: Until then what was loaded is not compressed, and beyond the memory for it in temporary files, some 1.6 KB an answer.
#: Each time the last rows of every table are compressed again: a million answers took 82 s of CPU with a checkpoint
#: after 160,000 rows, and 66 s, and a file smaller by a seventh, with portions of 640,000.
_PORTION_ROWS: Final = (50_000, 640_000)

#: Of the machine's memory, or of its container's, what a load uses if nothing else is set.
_SHARE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Budget:
    """What a load may use.

    Attributes:
        processes: that read and flatten answers, the one that writes among them.
        process_bytes: memory of each.
    """

    processes: int = 1
    process_bytes: int = _ENOUGH_BYTES

    @property
    def is_short(self) -> bool:
        """Whether a process has so little that a load takes longer for it."""
        return self.process_bytes < 2 * LEAST_BYTES

    @property
    def has_room_for_two(self) -> bool:
        """Whether there is memory for a process that loads beside one that polls."""
        return self.processes * self.process_bytes >= 2 * LEAST_BYTES

    @property
    def piece_rows(self) -> int:
        """Answers flattened at a time, where bodies have 2 KB. More at a time cost less each, and need memory."""
        return self._graded(1_200, 20_000)

    @property
    def piece_pages(self) -> int:
        """Pages of a list, or answers about many ids, loaded at a time."""
        return max(1, self.piece_rows // (2 * PAGE_ROWS))

    @property
    def file_bytes(self) -> int:
        """What DuckDB may keep in memory of a new file."""
        return self._graded(64 * MEGABYTE, 512 * MEGABYTE)

    @property
    def step_rows(self) -> int:
        """Rows of segments in one transaction on a warehouse that has more: some 10 KB of memory each."""
        return self._graded(2_500, STEP_ROWS)

    @property
    def rebuild_rows(self) -> int:
        """Rows of segments in one transaction on a new file: until it ends they take memory."""
        return self._graded(10_000, 160_000)

    @property
    def portion_rows(self) -> int:
        """Rows of segments after which a file that is new is opened again: so long what it holds grows."""
        return self._graded(*_PORTION_ROWS)

    def _graded(self, least: int, most: int) -> int:
        """Between the two as the memory of a process is between `LEAST_BYTES` and `_ENOUGH_BYTES`."""
        share = (self.process_bytes - LEAST_BYTES) / (_ENOUGH_BYTES - LEAST_BYTES)
        return int(least + (most - least) * min(max(share, 0.0), 1.0))


def budget_of(processes: int | None = None, memory_bytes: int | None = None) -> Budget:
    """The budget by what is set, or by what there is: a process for each core, as far as there is memory for them.

    Args:
        processes: how many there may be; as many as cores if not given.
        memory_bytes: of all of them together; seven tenths of the memory there is if not given.
    """
    memory = memory_bytes or int(machine.memory_bytes() * _SHARE)
    wanted = processes or max(1, min(machine.cores(), memory // LEAST_BYTES))
    return Budget(wanted, min(memory // wanted, _ENOUGH_BYTES))
