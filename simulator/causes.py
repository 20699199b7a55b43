# ruff: noqa: S311  (seeded randomness is the point of a simulator)
"""Causes of failures and slowness that are planted in a world's tasks, for an analysis to find."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from simulator.life import Task
from simulator.words import draw_failure
from simulator.work import Work, template_of, work_of

TEMPLATES = 20
VOICES = 8
RETRIED_CLASSES = ("provider", "gateway_timeout", "unknown")
# A retry is in another hour than the failure, so that one template does not make an hour look like an incident.
RETRY_AFTER_SECONDS = 3600.0
RETRY_WITHIN_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Causes:
    """The planted causes.

    Of the tasks with `template_id` that would otherwise succeed, `template_failure_share` fail. Tasks with
    `voice_engine_id` in their first `pt_infos` take `voice_factor` times as long to run. From `slower_from` on, all
    tasks take `slower_factor` times as long. Of the failures that may succeed when tried again, `retry_share` are
    submitted once more, as the next task after an hour. Of the plain tasks, `signed_share` have links that expire.
    """

    template_id: str
    voice_engine_id: int
    slower_from: datetime
    template_failure_share: float = 0.25
    voice_factor: float = 1.8
    slower_factor: float = 1.5
    retry_share: float = 0.6
    signed_share: float = 0.3


def draw_causes(seed: int, slower_from: datetime) -> Causes:
    rng = Random(f"{seed}/causes")
    return Causes(template_of(rng.randrange(TEMPLATES)), rng.randrange(1, VOICES + 1), slower_from)


def plant(tasks: Sequence[Task], causes: Causes, seed: int, latest_end: float | None) -> list[Task]:
    """The tasks after applying `causes`, in the same order, with the same ids and times of submission."""
    rng = Random(f"{seed}/planted")
    submits = [task.submit for task in tasks]
    contents: dict[int, str] = {}
    planted: list[Task] = []
    for index, task in enumerate(tasks):
        changed = _changed(replace(task, content=contents.get(index, "")), causes, rng, latest_end)
        planted.append(changed)
        if (retry := _retried_as(changed, submits, causes, rng)) is not None and retry not in contents:
            contents[retry] = changed.content or changed.id
    return planted


def _changed(task: Task, causes: Causes, rng: Random, latest_end: float | None) -> Task:
    # Drawn for every task, so that one task's fate does not change the others'.
    is_failing, is_signed = rng.random() < causes.template_failure_share, rng.random() < causes.signed_share
    work = work_of(task, "done")
    if is_failing and work.values["template_id"] == causes.template_id and _can_fail(task):
        return _failed(task, rng)
    slower = _slower(task, _factor(task, work, causes), latest_end)
    return replace(slower, quirk_name="signed_urls") if is_signed and not task.quirk_name else slower


def _can_fail(task: Task) -> bool:
    return task.failure is None and task.seen_end is not None and not task.quirk.is_work_only


def _failed(task: Task, rng: Random) -> Task:
    """The task, failing half-way because of the provider."""
    half = _moved(task, 0.5, math.floor)
    return replace(half, failure=draw_failure(rng, "provider", 0))


def _factor(task: Task, work: Work, causes: Causes) -> float:
    is_voiced = work.pt_infos[0]["voice_engine_id"] == causes.voice_engine_id
    is_later = task.submit >= causes.slower_from.timestamp()
    return (causes.voice_factor if is_voiced else 1.0) * (causes.slower_factor if is_later else 1.0)


def _slower(task: Task, factor: float, latest_end: float | None) -> Task:
    if task.seen_end is None or not task.reaches_provider or factor == 1:
        return task
    slower = _moved(task, factor, math.ceil)
    is_late = latest_end is not None and slower.seen_end is not None and slower.seen_end > latest_end
    return task if is_late else slower


def _moved(task: Task, factor: float, whole: Callable[[float], int]) -> Task:
    """The task with a run `factor` times as long, in whole ticks of the gateway's poller."""
    began = task.seen_running or task.seen_queued
    if began is None or task.seen_end is None:
        return task
    ticks = max(1, whole((task.seen_end - began) / task.poll_seconds * factor - 1e-6))
    return replace(task, seen_end=began + ticks * task.poll_seconds)


def _retried_as(task: Task, submits: list[int], causes: Causes, rng: Random) -> int | None:
    """The index of the task that retries the same work, if any: the next one submitted an hour after the failure."""
    is_retried = rng.random() < causes.retry_share
    if not is_retried or task.failure is None or task.seen_end is None:
        return None
    if task.failure.fail_class not in RETRIED_CLASSES:
        return None
    at = bisect_left(submits, task.seen_end + RETRY_AFTER_SECONDS)
    return at if at < len(submits) and submits[at] <= task.seen_end + RETRY_WITHIN_SECONDS else None
