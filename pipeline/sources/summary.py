"""The result of `collect` for several gateways: of each, and the sum."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from pipeline.collect.summary import ADDED
from pipeline.errors import WORST_FIRST, ExitCode


@dataclass(frozen=True, slots=True)
class SourceEnd:
    """How the run for one gateway ended.

    Attributes:
        source: the gateway's name.
        exit_code: as documented for `collect`.
        problem: what went wrong, as a sentence; None when nothing did.
        summary: what `collect --json` prints; None if the run printed no summary.
        has_reported: whether the run itself has reported `problem`.
    """

    source: str
    exit_code: ExitCode
    problem: str | None = None
    summary: dict[str, Any] | None = None
    has_reported: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The summary; if there is none, at least the exit code and the problem."""
        return self.summary or {"source": self.source, "exit_code": int(self.exit_code), "problem": self.problem}

    def as_line(self) -> str:
        """For people; without the problem if the run itself has reported it."""
        if self.summary is None:
            return f"{self.source}: {'not collected' if self.has_reported else self.problem}"
        found = self.summary
        statuses = ", ".join(f"{count:,} {name}" for name, count in found["statuses"].items())
        line = f"{found['fetched']:,} answers about {found['asked']:,} ids in {found['seconds']:.1f} s"
        return f"{self.source}: {line}{f': {statuses}' if statuses else ''}"


@dataclass(frozen=True, slots=True)
class SourcesSummary:
    """One `collect` for several gateways; `as_dict` is what `--json` prints: sums, and `sources` with each of them."""

    ends: list[SourceEnd]
    seconds: float

    @property
    def exit_code(self) -> ExitCode:
        """The worst exit code of all gateways."""
        codes = {one.exit_code for one in self.ends}
        return next((code for code in WORST_FIRST if code in codes), ExitCode.DONE)

    @property
    def problem(self) -> str | None:
        """Which gateways did not end with 0, as a sentence; None when all did."""
        bad = [f"{one.source} ended with {int(one.exit_code)}" for one in self.ends if one.exit_code]
        return f"{len(self.ends) - len(bad)} of {len(self.ends)} sources are done; {', '.join(bad)}" if bad else None

    def as_lines(self) -> list[str]:
        """For people: a line for each gateway."""
        return [one.as_line() for one in self.ends]

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        parts = [one.summary for one in self.ends if one.summary]
        return {
            "run_id": None,
            "source": None,
            **{name: sum(part[name] for part in parts) for name in ("rejected_count", *ADDED)},
            "rejected": [one for part in parts for one in part["rejected"]],
            **{name: _summed([part[name] for part in parts]) for name in ("outcomes", "statuses")},
            "exit_code": int(self.exit_code),
            "problem": self.problem,
            "seconds": self.seconds,
            "sources": {one.source: one.as_dict() for one in self.ends},
        }


def _summed(parts: list[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)
