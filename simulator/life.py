"""The states of a task, and what the gateway knows of them at an instant.

The provider has its own clock. The gateway sees the provider's work only when its poller ticks, so every time that the
gateway reports, except the time of submission, is the time of a tick.
"""

from dataclasses import dataclass
from typing import Literal

from simulator.odd.quirks import Quirk, quirk
from simulator.words import PROVIDER_WORDS, Channel, Failure, Status

Phase = Literal["queued", "running", "done", "failed"]

WEB_WORK_STATUS: dict[Phase, int] = {"queued": 0, "running": 100, "done": 200, "failed": -1}
ACCEPTED_AFTER_SECONDS = 1.0
STUCK_PROGRESS_SECONDS = 600.0  # a task that never ends reaches 90% in this time


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the world. Instants are Unix seconds; None means that the gateway never sees that state."""

    id: str
    action: str
    channel: Channel
    submit: int
    seen_queued: float | None
    seen_running: float | None
    seen_end: float | None
    failure: Failure | None = None
    quirk_name: str = ""
    is_new_style: bool = False
    has_hook: bool = False
    content: str = ""  # id of the task whose work is tried again; its own if there is none
    odd_word: str = ""  # always sent as the status, instead of any other
    poll_seconds: float = 15.0  # between two ticks of the gateway's poller

    @property
    def quirk(self) -> Quirk:
        return quirk(self.quirk_name)

    @property
    def reaches_provider(self) -> bool:
        """Whether there is ever a work: a task that the gateway rejects has none."""
        return self.failure is None or self.failure.fail_class in ("provider", "gateway_timeout", "unknown")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gateway reports of a task: times in Unix seconds (0: not recorded), progress in percent or None.

    `word` is the status as sent, `status` its canonical value; `phase` is the state of the provider's work at the last
    tick, None if there is none yet.
    """

    status: Status
    word: str
    progress: int | None
    start: int
    finish: int
    phase: Phase | None

    @property
    def is_terminal(self) -> bool:
        return self.status in ("SUCCESS", "FAILURE")


def observe(task: Task, now: float) -> Seen | None:
    """The task as the gateway reports it at `now`; None before its submission."""
    if now < task.submit:
        return None
    stage = _stage(task, now)
    if task.quirk.is_work_only:
        return _observe_work(stage)
    status, word = _wording(task, stage)
    return Seen(status, word, _progress(task, stage, now), *_recorded(task, stage), _phase(task, stage))


def _stage(task: Task, now: float) -> Status:
    """The furthest stage seen by a tick; it only moves forward."""
    if task.seen_end is not None and now >= task.seen_end:
        return "FAILURE" if task.failure else "SUCCESS"
    if task.seen_running is not None and now >= task.seen_running:
        return "IN_PROGRESS"
    if task.seen_queued is not None and now >= task.seen_queued:
        return "QUEUED"
    return "NOT_START" if now < task.submit + ACCEPTED_AFTER_SECONDS else "SUBMITTED"


def _observe_work(stage: Status) -> Seen:
    """A work without a task around it: it has only `web_work_status`, of which only 200 has a documented meaning."""
    phases: dict[Status, Phase] = {"SUCCESS": "done", "IN_PROGRESS": "running"}
    phase = phases.get(stage, "queued")
    status: Status = "SUCCESS" if phase == "done" else "UNKNOWN"
    return Seen(status, str(WEB_WORK_STATUS[phase]), None, 0, 0, phase)


def _wording(task: Task, stage: Status) -> tuple[Status, str]:
    if task.odd_word:
        return "UNKNOWN", task.odd_word
    if task.quirk_name == "nested_gateway_task" and stage == "IN_PROGRESS":
        return "UNKNOWN", "unknown"  # a gateway behind a gateway reports this for tasks that later succeed
    if task.quirk_name != "provider_words":
        return stage, stage
    words = PROVIDER_WORDS[
        {"IN_PROGRESS": "running", "SUCCESS": "succeeded", "FAILURE": "failed"}.get(stage, "waiting")
    ]
    word, status = words[task.submit % len(words)]
    return status, word


def _progress(task: Task, stage: Status, now: float) -> int | None:
    if task.quirk_name == "empty_progress":
        return None
    fixed = {"NOT_START": 0, "SUBMITTED": 10, "QUEUED": 20, "SUCCESS": 100, "FAILURE": 100}
    return fixed[stage] if stage in fixed else _running_progress(task, now)


def _running_progress(task: Task, now: float) -> int:
    """30% while running, or in steps of ten up to 90% if the provider reports progress."""
    began = task.seen_running or task.submit
    if not task.channel.says_progress:
        return 30
    whole = STUCK_PROGRESS_SECONDS if task.seen_end is None else task.seen_end - began
    last_tick = (now - began) // task.poll_seconds * task.poll_seconds
    return min(90, 30 + 10 * int(7 * last_tick / whole))


def _recorded(task: Task, stage: Status) -> tuple[int, int]:
    """`start_time` and `finish_time` as recorded so far."""
    has_ended = stage in ("SUCCESS", "FAILURE")
    has_started = task.seen_running is not None and (has_ended or stage == "IN_PROGRESS")
    has_finish_time = has_ended and task.quirk_name != "finish_time_missing"
    return int(task.seen_running or 0) if has_started else 0, int(task.seen_end or 0) if has_finish_time else 0


def _phase(task: Task, stage: Status) -> Phase | None:
    if not task.reaches_provider or stage in ("NOT_START", "SUBMITTED"):
        return None
    if stage == "FAILURE":
        swept = task.failure is not None and task.failure.fail_class == "gateway_timeout"
        return "running" if swept else "failed"
    phases: dict[Status, Phase] = {"SUCCESS": "done", "IN_PROGRESS": "running"}
    return phases.get(stage, "queued")
