"""The simulated world: repeatable, believable, and never going backwards."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from simulator import World
from simulator.odd.quirks import QUIRKS
from simulator.render import body_at
from simulator.truth import Row

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)
RANK = {"UNKNOWN": 0, "NOT_START": 0, "SUBMITTED": 1, "QUEUED": 2, "IN_PROGRESS": 3, "SUCCESS": 4, "FAILURE": 4}


@pytest.fixture(scope="module")
def week() -> World:
    return World.recent(seed=11, tasks=4000, now=NOW)


@pytest.fixture(scope="module")
def ended(week: World) -> list[Row]:
    """How the week's tasks ended."""
    return week.truth(week.all_terminal_at()).tasks


def test_the_same_seed_gives_the_same_world_to_the_byte() -> None:
    """Ids, times and every answer."""
    one, other = (World.recent(seed=5, tasks=300, now=NOW, odd_share=1) for _ in range(2))
    instant = NOW.timestamp()
    assert one.ids == other.ids
    assert [body_at(task, instant) for task in one.tasks] == [body_at(task, instant) for task in other.tasks]


def test_another_seed_gives_another_world() -> None:
    """No id is in both."""
    assert not set(World.recent(seed=5, tasks=300, now=NOW).ids) & set(World.recent(seed=6, tasks=300, now=NOW).ids)


def test_ids_are_distinct_in_order_of_submission_and_of_both_styles(week: World) -> None:
    """32 hex digits mostly, `task_` and 32 characters from newer gateways."""
    assert len(set(week.ids)) == len(week) == 4000
    assert [task.submit for task in week.tasks] == sorted(task.submit for task in week.tasks)
    new = [task_id for task_id in week.ids if task_id.startswith("task_")]
    assert 0.1 < len(new) / 4000 < 0.3
    assert {len(task_id) for task_id in week.ids} == {32, 37}


def test_a_task_never_goes_back() -> None:
    """Status, progress and recorded times only ever move forward, and what has ended stays ended."""
    world = World.recent(seed=3, tasks=200, now=NOW, odd_share=0.5)
    for task_id in world.ids:
        rows = list(_life(world, task_id))
        known = [row for row in rows if row["status"] != "UNKNOWN"]
        assert [RANK[row["status"]] for row in known] == sorted(RANK[row["status"]] for row in known)
        progress = [row["progress_pct"] for row in rows if row["progress_pct"] is not None]
        assert progress == sorted(progress)
        terminal = [row["is_terminal"] for row in rows]
        assert terminal == sorted(terminal)
        assert terminal[-1]


