"""A list of ids that is too long for one worker, split by hash into shares, each collected by a run of its own.

The ids are accepted once, by the run that splits them. A share is identified by numbers, so that nothing large is
passed on, and a run that died can be replaced by another with the same numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.collect.accept import Accepted
from pipeline.collect.other_ids import OtherIds
from pipeline.collect.summary import ADDED, Summary, policy_in_words
from pipeline.errors import WORST_FIRST, AvatarTasksError, ExitCode
from warehouse.archive.parquet import count_rows
from warehouse.errors import AnalysisFileError, ArchiveError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.run import Run
    from warehouse.archive.segments import Archive
    from warehouse.plan import Progress


@dataclass(frozen=True, slots=True)
class Share:
    """Share `number` (from 0) of `of` shares of the ids that the run `accepted_by` has accepted."""

    accepted_by: str
    number: int
    of: int

    def accepted(self, store: Archive) -> Accepted:
        """The segments with its ids; they also hold the ids of the other shares."""
        return Accepted([one for one in store.segments("requests") if self.accepted_by in one.segment_id])


def ids_of(accepted: Accepted) -> int:
    """How many ids were accepted."""
    return sum(map(count_rows, accepted.segments))


def shares_of(accepted: Accepted, ids_per_share: int) -> int:
    """How many shares to split the accepted ids into."""
    return -(-ids_of(accepted) // ids_per_share) or 1


@dataclass(frozen=True, slots=True)
class ShareEnd:
    """How the last run of a share ended; `problem` says what went wrong with the run itself, if anything did."""

    number: int
    run_id: str
    problem: str | None = None
    has_started: bool = True
    """False if no worker started it before the deadline, so that its ids are left to the next run."""


def merge_summaries(
    run: Run, accepted: Accepted, parts: Sequence[dict[str, Any]], lost: Mapping[ShareEnd, Progress], of: int
) -> Summary:
    """One summary of all shares: the sum of their counts and the worst of their exit codes.

    Args:
        run: the run that split the ids.
        accepted: what it accepted.
        parts: the summaries of shares (see `Summary.as_dict`).
        lost: shares without a summary, with the progress of their ids. Ids that have not ended count as unreachable,
            or as not polled if the share never started.
        of: how many shares there are.
    """
    ends = [(ExitCode(part["exit_code"]), part["problem"]) for part in parts]
    ends += _ends_of_lost(list(lost), of)
    worst, problem = min(
        ends, key=lambda end: (WORST_FIRST.index(end[0]), end[1] is None), default=(ExitCode.DONE, None)
    )
    counts = Counter({name: sum(part[name] for part in parts) for name in ADDED})
    for share, state in lost.items():
        left = state.given - state.ended
        counts.update(requested=state.given, asked=left, still_running=state.waiting)
        counts.update(unreachable=left) if share.has_started else counts.update(not_polled=left)
    return Summary(
        run_id=run.run_id,
        source=run.settings.source,
        rejected=accepted.rejections.named,
        rejected_count=accepted.rejections.count,
        outcomes=_added(parts, "outcomes"),
        statuses=_added(parts, "statuses"),
        exit_code=worst,
        problem=problem,
        published=None,
        seconds=round(run.clock.monotonic() - run.began, 3),
        other_ids=_other_ids([part["other_ids"] for part in parts if "other_ids" in part]),
        missing_storm=next((storm for part in parts if (storm := part.get("missing_storm"))), None),
        discovered=None,  # a run that reads the list is not split
        **{**policy_in_words(run.settings.policy), **counts},
    )


def _ends_of_lost(lost: Sequence[ShareEnd], of: int) -> list[tuple[ExitCode, str]]:
    """Exit codes and problems of lost shares. Shares that never started are an error only if none of all started."""
    failed, unstarted = ([one for one in lost if one.has_started is kind] for kind in (True, False))
    ends = []
    if failed:
        code = min((_exit_code(one.problem or "") for one in failed), key=WORST_FIRST.index)
        ends.append((code, _sentence(failed, of, "failed")))
    if unstarted:
        code = ExitCode.UNREACHABLE if len(unstarted) == of else ExitCode.DONE
        ends.append((code, _sentence(unstarted, of, "never started")))
    return ends


def _sentence(lost: Sequence[ShareEnd], of: int, what: str) -> str:
    named = ", ".join(str(one.number + 1) for one in sorted(lost, key=lambda one: one.number))
    why = next((one.problem for one in lost if one.problem), "it left no summary").rstrip(".")
    return f"of {of} shares, {named} {what}: {why}. Their ids are accepted and their answers kept: run again"


def _exit_code(problem: str) -> ExitCode:
    """The exit code, from the name of the error class in the message that Prefect gives for a failed run."""
    ours = {one.__name__: one.exit_code for one in AvatarTasksError.__subclasses__()} | dict.fromkeys(
        (one.__name__ for one in (AnalysisFileError, ArchiveError)), ExitCode.UNUSABLE_INPUT
    )
    return next((code for name, code in ours.items() if name in problem), ExitCode.UNEXPECTED)


def _other_ids(parts: Sequence[dict[str, Any]]) -> OtherIds:
    """The sum over all shares, which have no id in common, with three examples."""
    return OtherIds(
        sum(part["conflicts"] for part in parts),
        [one for part in parts for one in part["conflict_examples"]][:3],
        sum(part["unproven"] for part in parts),
        [one for part in parts for one in part["unproven_examples"]][:3],
    )


def _added(parts: Sequence[dict[str, Any]], name: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part[name])
    return dict(total)
