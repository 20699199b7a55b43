"""A world of tasks, reproducible from its seed, with the rows expected in the warehouse."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from simulator.causes import Causes, draw_causes, plant
from simulator.life import Task
from simulator.odd.special import special_task
from simulator.population import Population, Settings, draw_incidents, draw_step
from simulator.truth import Truth, truth_of


class World:
    """`tasks` tasks submitted over [start, end), and how they ended.

    Args:
        seed: the same seed and arguments give the same world, down to every byte of every answer.
        tasks: the number of tasks.
        start: the first instant of a submission, aware.
        end: the instant after the last submission, aware; tasks may still be running then.
        source: the `source` in the expected rows.
        odd_share: share of tasks whose answer differs from the plain envelope; 0 makes all of them plain.
        failure_share: share of tasks that fail on an ordinary day; the incident adds about 1.5% on top.
        stuck_share: share of tasks that never end.
        poll_seconds: seconds between two ticks of the gateway's own poller.
        timeout_minutes: the gateway gives a task up after this time (`任务超时（30分钟）`).
        rush: how many of the tasks are submitted in the last `rush_seconds` before `end`.
        rush_seconds: see `rush`.
        latest_end: if given, the provider has finished every task by then, except stuck ones.
        utc_offset_hours: time zone of the people who submit, whose working hours set the daily pattern.
        with_causes: whether to plant causes that an analysis should find (see `causes`).
        is_incident_busy: whether the provider's failures fill one busy hour, and not a fourteenth of the time.
    """

    def __init__(
        self,
        seed: int,
        tasks: int,
        *,
        start: datetime,
        end: datetime,
        source: str = "default",
        odd_share: float = 0.2,
        failure_share: float = 0.07,
        stuck_share: float = 0.0,
        poll_seconds: float = 15.0,
        timeout_minutes: int = 30,
        rush: int = 0,
        rush_seconds: float = 120.0,
        latest_end: datetime | None = None,
        utc_offset_hours: int = 8,
        is_incident_busy: bool = False,
        with_causes: bool = False,
    ) -> None:
        settings = Settings(
            seed=seed,
            tasks=tasks,
            start=start.timestamp(),
            end=end.timestamp(),
            odd_share=odd_share,
            failure_share=failure_share,
            stuck_share=stuck_share,
            poll_seconds=poll_seconds,
            timeout_minutes=timeout_minutes,
            rush=rush,
            rush_seconds=rush_seconds,
            latest_end=latest_end.timestamp() if latest_end else None,
            utc_offset_hours=utc_offset_hours,
            is_incident_busy=is_incident_busy,
        )
        self.seed, self.source, self.poll_seconds = seed, source, poll_seconds
        self._draw(settings, with_causes=with_causes)

    def _draw(self, settings: Settings, *, with_causes: bool) -> None:
        seed = settings.seed
        self.incidents = draw_incidents(settings)
        self.causes: Causes | None = draw_causes(seed, draw_step(settings, self.incidents)) if with_causes else None
        self.tasks: Sequence[Task] = Population(settings, self.incidents).tasks()
        if self.causes:
            self.tasks = plant(self.tasks, self.causes, seed, settings.latest_end)
        self.ids: list[str] = [task.id for task in self.tasks]
        self._by_id = {task.id: task for task in self.tasks}

    @classmethod
    def recent(
        cls,
        seed: int,
        tasks: int,
        *,
        now: datetime,
        days: float = 7,
        rush: int | None = None,
        odd_share: float = 0.2,
        with_causes: bool = False,
    ) -> Self:
        """A world of the `days` before `now`; its last tasks are still running at `now` and end within 15 minutes.

        `rush` of them (default: one in forty, at least twenty) are submitted in the last two minutes. The largest
        platform hardly works in one busy hour.
        """
        return cls(
            seed,
            tasks,
            start=now - timedelta(days=days),
            end=now,
            odd_share=odd_share,
            rush=min(tasks, max(20, tasks // 40)) if rush is None else rush,
            latest_end=now + timedelta(minutes=15),
            is_incident_busy=True,
            with_causes=with_causes,
        )

    def __len__(self) -> int:
        return len(self.tasks)

    def find(self, task_id: str) -> Task | None:
        """The task with this id, one of the world's own or a special one (`sim_…`); None if there is none."""
        return self._by_id.get(task_id) or special_task(task_id)

    def truth(self, now: datetime, ids: Iterable[str] | None = None) -> Truth:
        """The rows that the warehouse must have once every task (or those of `ids`) has been observed at `now`.

        Raises:
            KeyError: one of `ids` is not a task.
        """
        return truth_of(self.tasks if ids is None else map(self._known, ids), now.timestamp(), self.source)

    def all_terminal_at(self) -> datetime:
        """The instant by which the gateway has seen every task end (except stuck ones)."""
        last = max((task.seen_end for task in self.tasks if task.seen_end is not None), default=0.0)
        return datetime.fromtimestamp(last, UTC) + timedelta(milliseconds=1)

    def _known(self, task_id: str) -> Task:
        if (task := self.find(task_id)) is None:
            raise KeyError(task_id)
        return task
