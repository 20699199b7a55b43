"""`collect --again`: tasks that have ended are polled once more, as their end may have changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.collect.request import CollectRequest
from pipeline.errors import UnusableInputError

if TYPE_CHECKING:
    from tests.command_line import CommandLine, Gateway


def observations(command: CommandLine) -> dict[str, int]:
    rows = command("sql", "select task_id, count(*) as n from observations group by all", "--format", "json").out
    return {row["task_id"]: row["n"] for row in json.loads(rows)}


def test_ended_tasks_are_polled_again_by_id_and_by_condition(connected: CommandLine, gateway: Gateway) -> None:
    """Each as one more answer; the others stay as they are, and no row of `tasks` changes where the end did not."""
    ids = gateway.world.ids[:40]
    assert connected("collect", *ids).code == 0
    query = ("sql", "select task_id, status, fail_reason, finish_time from tasks order by all", "--format", "json")
    before = connected(*query).out
    failed = [
        row["task_id"]
        for row in json.loads(
            connected("sql", "select task_id from tasks where status = 'FAILURE'", "--format", "json").out
        )
    ]
    assert failed
    summary = connected("collect", "--again", "--where", "status = 'FAILURE'", "--json").json
    assert (summary["fetched"], summary["skipped_terminal"], summary["exit_code"]) == (len(failed), 0, 0)
    assert connected("collect", ids[0], "--json").json["skipped_terminal"] == 1
    assert connected("collect", "--again", ids[0], "--json").json["fetched"] == 1
    counts = observations(connected)
    assert all(counts[one] == 1 + (one in failed) + (one == ids[0]) for one in ids)
    assert connected(*query).out == before


def test_a_condition_that_nothing_meets_polls_nothing(connected: CommandLine, gateway: Gateway) -> None:
    """And is no error: the same backfill may run each night."""
    assert connected("collect", gateway.world.ids[0]).code == 0
    result = connected("collect", "--again", "--where", "fail_reason = 'nobody says so'")
    assert result.code == 0
    assert "0 tasks match --where" in result.err


def test_a_condition_that_cannot_be_used_ends_with_2(connected: CommandLine, gateway: Gateway) -> None:
    """Before anything is polled: an unknown column, more than a condition, more than the warehouse."""
    assert connected("collect", gateway.world.ids[0]).code == 0
    for condition, words in {
        "stats = 'FAILURE'": "stats",
        "true); drop table tasks; select (1": "one SQL condition",
        "task_id in (select filename from read_text('/etc/passwd'))": "more than the warehouse",
    }.items():
        result = connected("collect", "--again", "--where", condition)
        assert result.code == 2
        assert words in result.err
    assert gateway.app.total_calls == 1


def test_again_is_refused_without_ids_and_a_condition_without_again() -> None:
    """Both would do something else than what was meant."""
    with pytest.raises(UnusableInputError, match="--again needs ids"):
        CollectRequest(again=True)
    with pytest.raises(UnusableInputError, match="add --again"):
        CollectRequest(where="true")
