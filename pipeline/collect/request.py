"""What one run of `collect` has to do, from the options of the command line or the parameters of the flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pipeline.errors import UnusableInputError
from pipeline.intake.feeds import Feeds
from pipeline.intake.source import IdSource
from pipeline.spans import DEFAULT_SINCE, SpanError, read_span

if TYPE_CHECKING:
    from collections.abc import Sequence


#: How a list of ids was drawn.
DrawnFrom = Literal["running", "all"]


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """Which ids to collect, and how: built once, from the command line or a flow's parameters, and then passed on.

    Attributes:
        ids: given one by one.
        ids_file: a file with ids, `-` for stdin.
        ids_column: the column or key that holds them; if not given, the one called task_id or id.
        ids_from: a folder of exports, or SQL for DuckDB, whose new ids are also collected.
        inbox: a folder with files of ids, which are also collected and then moved away.
        discover: first read the gateway's own list of tasks; tasks that it shows need no poll.
        since: how far back the list is read, e.g. `7 days`.
        action: read only tasks of this action from the list.
        refresh: also poll known tasks that are due.
        again: also poll given ids that have ended: their outcome may have changed.
        where: with `again`, also poll the tasks that match this SQL condition on the columns of `tasks`.
        follow: continue until every task given has ended.
        deadline_seconds: seconds after the start of the run at which it stops polling.
        load: load and publish; otherwise the warehouse stays as it is, and `avatar-tasks load` loads later.
        drawn_from: how the ids were drawn: `running`, from the tasks running then; `all`, from all tasks. If not given,
            the view `accepted_lists` infers it.
        sources: how many gateways are collected at the same time; their runs lock the warehouse one after another.
        share: (number, of): poll only share `number`, counted from 0, of `of` shares of the accepted ids.
    """

    ids: Sequence[str] = ()
    ids_file: str | None = None
    ids_column: str | None = None
    ids_from: str | None = None
    inbox: str | None = None
    refresh: bool = True
    follow: bool = False
    deadline_seconds: float | None = None
    load: bool = True
    drawn_from: DrawnFrom | None = None
    share: tuple[int, int] = (0, 1)
    discover: bool = False
    since: str = DEFAULT_SINCE
    action: str | None = None
    again: bool = False
    where: str | None = None
    sources: int = 1

    def __post_init__(self) -> None:
        if self.where is not None and not self.again:
            raise UnusableInputError("--where selects tasks to poll once more: add --again")
        if self.again and not self.has_ids and self.share == (0, 1):
            raise UnusableInputError(
                "--again needs ids, or a condition with --where: otherwise there is nothing to poll"
            )

    @property
    def since_seconds(self) -> float:
        """How far back the gateway's list is read.

        Raises:
            UnusableInputError: when that is not a span of time.
        """
        try:
            span = read_span(self.since, default_unit="s")
        except SpanError as error:
            raise UnusableInputError(f"--since {self.since!r} cannot be used: {error}") from None
        if span is None or not timedelta(0) < span <= timedelta(days=36_525):
            msg = f"--since {self.since!r} is not a span of time: give e.g. '7 days' or '12h'"
            raise UnusableInputError(msg)
        return span.total_seconds()

    @property
    def given(self) -> IdSource:
        """The ids given one by one and in a file."""
        return IdSource(self.ids, self.ids_file, self.ids_column)

    @property
    def feeds(self) -> Feeds:
        """Where further ids come from."""
        return Feeds(self.inbox, self.ids_from, self.ids_column)

    @property
    def has_ids(self) -> bool:
        """Whether there may be ids to accept; otherwise the run only refreshes what is due."""
        return bool(self.given.is_given or self.inbox or self.ids_from or self.where)