def _life(world: World, task_id: str) -> list[Row]:
    """The task's rows every few seconds from its submission to its end."""
    task = world.find(task_id)
    assert task is not None
    assert task.seen_end is not None
    instants = [task.submit + 5.0 * step for step in range(int(task.seen_end - task.submit) // 5 + 2)]
    rows = [world.truth(datetime.fromtimestamp(instant, UTC), [task_id]).tasks for instant in instants]
    return [row for [row] in rows]


def test_every_recorded_time_is_in_order_and_in_the_past() -> None:
    """Whatever the instant: submit, start, finish, now."""
    world = World.recent(seed=3, tasks=800, now=NOW)
    for now in (NOW, NOW + timedelta(seconds=40), world.all_terminal_at()):
        for row in world.truth(now).tasks:
            times = [time for name in ("submit_time", "start_time", "finish_time") if (time := row[name])]
            assert [*times, now] == sorted([*times, now])


def test_a_task_that_is_not_submitted_yet_is_no_task() -> None:
    """There is nothing to tell before."""
    world = World.recent(seed=3, tasks=100, now=NOW)
    assert len(world.truth(NOW - timedelta(days=3)).tasks) < 100
    assert not world.truth(NOW - timedelta(days=8)).tasks


def test_at_the_end_of_a_recent_week_some_tasks_are_running_and_all_end_soon(week: World) -> None:
    """The demo has something to watch, and its end is in sight."""
    statuses = Counter(row["status"] for row in week.truth(NOW).tasks)
    assert statuses["IN_PROGRESS"] + statuses["QUEUED"] + statuses["SUBMITTED"] >= 20
    assert NOW < week.all_terminal_at() < NOW + timedelta(minutes=16)
    assert all(row["is_terminal"] for row in week.truth(week.all_terminal_at()).tasks)


def test_six_to_ten_per_cent_fail_and_fail_sooner_than_others_succeed(ended: list[Row]) -> None:
    """The reason why the naive failure rate of the last minutes is always wrong."""
    failed = [row["latency_seconds"] for row in ended if row["status"] == "FAILURE" and row["latency_seconds"]]
    succeeded = [row["latency_seconds"] for row in ended if row["status"] == "SUCCESS" and row["latency_seconds"]]
    assert 0.06 < len(failed) / len(ended) < 0.10
    assert median(failed) < 0.7 * median(succeeded)
    assert 45 < median(succeeded) < 90
    assert max(succeeded) > 5 * median(succeeded)


def test_failures_are_of_every_class_and_in_two_languages(ended: list[Row]) -> None:
    """And only a failure has a reason."""
    classes = Counter(row["fail_class"] for row in ended)
    assert set(classes) == {
        None, "provider", "gateway", "gateway_timeout", "content_policy", "input", "unknown",
    }  # fmt: skip
    assert all((row["fail_class"] is None) == (row["status"] != "FAILURE") for row in ended)
    assert {row["fail_reason"] for row in ended if row["fail_class"] == "unknown"} == {None}
    reasons = {row["fail_reason"] for row in ended if row["fail_reason"]}
    assert {"任务超时（30分钟）", "upstream returned error"} <= reasons
    assert sum(reason.isascii() for reason in reasons) > 5


def test_people_work_by_day_and_on_weekdays(week: World) -> None:
    """Submissions follow the day of those who submit, eight hours ahead of UTC."""
    hours = Counter((datetime.fromtimestamp(task.submit, UTC) + timedelta(hours=8)).hour for task in week.tasks)
    days = Counter((datetime.fromtimestamp(task.submit, UTC) + timedelta(hours=8)).weekday() for task in week.tasks)
    assert sum(hours[hour] for hour in range(14, 18)) > 8 * sum(hours[hour] for hour in range(1, 5))
    assert days[2] > 1.4 * days[6]


def test_an_incident_makes_its_platform_fail_more(week: World) -> None:
    """What the report should find."""
    [incident] = [incident for incident in week.incidents if incident.kind == "provider_failures"]
    tasks = [task for task in week.tasks if task.channel.platform == incident.platform]
    within = [task.failure is not None for task in tasks if incident.covers(task.submit)]
    outside = [task.failure is not None for task in tasks if not incident.covers(task.submit)]
    assert sum(within) / len(within) > 3 * sum(outside) / len(outside)


def test_a_burst_makes_everyone_wait(week: World) -> None:
    """Queues are many times as long while it lasts."""
    world = World(2, 3000, start=NOW, end=NOW + timedelta(hours=6), failure_share=0, odd_share=0)
    [burst] = [incident for incident in world.incidents if incident.kind == "long_queues"]
    rows = [row for row in world.truth(world.all_terminal_at()).tasks if row["queue_seconds"]]
    within = [row["queue_seconds"] for row in rows if burst.covers(row["submit_time"].timestamp())]
    assert median(within) > 3 * median(row["queue_seconds"] for row in rows)
    assert week.incidents


def test_a_start_is_recorded_only_if_the_poller_saw_the_task_running(ended: list[Row]) -> None:
    """So it is unknown for short tasks and for channels that never say so."""
    unknown = [row for row in ended if row["shape"] == "task_envelope" and row["start_time"] is None]
    assert 0.05 < len(unknown) / len(ended) < 0.4
    assert all(row["queue_seconds"] is None and row["run_seconds"] is None for row in unknown)


def test_the_shares_of_shapes_follow_the_parameter() -> None:
    """Nothing is odd at 0, nothing plain at 1 but what failed in a shape that cannot tell."""
    plain = World.recent(seed=1, tasks=500, now=NOW, odd_share=0)
    assert {task.quirk_name for task in plain.tasks} == {""}
    odd = World.recent(seed=1, tasks=2000, now=NOW, odd_share=1)
    assert {task.quirk_name for task in odd.tasks if not task.failure} == set(QUIRKS)
    assert not any(task.failure and task.quirk.is_work_only for task in odd.tasks)


def test_stuck_tasks_never_end_and_are_there_only_if_asked_for() -> None:
    """By default everything ends."""
    yesterday = NOW - timedelta(days=1)
    stuck = World(1, 1000, start=yesterday, end=NOW, stuck_share=0.05)
    later = stuck.truth(NOW + timedelta(days=365)).tasks
    assert 20 < sum(not row["is_terminal"] for row in later) < 80
    assert all(task.seen_end is not None for task in World(1, 1000, start=yesterday, end=NOW).tasks)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"tasks": -1}, id="fewer than no tasks"),
        pytest.param({"rush": 11}, id="more rush than tasks"),
        pytest.param({"end": NOW}, id="no time at all"),
        pytest.param({"poll_seconds": 0}, id="a poller that never rests"),
    ],
)
def test_an_impossible_world_is_refused(wrong: dict[str, object]) -> None:
    arguments: dict[str, object] = {"tasks": 10, "start": NOW, "end": NOW + timedelta(hours=1)}
    with pytest.raises(ValueError, match="must be"):
        World(1, **(arguments | wrong))  # type: ignore[arg-type]


def test_the_incident_of_a_recent_week_fills_one_busy_hour(week: World) -> None:
    """So that anybody who looks for hours that stand out finds it; an hour alone, and never the first ones."""
    [incident] = [incident for incident in week.incidents if incident.kind == "provider_failures"]
    assert incident.end - incident.begin == timedelta(hours=1)
    assert incident.begin > NOW - timedelta(days=5)
    in_hours = Counter(task.submit // 3600 for task in week.tasks)
    assert in_hours[int(incident.begin.timestamp()) // 3600] > 1.5 * len(week) / 168
