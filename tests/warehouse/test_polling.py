"""Which ids are polled again, when, and until when; and how that accounts for all accepted ids."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.answers import (
    FAILURE,
    HTML,
    MISSING,
    OVERSIZED,
    REFUSED,
    RUNNING,
    SILENCE,
    SUCCESS,
    Answer,
    Kind,
    Request,
    ended,
    folder_of,
    minute,
    task_body,
)
from tests.warehouse.tables import column, rows
from warehouse import plan
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.warehouse.conftest import Bench

pytestmark = pytest.mark.e2e  # loads, or many worlds

HOUR, DAY = 60, 24 * 60
DUE_AT = "select due_at from due_tasks_at(timestamptz '2026-01-20 04:00:00+00')"
FRESHNESS = "select source, oldest_due_at from collection_freshness_at(timestamptz '2026-01-20 03:06:00+00')"
NEVER = timedelta(days=36_500)


#: By the name of a task: the minute at which it was polled, and the seconds until it is due again.
DUE: Final[dict[str, tuple[float, float]]] = {
    "at_least_15_s": (1 / 3, 15),
    "a_quarter_of_a_minute_is_15_s": (1, 15),
    "a_quarter_of_its_age": (10, 150),
    "a_quarter_of_4_h_is_1_h": (4 * HOUR, 3600),
    "at_most_1_h": (2 * DAY, 3600),
}


def test_a_running_task_is_due_a_quarter_of_its_age_later(bench: Bench) -> None:
    """Age counts from its submit_time to the last poll."""
    bench.load(
        [Answer(task_id, minute(asked_at), RUNNING) for task_id, (asked_at, _) in DUE.items()],
        [Request(task_id, minute(asked_at - 0.1)) for task_id, (asked_at, _) in DUE.items()],
    )
    query = "select due_at, is_due, age_seconds from due_tasks_at($1) where task_id = $2"
    for task_id, (asked_at, seconds) in DUE.items():
        due_at = minute(asked_at) + timedelta(seconds=seconds)
        for moment, is_due in ((due_at - timedelta(milliseconds=1), False), (due_at, True)):
            due = bench.con.execute(query, [moment, task_id]).fetchall()
            assert due == [(due_at, is_due, pytest.approx(asked_at * 60))], task_id


def test_any_answer_counts_as_a_poll(bench: Bench) -> None:
    """A gateway in trouble is not asked sooner."""
    bench.load([Answer("t1", minute(4), RUNNING), Answer("t1", minute(8), SILENCE)], [Request("t1", minute(0))])
    assert column(bench.con, DUE_AT) == [minute(10)]


def test_an_id_never_polled_is_due_since_it_was_accepted(bench: Bench) -> None:
    """However long ago that was: nothing accepted is forgotten."""
    bench.load([], [Request("t1", minute(-30 * DAY))])
    assert rows(bench.con, "select due_at, is_due, last_asked_at, status from due_tasks") == [
        {"due_at": minute(-30 * DAY), "is_due": True, "last_asked_at": None, "status": None}
    ]


def test_an_id_without_submit_time_ages_from_its_acceptance(bench: Bench) -> None:
    """There is nothing better to go by."""
    bench.load([Answer("t1", minute(8), MISSING)], [Request("t1", minute(0))])
    assert column(bench.con, DUE_AT) == [minute(10)]


def test_an_id_missing_three_times_is_given_up(bench: Bench) -> None:
    """Two could be a task that has not reached the gateway's database."""
    looks = {"once": 1, "twice": 2, "three times": 3, "four times": 4}
    bench.load(
        [Answer(task_id, minute(number), MISSING) for task_id, count in looks.items() for number in range(count)],
        [Request(task_id, minute(0)) for task_id in looks],
    )
    reasons = bench.con.execute("select task_id, reason from given_up_tasks_at($1)", [minute(10)]).fetchall()
    assert sorted(reasons) == [("four times", "unknown_to_gateway"), ("three times", "unknown_to_gateway")]
    due = bench.con.execute("select task_id from due_tasks_at($1)", [minute(10)]).fetchall()
    assert sorted(due) == [("once",), ("twice",)]


def test_a_task_that_never_ends_is_given_up_after_seven_days(bench: Bench) -> None:
    """And not a moment before."""
    bench.load([Answer("t1", minute(5), RUNNING)], [Request("t1", minute(0))])
    for moment, given_up in ((minute(7 * DAY), []), (minute(7 * DAY + 0.01), ["too_old"])):
        found = bench.con.execute("select reason from given_up_tasks_at($1)", [moment]).fetchall()
        assert [reason for (reason,) in found] == given_up


