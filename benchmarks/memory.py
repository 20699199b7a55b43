"""Memory: what collecting ten times as many ids costs at its peak.

The peak is what the system counted for the collecting process; the gateway is another one.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.collecting import work
from benchmarks.harness import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEW: Final = 20_000
_MANY: Final = 200_000
_IN_FLIGHT: Final = 64


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Peaks of the smaller and the larger number of ids, in turn."""
    counts = int(_FEW * scale), int(_MANY * scale)
    peaks = [[_peak_mb(count) for count in counts] for _ in range(rounds)]
    few, many = (median(column) for column in zip(*peaks, strict=True))
    detail = f"{many:,.0f} MB beside {few:,.0f} MB"
    times = median(many / few for few, many in peaks)
    yield Row(
        f"peak memory of collecting {counts[1]:,} ids", times, f"times that of {counts[0]:,}", at_most(1.2), detail
    )


def _peak_mb(ids: int) -> float:
    with work(ids) as here:
        outcome = here.ours(_IN_FLIGHT, counted=True)
    if outcome.rows != (str(ids),):
        raise ValueError(f"{ids} ids ended as {outcome.rows} tasks")
    return outcome.peak_mb
