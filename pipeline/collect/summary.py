"""What a run did, for people and for machines."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.collect.other_ids import OtherIds
from reports.words import plural

if TYPE_CHECKING:
    from pipeline.discovery.walk import Discovered
    from pipeline.errors import ExitCode
    from warehouse.policy import PollingPolicy

#: Outcomes that say nothing about the id: the gateway could not be reached, or would not answer.
UNREACHABLE: Final = ("transport_error", "server_error", "throttled")

#: Counts of a summary that are added up if a run consists of several.
ADDED: Final = (
    "requested",
    "skipped_terminal",
    "asked",
    "fetched",
    "requests",
    "retries",
    "refusals",
    "segments_loaded",
    "unreachable",
    "not_polled",
    "still_running",
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One run of `collect`; the keys of `collect --json`.

    Attributes:
        run_id: the run.
        source: which gateway was polled.
        requested: distinct valid ids given.
        rejected: the first thousand values given that are not ids, as {id (its first characters), file (null for
            arguments), line, reason}; `rejected_count` counts all.
        skipped_terminal: ids given that were known to have ended; they were not polled.
        asked: distinct ids to poll: given ones, and known ones that were due.
        fetched: answers archived.
        requests: requests sent, retries and refused ones included.
        retries: requests sent again after a failure.
        refusals: requests that were rate-limited (429) and sent again.
        outcomes: answers by outcome.
        statuses: ids polled, by the status in the last answer.
        segments_loaded: archive segments loaded, including those of earlier runs.
        unreachable: ids whose last answer says nothing about them, and ids never polled because the run ended early.
        not_polled: ids not polled, or only rate-limited (429), before the deadline came; they are still pending.
        still_running: ids given that will be polled again.
        problem: what went wrong, as a sentence; null when nothing did.
        published: the file readers open; null when nothing was published.
        seconds: how long it took.
        segments_waiting: archive segments of this run that are left to `avatar-tasks load`; null if the run loads.
        accept_other_ids: whether the gateway may answer under ids of its own (the setting).
        poll_min_seconds: minimum seconds between two polls of a task (the setting POLL_MIN).
        give_up_after_seconds: age after which a task that never ended is no longer polled (the setting GIVE_UP_AFTER).
        other_ids: answers under other ids than were polled: for how many ids one is proven to be about another task,
            and for how many that is not proven, with examples.
        discovered: the result of reading the gateway's list of tasks; null if it was not read.
        missing_storm: a sentence if the gateway suddenly does not know many ids; otherwise null.
    """

    run_id: str
    source: str
    requested: int
    rejected: list[dict[str, Any]]
    rejected_count: int
    skipped_terminal: int
    asked: int
    fetched: int
    requests: int
    retries: int
    refusals: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    segments_loaded: int
    unreachable: int
    still_running: int
    exit_code: ExitCode
    problem: str | None
    published: str | None
    seconds: float
    segments_waiting: int | None = None
    not_polled: int = field(default=0, kw_only=True)
    accept_other_ids: bool = False
    poll_min_seconds: float | None = None
    give_up_after_seconds: float | None = None
    other_ids: OtherIds = field(default_factory=OtherIds)
    missing_storm: str | None = None
    discovered: Discovered | None = None

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return dataclasses.asdict(self) | {"exit_code": int(self.exit_code)}

    def as_lines(self) -> list[str]:
        """For people."""
        polled = f"{plural(self.fetched, 'answer')} about {plural(self.asked, 'id')}"
        lines = [f"{polled} in {self.seconds:.1f} s{self._counted(self.statuses)}"]
        other = {name: count for name, count in self.outcomes.items() if name != "task"}
        if other:
            lines.append(f"not tasks{self._counted(other)}")
        if self.skipped_terminal:
            lines.append(
                f"{self.skipped_terminal:,} of {self.requested:,} ids given had ended before and were not polled"
            )
        if self.still_running:
            have = "has" if self.still_running == 1 else "have"
            waiting = f"{plural(self.still_running, 'id')} given {have} not ended yet"
            lines.append(f"{waiting}; the next collect polls those that are due")
        sent = plural(self.requests, "request")
        lines.append(f"{sent}, {self.retries:,} of them retries, {self.refusals:,} rate-limited (429)")
        lines += self.discovered.as_lines() if self.discovered else []
        lines += map(_rejected_line, self.rejected[:10])
        if self.rejected_count > len(self.rejected[:10]):
            lines.append(f"… and {self.rejected_count - 10:,} more that are not task ids (--json lists them)")
        if self.missing_storm:
            lines.append(self.missing_storm)
        lines += self.other_ids.as_lines()
        if self.published:
            lines.append(f"published {self.published}")
        if self.segments_waiting:
            lines.append(
                f"{self.segments_waiting:,} segments are archived and not loaded: run `avatar-tasks load` to load them"
            )
        return lines

    @staticmethod
    def _counted(counts: dict[str, int]) -> str:
        return ": " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) if counts else ""


def policy_in_words(policy: PollingPolicy) -> dict[str, Any]:
    """The settings of a run that a later load uses if it finds no other settings for the source."""
    return {
        "accept_other_ids": policy.accept_other_ids,
        "poll_min_seconds": policy.min_seconds,
        "give_up_after_seconds": policy.give_up_after.total_seconds(),
    }


def _rejected_line(one: dict[str, Any]) -> str:
    place = f"{one['file']}, line {one['line']}" if one["file"] else f"argument {one['line']}"
    return f"{place}: {one['id']!r} is not a task id: {one['reason']}"