def test_the_policy_of_the_last_load_is_in_force(bench: Bench) -> None:
    """Also for what was loaded before, and by a load of nothing."""
    bench.load([Answer("t1", minute(10), RUNNING)], [Request("t1", minute(0))])
    bench.policy = PollingPolicy(age_share=0.5, max_seconds=240, give_up_after=timedelta(minutes=20))
    bench.load()
    due = bench.con.execute("select due_at from due_tasks_at($1)", [minute(15)]).fetchall()
    assert due == [(minute(14),)]
    assert bench.con.execute("select reason from given_up_tasks_at($1)", [minute(21)]).fetchall() == [("too_old",)]


def test_each_source_has_the_policy_of_its_own_settings(bench: Bench) -> None:
    """Its task is due, or given up, when that says so, whatever the others have; the views that count them agree."""
    eu = PollingPolicy(source="eu", min_seconds=300, give_up_after=timedelta(minutes=20), missing_limit=1)
    bench.policy = PollingPolicy(others=(eu,))
    sources = ("default", "eu")
    bench.load(
        [Answer(f"t{number}", minute(4), kind, source=source)
         for source in sources for number, kind in enumerate((RUNNING, MISSING))],
        [Request(f"t{number}", minute(0), source=source) for source in sources for number in range(2)],
    )  # fmt: skip
    due = bench.con.execute("select source, task_id, due_at from due_tasks_at($1) order by all", [minute(5)]).fetchall()
    assert due == [("default", "t0", minute(5)), ("default", "t1", minute(5)), ("eu", "t0", minute(9))]
    given_up = "select source, task_id, reason from given_up_tasks_at($1) order by all"
    unknown = ("eu", "t1", "unknown_to_gateway")
    assert bench.con.execute(given_up, [minute(19)]).fetchall() == [unknown]
    assert bench.con.execute(given_up, [minute(21)]).fetchall() == [("eu", "t0", "too_old"), unknown]
    since = {row["source"]: row["oldest_due_at"] for row in rows(bench.con, FRESHNESS)}
    assert since == {"default": minute(5), "eu": None}
    ended = rows(bench.con, "select source, minute from in_flight_by_minute where given_up > 0")
    assert {row["source"]: row["minute"] for row in ended} == {
        "default": minute(7 * DAY),
        "eu": minute(20),
    }


def test_a_source_that_is_not_configured_has_the_policy_of_its_last_run(bench: Bench) -> None:
    """Until a run says what it is, that of the settings in force; a run of `maintain` says nothing."""
    requests = [Request("t1", minute(0), source=source) for source in ("default", "eu", "us")]
    answers = [Answer("t1", minute(4), RUNNING, source=source) for source in ("default", "eu", "us")]
    bench.policy = PollingPolicy(min_seconds=30)
    bench.load(answers, requests)
    assert rows(bench.con, "select source, min_seconds from polling_policy order by all") == [
        {"source": source, "min_seconds": 30} for source in ("default", "eu", "us")
    ]
    bench.con.execute("""
        insert into runs by name
        select 'eu' as source, 'collect' as command, '2026-01-20 04:00:00Z' as finished_at,
            '{"poll_min_seconds": 60, "give_up_after_seconds": 3600}' as summary
        union all by name
        select 'eu' as source, 'maintain' as command, '2026-01-20 05:00:00Z' as finished_at, '{}' as summary
    """)
    bench.load()
    found = rows(bench.con, "select source, min_seconds, give_up_after_seconds from polling_policy order by all")
    assert [tuple(row.values()) for row in found] == [("default", 30, 604_800), ("eu", 60, 3600), ("us", 30, 604_800)]


def test_settings_common_to_several_sources_make_no_source(bench: Bench) -> None:
    """As those of `load` and `rebuild`, which are about all that are configured: they have rows, also without ids."""
    bench.policy = PollingPolicy(source=None, min_seconds=40, others=(PollingPolicy(source="eu", min_seconds=60),))
    bench.load([], [Request("t1", minute(0), source="old")])
    found = rows(bench.con, "select source, min_seconds from polling_policy order by all")
    assert [tuple(row.values()) for row in found] == [("eu", 60), ("old", 40)]


#: By the gateway: its answers about the only id, and which of the four that is counted as.
ENDS: Final[dict[str, tuple[list[Kind], str]]] = {
    "success": ([SUCCESS], "ended"),
    "failure": ([FAILURE], "ended"),
    "an_end_outlasts_trouble": ([SUCCESS, HTML], "ended"),
    "running": ([RUNNING], "pending"),
    "never_asked": ([], "pending"),
    "unreachable": ([SILENCE], "pending"),
    "refused": ([REFUSED], "pending"),
    "last_answer_not_understood": ([RUNNING, HTML], "quarantined"),
    "oversized": ([OVERSIZED], "quarantined"),
    "understood_since": ([HTML, RUNNING], "pending"),
    "unknown": ([MISSING, MISSING, MISSING], "given_up"),
}


