"""What somebody is told after a run: once, when it begins, and again when it comes back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows import run as runs
from flows.alerts import news
from flows.errors import ExitCode
from flows.settings import Settings
from flows.summary import Summary
from tests.warehouse.answers import RUNNING, SUCCESS, SURPRISING, Answer, Kind, failed, minute, write_answers
from warehouse.analysis import read_analysis
from warehouse.connection import writer
from warehouse.load import load, unloaded
from warehouse.publish import publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.run import Run

DONE = Summary(
    run_id="r", source="default", requested=0, rejected=[], rejected_count=0, skipped_terminal=0, asked=0, fetched=0,
    requests=0, retries=0, refusals=0, outcomes={}, statuses={}, segments_loaded=0, unreachable=0, still_running=0,
    exit_code=ExitCode.DONE, problem=None, published=None, seconds=0,
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runs.begin(Settings(data_dir=tmp_path / "data"), "collect")


def collected(run: Run, answers: Sequence[Answer]) -> None:
    write_answers(run.store, answers)
    with writer(run.paths.warehouse, 5) as con:
        load(con, unloaded(con, run.store), read_analysis(Path("none")), run.settings.policy)
    publish(run.paths, 5)


def told(run: Run, summary: Summary = DONE) -> dict[str, int]:
    return {alert.kind: alert.count for alert in news(run, summary)}


def test_what_is_stuck_is_told_once_for_each_task(run: Run) -> None:
    """As in view stuck_tasks; words are about those that are new."""
    late = minute(60)
    collected(run, [Answer("done", minute(2), SUCCESS), Answer("t1", late, RUNNING), Answer("t2", late, RUNNING)])
    [alert] = news(run, DONE)
    assert (alert.kind, alert.count) == ("tasks-stuck", 2)
    assert "t1" in alert.sentence
    assert told(run) == {}
    collected(run, [Answer("t3", late, RUNNING)])
    assert told(run) == {"tasks-stuck": 1}


def test_drift_is_told_by_the_run_that_is_the_first_to_see_it(run: Run) -> None:
    """And not by those after it."""
    since = dataclasses.replace(run, started_at=minute(1))
    collected(since, [Answer("t1", minute(2), SURPRISING)])
    assert told(since)["schema-drift"] > 0
    assert "schema-drift" not in told(since)
    assert "schema-drift" not in told(dataclasses.replace(run, started_at=minute(3)))


def test_an_error_budget_that_burns_is_told_again_when_it_burns_again(run: Run) -> None:
    """Not at every run in between."""
    now = datetime.now(UTC)
    missed = [Answer(f"t{n}", now - timedelta(minutes=5), failed_lately(now)) for n in range(40)]
    collected(run, missed)
    first = told(run)
    assert first.get("slo-burning", 0) > 0
    assert "slo-burning" not in told(run)


def failed_lately(now: datetime) -> Kind:
    kind = failed("upstream returned an error")
    body = (kind.body or b"").replace(
        str(int(minute(2).timestamp())).encode(), str(int((now - timedelta(minutes=6)).timestamp())).encode()
    )
    start = str(int((now - timedelta(minutes=10)).timestamp())).encode()
    return dataclasses.replace(kind, body=body.replace(str(int(minute(0).timestamp())).encode(), start))


def test_a_key_that_is_refused_is_told_until_it_is_mended(run: Run) -> None:
    """Also where nothing was ever published."""
    refused = dataclasses.replace(DONE, exit_code=ExitCode.KEY_REFUSED, problem="The gateway refused the key.")
    assert told(run, refused) == {"key-refused": 1}
    assert told(run, refused) == {}
    assert told(run) == {}
    assert told(run, refused) == {"key-refused": 1}
