"""Answers about another task than was polled: what proves it, and what that leaves of the tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.warehouse.answers import (
    FAILURE,
    MISSING,
    RUNNING,
    RUNNING_WITH_WORK,
    SUCCESS,
    SUCCESS_WITH_WORK,
    Answer,
    Kind,
    Request,
    minute,
    under,
)
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.tables import column, contents, one, rows
from transforms.failures import FailureRule
from warehouse.database.schema import statement
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from tests.warehouse.conftest import Bench, Site

BROKEN_RULES = statement("queries/broken_rules")
ACCEPTING = PollingPolicy(accept_other_ids=True)
CONFLICTS = "select task_id from tasks where identity_conflict order by all"


def named(name: str, kind: Kind = SUCCESS) -> Kind:
    return under(name, kind)


def of_work(name: str) -> Kind:
    return under(None, SUCCESS_WITH_WORK, name)


#: By name: the answers by the ids polled, and the ids of the tasks that are proven to be another's.
PROOFS: Final[dict[str, tuple[list[tuple[str, Kind]], list[str]]]] = {
    "another_id_alone_is_no_proof": ([("a", named("x"))], []),
    "an_id_that_was_polled": ([("a", named("b")), ("b", RUNNING)], ["a"]),
    "also_if_nothing_came_of_it": ([("a", named("b")), ("b", MISSING)], ["a"]),
    "swapped": ([("a", named("b")), ("b", named("a"))], ["a", "b"]),
    "one_answer_for_several_ids": ([("a", named("x")), ("c", named("x"))], ["a", "c"]),
    "written_in_two_ways": ([("a", named("x")), ("c", named("Task_X"))], ["a", "c"]),
    "each_under_its_own": ([("a", named("x")), ("c", named("y"))], []),
    "the_same_id_written_otherwise": ([("a", named("task_A"))], []),
    "one_task_polled_under_two_names": ([("abc", named("x")), ("task_ABC", named("x"))], []),
    "a_work_has_an_id_of_its_own": ([("a", of_work("w"))], []),
    "each_work_its_own": ([("a", of_work("w")), ("c", of_work("v"))], []),
    "the_work_of_an_id_that_was_polled": ([("a", of_work("b")), ("b", RUNNING)], ["a"]),
    "one_work_for_several_ids": ([("a", of_work("w")), ("c", of_work("w"))], ["a", "c"]),
    "whom_the_work_belongs_to": ([("a", under("b", SUCCESS_WITH_WORK, "w")), ("b", of_work("w"))], ["a"]),
    "by_the_work_under_another_id": ([("a", under("x", SUCCESS_WITH_WORK, "b")), ("b", RUNNING)], ["a"]),
}


@pytest.mark.parametrize("names", [["an_id_that_was_polled"], [*PROOFS]], ids=["one of them alone", "all of them"])
def test_what_proves_an_answer_to_be_about_another_task(bench: Bench, names: list[str]) -> None:
    """Whether it comes in one load, or each answer in a load of its own, in any order; each case at its own gateway."""
    expected = {(name, task_id) for name in names for task_id in PROOFS[name][1]}
    told = {
        name: [Answer(task_id, minute(1 + at), kind, source=name) for at, (task_id, kind) in enumerate(PROOFS[name][0])]
        for name in names
    }
    for order in (0, 1), (1, 0):
        for number in order:
            bench.load([answer for answers in told.values() for answer in answers[number : number + 1]])
        assert ids_of(bench, "tasks where identity_conflict") == expected
        assert ids_of(bench, "pending where status = 'UNKNOWN'") == expected
        forget(bench)
    bench.load([answer for answers in told.values() for answer in answers])
    assert ids_of(bench, "tasks where identity_conflict") == expected


def ids_of(bench: Bench, some: str) -> set[tuple[str, str]]:
    """Source and id of some rows."""
    return {(row["source"], row["task_id"]) for row in rows(bench.con, f"from {some}")}


def forget(bench: Bench) -> None:
    for table in ("tasks", "observations", "pending", "works", "pt_infos", "competing_answers", "requests"):
        bench.con.execute(f"truncate {table}")


def test_an_id_that_is_accepted_later_is_proof_as_well(bench: Bench) -> None:
    """Also before it is polled; then the task has not ended, and is polled again."""
    bench.load([Answer("a", minute(1), RUNNING), Answer("a", minute(5), named("b"))], [Request("a", minute(0))])
    assert one(bench.con, "select status, is_terminal, first_terminal_at from tasks") == {
        "status": "SUCCESS",
        "is_terminal": True,
        "first_terminal_at": minute(5),
    }
    assert column(bench.con, "select task_id from pending") == []
    bench.load([], [Request("b", minute(9))])
    assert one(bench.con, "select status, is_terminal, first_terminal_at, last_observed_at from tasks") == {
        "status": "IN_PROGRESS",
        "is_terminal": False,
        "first_terminal_at": None,
        "last_observed_at": minute(1),
    }
    assert rows(bench.con, "select task_id, asked_count, last_asked_at, status from pending order by all") == [
        {"task_id": "a", "asked_count": 2, "last_asked_at": minute(5), "status": "IN_PROGRESS"},
        {"task_id": "b", "asked_count": 0, "last_asked_at": None, "status": None},
    ]


def test_a_row_that_is_another_tasks_stays_visible_and_counts_for_nothing(bench: Bench) -> None:
    """Its answer as it came is in competing_answers; it is given up by its own age."""
    bench.load([Answer("a", minute(5), named("b", FAILURE))], [Request(task_id, minute(0)) for task_id in "ab"])
    row = one(bench.con, "from tasks")
    assert (row["status"], row["status_raw"], row["answered_id"]) == ("UNKNOWN", "FAILURE", "b")
    assert {"identity_conflict", "task_id_differs"} <= set(row["quality_flags"])
    nothing = (
        "fail_class",
        "submit_time",
        "finish_time",
        "latency_seconds",
        "first_terminal_at",
        "result_url",
        "quota",
    )
    assert [row[name] for name in nothing] == [None] * len(nothing)
    kept = one(bench.con, "select status, fail_class, latency_seconds, is_conflict from competing_answers")
    assert kept == {"status": "FAILURE", "fail_class": "gateway", "latency_seconds": 120.0, "is_conflict": True}
    given_up = "select reason, since from given_up_tasks_at($1) where task_id = 'a'"
    assert bench.con.execute(given_up, [minute(7 * 24 * 60 - 1)]).fetchall() == []
    assert bench.con.execute(given_up, [minute(7 * 24 * 60 + 1)]).fetchall() == [("too_old", minute(0))]


@pytest.mark.parametrize(("at", "order"), [(2, (2, 1, 0)), (8, (0, 1, 2))])
def test_its_own_answer_makes_a_task_right_again(bench: Bench, at: int, order: tuple[int, ...]) -> None:
    """Whichever it is, and whether it came before or after; each kind at a gateway of its own."""
    kinds = (RUNNING, SUCCESS, FAILURE)
    told = [
        [Answer("a", minute(5), named("b"), source=kind.status or "") for kind in kinds],
        [Answer("a", minute(at), under("a", kind), source=kind.status or "") for kind in kinds],
        [Answer("b", minute(5), RUNNING, source=kind.status or "") for kind in kinds],
    ]
    for number in order:
        bench.load(told[number])
    found = "select source, status, identity_conflict, observation_count from tasks where task_id = 'a' order by all"
    assert bench.con.execute(found).fetchall() == sorted((kind.status, kind.status, False, 1) for kind in kinds)
    assert column(bench.con, "select source from pending where task_id = 'a'") == [RUNNING.status]


def test_an_end_under_another_id_counts_while_nothing_is_proven(bench: Bench) -> None:
    """As of a gateway that answers with the work alone once it is done; an end under the id polled is better."""
    bench.load([Answer("a", minute(1), RUNNING), Answer("a", minute(5), named("x"))])
    assert one(bench.con, "select status, answered_id from tasks") == {"status": "SUCCESS", "answered_id": "x"}
    bench.load([Answer("a", minute(2), FAILURE)])
    assert one(bench.con, "select status, answered_id from tasks") == {"status": "FAILURE", "answered_id": None}


def test_a_gateway_may_answer_under_ids_of_its_own(bench: Bench) -> None:
    """By a setting that the next load takes up, in both directions."""
    told = [Answer("a", minute(1), RUNNING), Answer("a", minute(5), named("b")), Answer("b", minute(5), named("a"))]
    bench.load(told, [Request("a", minute(0))])
    refused = contents(bench.con)
    assert column(bench.con, CONFLICTS) == ["b"]
    assert statuses(bench) == {"a": "IN_PROGRESS", "b": "UNKNOWN"}
    bench.policy = ACCEPTING
    bench.load()
    assert statuses(bench) == {"a": "SUCCESS", "b": "SUCCESS"}
    assert column(bench.con, "select task_id from pending") == []
    assert column(bench.con, "select distinct quality_flags from tasks") == [
        ["start_missing", "result_missing", "task_id_differs"]
    ]
    bench.policy = PollingPolicy()
    bench.load()
    assert contents(bench.con) == refused


def statuses(bench: Bench) -> dict[str, Any]:
    return dict(bench.con.execute("select task_id, status from tasks").fetchall())


def test_each_source_decides_for_itself_whether_other_ids_are_accepted(bench: Bench) -> None:
    """Loads of one worker do not undo what the settings of another say: its runs tell."""
    told = [Answer("a", minute(5), named("b"), source=source) for source in ("default", "second")]
    told += [Answer("b", minute(5), RUNNING, source=source) for source in ("default", "second")]
    bench.load(told)
    bench.con.execute("""
        insert into runs by name
        select 'r1' as run_id, 'second' as source, timestamptz '2026-01-21 00:00:00+00' as finished_at,
            '{"accept_other_ids": true}' as summary
    """)
    bench.load()
    assert column(bench.con, "select source from tasks where identity_conflict") == ["default"]
    assert column(bench.con, "from other_ids_accepted") == ["second"]
    bench.con.execute("""
        insert into runs by name
        select 'r2' as run_id, 'second' as source, timestamptz '2026-01-22 00:00:00+00' as finished_at,
            '{"accept_other_ids": false}' as summary
    """)
    bench.load()
    assert column(bench.con, "select source from tasks where identity_conflict order by all") == ["default", "second"]


def test_two_gateways_may_have_tasks_of_the_same_id(bench: Bench) -> None:
    """What one of them was polled for proves nothing of the other."""
    bench.load([Answer("a", minute(5), named("b")), Answer("b", minute(5), RUNNING, source="second")])
    assert column(bench.con, CONFLICTS) == []


def test_a_work_that_came_under_the_id_polled_stays(bench: Bench) -> None:
    """Whatever comes under another id, and when."""
    own, other = under("a", SUCCESS_WITH_WORK), under("b", RUNNING_WITH_WORK)
    bench.load([Answer("a", minute(1), own), Answer("b", minute(1), RUNNING)])
    bench.load([Answer("a", minute(9), other)])
    assert column(bench.con, "select work_name from works where task_id = 'a'") == ["final"]
    bench.load([Answer("c", minute(9), under("b", SUCCESS_WITH_WORK))])
    bench.load([Answer("c", minute(1), under("c", RUNNING_WITH_WORK))])
    assert rows(bench.con, "select work_name, answered_id from works where task_id = 'c'") == [
        {"work_name": "draft", "answered_id": None}
    ]


def test_every_id_is_accounted_for_and_no_rule_is_broken(site: Site) -> None:
    """What is in conflict is pending; maintenance finds nothing wrong."""
    site.archive(
        [Answer("a", minute(5), named("b")), Answer("b", minute(5), named("a")), Answer("c", minute(5), SUCCESS)],
        [Request(task_id, minute(0)) for task_id in "abc"],
    )
    site.load()
    with site.writer() as con:
        assert one(con, "select accepted, ended, pending + given_up as open from id_accounting") == {
            "accepted": 3,
            "ended": 1,
            "open": 2,
        }
        assert rows(con, BROKEN_RULES) == []
        before = contents(con)
    site.rebuild()
    with site.writer() as con:
        assert contents(con) == before


def test_failure_rules_that_change_class_what_does_not_count_as_well(bench: Bench) -> None:
    """So that a rebuild gives the same."""
    bench.load([Answer("a", minute(5), named("b", FAILURE)), Answer("b", minute(5), RUNNING)])
    [analysis] = [replace(DEFAULTS, failure_rules=(FailureRule("upstream", "input"),))]
    bench.load(analysis=analysis)
    assert column(bench.con, "select fail_class from competing_answers") == ["input"]
    assert column(bench.con, "select fail_class from tasks") == [None, None]
