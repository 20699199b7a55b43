"""When a pending id is polled again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class PollingPolicy:
    """A task is polled again once `age_share` of its age has passed since the last poll, within bounds.

    A quarter means that a task's end is seen at most a quarter of its age late, at a cost that grows with the logarithm
    of its age. The columns of the table `polling_policy` are these fields, but for the last two: `source`, whose
    settings these are, and `accept_other_ids`, whether its gateway answers under ids of its own (see
    `warehouse.load.identity`).
    """

    age_share: float = 0.25
    min_seconds: float = 15.0
    max_seconds: float = 3600.0
    missing_limit: int = 3
    give_up_after: timedelta = timedelta(days=7)
    source: str = "default"
    accept_other_ids: bool = False

    def row(self) -> list[float | int]:
        return [
            self.age_share,
            self.min_seconds,
            self.max_seconds,
            self.missing_limit,
            self.give_up_after.total_seconds(),
        ]
