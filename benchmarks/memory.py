"""Peak memory of collecting ten times as many ids, and of rebuilding five million.

The peak is the sum over the processes of a run, as the system reports it, without the gateway.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks import rebuilding
from benchmarks.collecting import work
from benchmarks.harness import Row, at_most
from benchmarks.inputs.bodies import fill_archive
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEW: Final = 20_000
_MANY: Final = 200_000
_IN_FLIGHT: Final = 64
_ARCHIVED: Final = 5_000_000


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Peaks of the smaller and the larger number of ids, alternately; of the rebuild, once."""
    counts = int(_FEW * scale), int(_MANY * scale)
    peaks = [[_peak_mb(count) for count in counts] for _ in range(rounds)]
    few, many = (median(column) for column in zip(*peaks, strict=True))
    detail = f"{many:,.0f} MB beside {few:,.0f} MB"
    times = median(many / few for few, many in peaks)
    yield Row(
        f"peak memory of collecting {counts[1]:,} ids", times, f"times that of {counts[0]:,}", at_most(1.2), detail
    )
    yield _rebuilding(int(_ARCHIVED * scale))


def _peak_mb(ids: int) -> float:
    with work(ids) as here:
        outcome = here.ours(_IN_FLIGHT, counted=True)
    if outcome.rows != (str(ids),):
        raise ValueError(f"{ids} ids ended as {outcome.rows} tasks")
    return outcome.peak_mb


def _rebuilding(count: int) -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill_archive(Archive(LocalFolder(DataPaths(folder).archive)), count)
        outcome = rebuilding.ours(folder, rebuilding.sizes)
    detail = f"{count / outcome.seconds:,.0f} answers/s from start to end"
    return Row(f"peak memory of rebuilding {count:,} answers", outcome.peak_mb, "MB", at_most(2000), detail)
