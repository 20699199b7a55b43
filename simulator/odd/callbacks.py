"""What a gateway posts when tasks end; some callbacks are lost, late, forged or posted twice. None is ever retried."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Literal, NamedTuple

from simulator.clock import Clock
from simulator.life import Task
from simulator.limits import chance
from simulator.render import body_at
from simulator.world import World

CallbackKind = Literal["plain", "late", "twice", "forged"]

LONGEST_DELAY_SECONDS = 3_600.0
FORGED_EVERY = 10
"""For about one in this many tasks there is also a forged callback: that it has failed, long before it ends."""
_TIMEOUT_SECONDS = 10.0
_PAUSE_SECONDS = 0.5


class Callback(NamedTuple):
    """One callback; `at` is when it is posted, in Unix seconds."""

    at: float
    task_id: str
    kind: CallbackKind
    body: bytes


@dataclass(slots=True)
class Callbacks:
    """Posts to `url` the callbacks that are due according to the clock.

    Attributes:
        world: the world whose tasks end.
        clock: the gateway's clock.
        url: where callbacks are posted.
        lost_share: share of ended tasks whose callback is never posted.
        twice_share: share of callbacks that are posted twice.
        late_share: share of callbacks that are posted up to an hour late.
        forged: whether forged callbacks are posted, which contradict the gateway.
        statuses: number of callbacks posted, by the HTTP status of the answer; 0 if there was no answer.
    """

    world: World
    clock: Clock
    url: str
    lost_share: float = 0.0
    twice_share: float = 0.0
    late_share: float = 0.0
    forged: bool = False
    statuses: Counter[int] = field(default_factory=Counter)
    _until: float = 0.0

    def due(self, since: float, until: float) -> list[Callback]:
        """The callbacks due after `since` and not after `until`, in order; always the same ones."""
        found = (one for task in self.world.tasks for one in self._of(task))
        return sorted(one for one in found if since < one.at <= until)

    def post_due(self) -> int:
        """Post what has become due since the last time; returns how many."""
        now = self.clock().timestamp()
        due = self.due(self._until, now)
        self._until = now
        for one in due:
            self.statuses[self._post(one.body)] += 1
        return len(due)

    def keep_posting(self, stop: Event) -> None:
        """Post callbacks until `stop` is set, but none for tasks that ended before this call."""
        self._until = self.clock().timestamp()
        while not stop.wait(_PAUSE_SECONDS):
            self.post_due()

    def _of(self, task: Task) -> Iterator[Callback]:
        if task.seen_end is None:
            return
        end, seed = task.seen_end, self.world.seed
        if self.forged and chance(seed, "forged", task.id) < 1 / FORGED_EVERY:
            said = {"task_id": task.id, "status": "FAILURE", "fail_reason": "forged"}
            yield Callback(task.submit + 1, task.id, "forged", json.dumps(said).encode())
        known = body_at(task, end)
        if known is None or chance(seed, "lost", task.id) < self.lost_share:
            return
        is_late = chance(seed, "late", task.id) < self.late_share
        delay = chance(seed, "delay", task.id) * LONGEST_DELAY_SECONDS if is_late else 0.0
        yield Callback(end + delay, task.id, "late" if is_late else "plain", known[0])
        if chance(seed, "twice", task.id) < self.twice_share:
            yield Callback(end + delay + 1, task.id, "twice", known[0])

    def _post(self, body: bytes) -> int:
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310 - as given
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as given
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
