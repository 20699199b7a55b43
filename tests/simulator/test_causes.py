"""The causes planted in a world: what they change, and what they leave as it was."""

from datetime import UTC, datetime
from statistics import median

import pytest

from simulator import World
from simulator.life import Task
from simulator.work import work_of

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def plain() -> World:
    return World.recent(seed=11, tasks=4000, now=NOW)


@pytest.fixture(scope="module")
def planted() -> World:
    return World.recent(seed=11, tasks=4000, now=NOW, with_causes=True)


def template(task: Task) -> str:
    return str(work_of(task, "done").values["template_id"])


def test_ids_and_times_of_submission_stay(plain: World, planted: World) -> None:
    """So a world with causes is handed in like any other, and is as repeatable."""
    again = World.recent(seed=11, tasks=4000, now=NOW, with_causes=True)
    assert planted.ids == plain.ids
    assert [task.submit for task in planted.tasks] == [task.submit for task in plain.tasks]
    assert list(again.tasks) == list(planted.tasks)


def test_one_template_fails_more_and_the_others_as_before(plain: World, planted: World) -> None:
    """A quarter of its tasks more."""
    assert planted.causes
    failed = {
        (name, is_bad): [task.failure is not None for task in world.tasks if (template(task) == bad) == is_bad]
        for name, world in (("plain", plain), ("planted", planted))
        for bad in [planted.causes.template_id]
        for is_bad in (True, False)
    }
    share = {key: sum(values) / len(values) for key, values in failed.items()}
    assert 0.15 < share["planted", True] - share["plain", True] < 0.35
    assert share["planted", False] == pytest.approx(share["plain", False], abs=0.01)


def test_a_voice_is_slower_and_from_one_hour_on_everything(planted: World) -> None:
    """By the factors of the causes, as far as whole ticks of the poller allow."""
    causes = planted.causes
    assert causes

    def typical(*, voiced: bool, later: bool) -> float:
        return median(
            task.seen_end - task.submit
            for task in planted.tasks
            if task.seen_end and not task.failure
            and (work_of(task, "done").pt_infos[0]["voice_engine_id"] == causes.voice_engine_id) == voiced
            and (task.submit >= causes.slower_from.timestamp()) == later
        )  # fmt: skip

    usual = typical(voiced=False, later=False)
    assert 1.2 < typical(voiced=True, later=False) / usual < 2
    assert 1.2 < typical(voiced=False, later=True) / usual < 1.6


def test_a_retry_has_the_work_of_the_task_that_failed_before_it(planted: World) -> None:
    """Template and parameters, under an id and times of its own."""
    retries = [task for task in planted.tasks if task.content]
    assert retries
    for retry in retries:
        first = planted.find(retry.content)
        assert first
        assert first.submit < retry.submit
        assert first.failure
        assert work_of(first, "done").pt_infos == work_of(retry, "done").pt_infos
        assert template(first) == template(retry)
        assert work_of(retry, "done").values["animate_id"] == retry.id


def test_every_task_still_ends_in_order(planted: World) -> None:
    """Queued, running, ended; and the last by the time the world promises."""
    for task in planted.tasks:
        seen = [at for at in (task.seen_queued, task.seen_running, task.seen_end) if at is not None]
        assert seen == sorted(seen)
    assert (planted.all_terminal_at() - NOW).total_seconds() <= 15 * 60 + 16
