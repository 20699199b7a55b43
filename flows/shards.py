"""A list of ids too large for one worker, cut by hash into shares that are collected by runs of their own.

The ids are accepted once, by the run that cuts; a share is told by numbers, so that nothing large is handed over, and a
run that dies is replaced by one that is told the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flows.accepting import Accepted
from flows.errors import ExitCode
from flows.summary import Summary
from warehouse.archive import count_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.run import Run
    from warehouse.archive import Archive

_GRAVEST_FIRST: Final = (
    ExitCode.UNEXPECTED,
    ExitCode.UNUSABLE_INPUT,
    ExitCode.KEY_REFUSED,
    ExitCode.UNREACHABLE,
    ExitCode.NOT_LOADED,
    ExitCode.DONE,
)


@dataclass(frozen=True, slots=True)
class Share:
    """Share `number` (from 0) of `of`, of the ids that the run `accepted_by` has accepted."""

    accepted_by: str
    number: int
    of: int

    def accepted(self, store: Archive) -> Accepted:
        """Where its ids are, among those of the other shares."""
        return Accepted([one for one in store.segments("requests") if self.accepted_by in one.segment_id])


def ids_of(accepted: Accepted) -> int:
    """How many ids were accepted."""
    return sum(map(count_rows, accepted.segments))


def shares_of(accepted: Accepted, ids_per_share: int) -> int:
    """How many shares to cut the accepted ids into."""
    return -(-ids_of(accepted) // ids_per_share) or 1


def together(run: Run, accepted: Accepted, parts: Sequence[dict[str, Any]], lost: Sequence[int]) -> Summary:
    """One summary of the shares' (see `Summary.as_dict`); `lost` are the numbers of those that never came to an end."""
    gravest = min((ExitCode(part["exit_code"]) for part in parts), key=_GRAVEST_FIRST.index, default=ExitCode.DONE)
    problem = next((part["problem"] for part in parts if part["exit_code"] == gravest), None)
    if lost:
        gravest = ExitCode.UNEXPECTED
        named = ", ".join(str(number + 1) for number in sorted(lost))
        problem = f"shares {named} died again and again. Their ids are accepted and their answers kept: run again"
    return Summary(
        run_id=run.run_id,
        source=run.settings.source,
        rejected=accepted.rejections.named,
        rejected_count=accepted.rejections.count,
        outcomes=_added(parts, "outcomes"),
        statuses=_added(parts, "statuses"),
        exit_code=gravest,
        problem=problem,
        published=None,
        seconds=round(run.clock.monotonic() - run.began, 3),
        **{name: sum(part[name] for part in parts) for name in _COUNTS},
    )


_COUNTS: Final = (
    "requested",
    "skipped_terminal",
    "asked",
    "fetched",
    "requests",
    "retries",
    "refusals",
    "segments_loaded",
    "unreachable",
    "still_running",
)


def _added(parts: Sequence[dict[str, Any]], name: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part[name])
    return dict(total)