def test_every_accepted_id_has_one_end(bench: Bench) -> None:
    """And the four add up; each case at a gateway of its own."""
    bench.policy = PollingPolicy(give_up_after=NEVER)
    asked = [
        Answer("t1", minute(1 + number), kind, source=name)
        for name, (kinds, _) in ENDS.items()
        for number, kind in enumerate(kinds)
    ]
    accepted = [
        Request("t1", at, run_id, name) for name in ENDS for at, run_id in ((minute(0), "run1"), (minute(9), "run2"))
    ]
    bench.load(asked, accepted)
    found = rows(bench.con, "select source, accepted, ended, quarantined, given_up, pending from id_accounting")
    counts = ("ended", "quarantined", "given_up", "pending")
    expected = [
        {"source": name, "accepted": 1} | {count: int(count == end) for count in counts}
        for name, (_, end) in ENDS.items()
    ]
    assert sorted(found, key=lambda row: str(row["source"])) == sorted(expected, key=lambda row: str(row["source"]))


def test_answers_about_ids_never_accepted_are_not_accounted_for(bench: Bench) -> None:
    """There is nothing they would be a part of; but they are polled."""
    bench.load([Answer("stranger", minute(1), RUNNING)])
    assert rows(bench.con, "from id_accounting") == []
    assert column(bench.con, "select task_id from due_tasks_at(timestamptz '2026-01-20 04:00:00+00')") == ["stranger"]


def test_stuck_is_beyond_three_times_the_p99_of_its_kind(bench: Bench) -> None:
    """By the clock, so one that was lost sight of is stuck too; kinds are apart by source and action."""
    done = [Answer(f"done{number}", minute(2), ended(100)) for number in range(20)]
    slow = Kind(task_body("IN_PROGRESS", action="slow"), status="IN_PROGRESS")
    bench.load(
        [
            *done,
            Answer("lost", minute(1), RUNNING),
            Answer("seen", minute(5), RUNNING),
            Answer("other_action", minute(50), slow),
            Answer("other_source", minute(50), RUNNING, source="second"),
        ]
    )
    for moment, stuck in ((minute(5), []), (minute(5) + timedelta(seconds=1), ["lost", "seen"])):
        found = rows(
            bench.con,
            f"select task_id, age_seconds, threshold_seconds, status from stuck_tasks_at('{moment}') order by task_id",  # noqa: S608
        )
        assert found == [
            {"task_id": one, "age_seconds": 301, "threshold_seconds": 300, "status": "IN_PROGRESS"} for one in stuck
        ]


#: By the name of a task: its answer, how it ended, and after how long, or since when it was seen running.
LATENCIES: Final[dict[str, tuple[Kind, str | None, float | None]]] = {
    "its_latency_once_it_ended": (ended(100), "SUCCESS", 100),
    "also_when_it_failed": (FAILURE, "FAILURE", 120),
    "its_age_when_last_seen_while_it_runs": (RUNNING, None, 600),
    "unknown_without_an_end_time": (Kind(task_body("SUCCESS"), status="SUCCESS"), "SUCCESS", None),
    "never_below_zero": (Kind(task_body("QUEUED", submit=minute(30)), status="QUEUED"), None, 0),
}


def test_latency_is_known_or_censored(bench: Bench) -> None:
    """What survival analysis needs of a task."""
    bench.load([Answer(task_id, minute(10), kind) for task_id, (kind, *_) in LATENCIES.items()])
    found = bench.con.execute("select task_id, event, observed_seconds from task_latency").fetchall()
    assert {task_id: tuple(rest) for task_id, *rest in found} == {
        task_id: tuple(rest) for task_id, (_, *rest) in LATENCIES.items()
    }


def test_a_plan_is_the_given_ids_that_have_not_ended_and_what_is_due(bench: Bench) -> None:
    """Each once; of one gateway only; given ids also if they were given up."""
    requests = [Request(f"t{number}", minute(0)) for number in range(1, 6)]
    bench.load(
        [
            Answer("t1", minute(1), SUCCESS),
            Answer("t2", minute(1), RUNNING),
            *(Answer("t3", minute(number), MISSING) for number in range(3)),
            Answer("t4", minute(9.9), RUNNING),
            Answer("t9", minute(1), RUNNING, source="second"),
        ],
        requests,
    )
    given = bench.store.segments("requests")
    assert planned(bench, plan.PollRequest("default")) == ["t2", "t5"]
    assert planned(bench, plan.PollRequest("default", given)) == ["t2", "t3", "t4", "t5"]
    assert planned(bench, plan.PollRequest("default", given, only_due=True)) == ["t2", "t5"]
    assert planned(bench, plan.PollRequest("second", given)) == ["t9"]
    assert planned(bench, plan.PollRequest("second", given, refresh=False)) == []
    state = plan.progress(bench.con, plan.PollRequest("default", given), minute(10))
    assert (state.given, state.ended, state.waiting) == (5, 1, 3)
    assert state.next_due_at == minute(0).timestamp()


