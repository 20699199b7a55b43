"""When a pending id is polled again, and when it is given up: by the settings of its source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PollingPolicy:
    """A task is polled again once `age_share` of its age has passed since the last poll, within bounds.

    A quarter means that a task's end is seen at most a quarter of its age late, and that the number of polls grows with
    the logarithm of its age. A row of the table `polling_policy` has these fields, except for the last two.

    Attributes:
        source: the source that has these settings; None if they are the settings common to all of `others`.
        age_share: polled again when this share of its age has passed since the last poll,
        min_seconds: but not sooner than this,
        max_seconds: nor later than this.
        missing_limit: an id that the gateway does not know is given up after this many polls.
        give_up_after: a task older than this is given up.
        accept_other_ids: whether the gateway answers under ids of its own (see `warehouse.load.identity`).
        others: the policies of the other configured sources. A source that is not configured has the policy that its
            last run recorded; if none did, it has this one.
    """

    age_share: float = 0.25
    min_seconds: float = 15.0
    max_seconds: float = 3600.0
    missing_limit: int = 3
    give_up_after: timedelta = timedelta(days=7)
    source: str | None = "default"
    accept_other_ids: bool = False
    others: Sequence[PollingPolicy] = ()

    @property
    def of_sources(self) -> list[PollingPolicy]:
        """The policies of the configured sources."""
        return [one for one in (self, *self.others) if one.source is not None]

    def row(self) -> tuple[str | None, float, float, float, int, float]:
        return (
            self.source,
            self.age_share,
            self.min_seconds,
            self.max_seconds,
            self.missing_limit,
            self.give_up_after.total_seconds(),
        )