def planned(bench: Bench, wanted: plan.PollRequest) -> list[str]:
    todo = plan.new_todo(folder_of(bench.store).parent / "new")
    written = plan.write_todo(bench.con, wanted, minute(10), todo)
    ids = [task_id for ids, _ in plan.read_todo(todo, 2) for task_id in ids]
    assert written.to_ask == len(ids)
    assert written.ended == plan.progress(bench.con, wanted, minute(10)).ended
    assert todo.closed
    assert list((folder_of(bench.store).parent / "new").iterdir()) == []
    return sorted(ids)


HOURS = 60
DURING = minute(HOURS + 30)


def poll(ids: Iterable[str], at: float, kind: Kind) -> list[Answer]:
    return [Answer(one, minute(at), kind) for one in ids]


def given_up(bench: Bench, at: float) -> set[str]:
    ids = {one for (one,) in bench.con.execute("select task_id from given_up_tasks_at($1)", [minute(at)]).fetchall()}
    due = {one for (one,) in bench.con.execute("select task_id from due_tasks_at($1)", [minute(at)]).fetchall()}
    assert not ids & due
    return ids


def storm(ids: Sequence[str], looks: int = 5) -> list[Answer]:
    return [answer for look in range(looks) for answer in poll(ids, HOURS + look, MISSING)]


KNOWN = [f"known{number}" for number in range(40)]


def test_nothing_is_given_up_while_many_ids_are_missing_at_once(bench: Bench) -> None:
    """Neither for what the gateway says, nor for age; and what it said then does not count later."""
    bench.policy = PollingPolicy(give_up_after=timedelta(minutes=65))
    bench.load([*poll(KNOWN, 1, RUNNING), *storm(KNOWN)], [Request(one, minute(0)) for one in KNOWN])
    assert given_up(bench, HOURS + 30) == set()
    assert len(bench.con.execute("from lasting_storms_at($1)", [DURING]).fetchall()) == 1
    bench.load(poll(KNOWN[:30], 3 * HOURS + 1, RUNNING))
    bench.policy = PollingPolicy()
    bench.load()
    assert given_up(bench, 3 * HOURS + 2) == set()


def test_a_new_deployment_whose_ids_are_all_unknown_keeps_them(bench: Bench) -> None:
    """It may be the key of another account: the gateway says the same of it."""
    ids = [f"t{number}" for number in range(300)]
    bench.load(storm(ids), [Request(one, minute(0)) for one in ids])
    assert given_up(bench, HOURS + 30) == given_up(bench, 10 * HOURS) == set()


def test_a_trickle_of_stale_ids_is_given_up_after_three_polls(bench: Bench) -> None:
    """Fewer than twenty an hour are none too many, also where nothing else is polled."""
    stale = [f"stale{number}" for number in range(19)]
    bench.load(storm(stale, 3), [Request(one, minute(0)) for one in stale])
    assert given_up(bench, HOURS + 30) == set(stale)


def test_a_batch_of_stale_ids_is_given_up_where_tasks_are_collected_as_well(bench: Bench) -> None:
    """A minority is no storm, however many they are."""
    stale, good = [f"stale{number}" for number in range(100)], [f"good{number}" for number in range(101)]
    bench.load([*storm(stale, 3), *poll(good, HOURS + 1, RUNNING)], [Request(one, minute(0)) for one in stale])
    assert given_up(bench, HOURS + 30) == set(stale)


def test_an_id_that_stays_missing_after_a_storm_is_given_up(bench: Bench) -> None:
    """After three polls, none of them in the storm or in the hours beside it."""
    bench.load([*poll(KNOWN, 1, RUNNING), *storm(KNOWN)], [Request(one, minute(0)) for one in KNOWN])
    later = [answer for look in range(3) for answer in poll(KNOWN[:1], (3 + look) * HOURS, MISSING)]
    bench.load(later[:2])
    assert given_up(bench, 6 * HOURS) == set()
    bench.load(later[2:])
    assert given_up(bench, 6 * HOURS) == {KNOWN[0]}


def test_a_storm_of_one_gateway_keeps_no_id_of_another(bench: Bench) -> None:
    """The source is part of every key."""
    other = [Answer("stale", minute(HOURS + look), MISSING, source="second") for look in range(3)]
    bench.load([*storm(KNOWN), *other], [Request("stale", minute(0), source="second")])
    assert given_up(bench, HOURS + 30) == {"stale"}
