"""What somebody is told after a run: once, when it begins, and again when it comes back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows._prefect import artifacts as telling
from gateway.clock import Clock
from pipeline import run as runs
from pipeline.alerts import Alert, news
from pipeline.collect.summary import Summary
from pipeline.errors import ExitCode
from pipeline.settings import Settings
from tests.warehouse.answers import (
    MISSING,
    RUNNING,
    SUCCESS,
    SURPRISING,
    Answer,
    Kind,
    failed,
    minute,
    under,
    write_answers,
)
from warehouse.analysis import read_analysis
from warehouse.database.publish import publish
from warehouse.database.writer import open_writer
from warehouse.load.loader import load, unloaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.run import Run

pytestmark = pytest.mark.e2e  # loads and publishes at each step

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
    with open_writer(run.paths.warehouse, 5) as con:
        load(con, unloaded(con, run.store), read_analysis(Path("none")), run.settings.policy)
    publish(run.paths, 5)


def told(run: Run, summary: Summary = DONE) -> dict[str, int]:
    """What is told now, and was sent."""
    now = news(run, summary)
    now.mark_sent(now.alerts)
    return {alert.kind: alert.count for alert in now.alerts}


def of_source(run: Run, source: str) -> Run:
    return dataclasses.replace(run, settings=run.settings.model_copy(update={"source": source}))


def test_a_stuck_task_is_alerted_once(run: Run) -> None:
    """As in view stuck_tasks; words are about those that are new."""
    late = minute(60)
    done = [Answer(f"done{number}", minute(2), SUCCESS) for number in range(20)]
    collected(run, [*done, Answer("t1", late, RUNNING), Answer("t2", late, RUNNING)])
    [alert] = news(run, DONE).alerts
    assert (alert.kind, alert.count) == ("tasks-stuck", 2)
    assert "t1" in alert.sentence
    assert told(run) == {"tasks-stuck": 2}
    assert told(run) == {}
    collected(run, [Answer("t3", late, RUNNING)])
    assert told(run) == {"tasks-stuck": 1}


def test_drift_is_alerted_by_the_first_run_that_sees_it(run: Run) -> None:
    """And not by those after it."""
    since = dataclasses.replace(run, started_at=minute(1))
    collected(since, [Answer("t1", minute(2), SURPRISING)])
    assert told(since)["schema-drift"] > 0
    assert "schema-drift" not in told(since)
    assert "schema-drift" not in told(dataclasses.replace(run, started_at=minute(3)))


def test_a_burning_error_budget_is_alerted_again_when_it_burns_again(run: Run) -> None:
    """Not at every run in between."""
    now = datetime.now(UTC)
    missed = [Answer(f"t{n}", now - timedelta(minutes=5), failed_lately(now)) for n in range(40)]
    collected(run, missed)
    alerts = {alert.kind: alert for alert in news(run, DONE).alerts}
    assert " times as fast as it may over 1 hour and " in alerts["slo-burning"].sentence
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


def test_a_refused_key_is_alerted_until_it_is_fixed(run: Run) -> None:
    """Also where nothing was ever published."""
    refused = dataclasses.replace(DONE, exit_code=ExitCode.KEY_REFUSED, problem="The gateway refused the key.")
    assert told(run, refused) == {"key-refused": 1}
    assert told(run, refused) == {}
    assert told(run) == {}, "a run that polls nothing does not know"
    assert told(run, dataclasses.replace(DONE, requests=1)) == {"resolved": 1}
    assert told(run, refused) == {"key-refused": 1}


def test_what_lasts_is_repeated_daily_and_once_more_when_it_is_over(run: Run) -> None:
    """With how severe it is; what could not be sent is sent by the next run."""
    done = [Answer(f"done{number}", minute(2), SUCCESS) for number in range(20)]
    collected(run, [*done, Answer("t1", minute(60), RUNNING)])
    start = run.clock.now()

    def after(hours: float) -> Run:
        return dataclasses.replace(run, clock=Clock(now=lambda: start + timedelta(hours=hours)))

    assert told(after(0)) == {"tasks-stuck": 1}
    assert told(after(23)) == {}
    [reminder] = news(after(25), DONE).alerts
    assert (reminder.kind, reminder.is_reminder, reminder.severity) == ("tasks-stuck", True, "warning")
    assert reminder.sentence.startswith("Still: t1: running for ")
    assert told(after(25)) == {"tasks-stuck": 1}
    assert told(after(26)) == {}
    collected(run, [Answer("t1", start + timedelta(hours=26), SUCCESS)])
    [over] = news(after(27), DONE).alerts
    assert (over.kind, over.severity, over.count) == ("resolved", "info", 1)
    assert "default/t1: ended, or is no longer" in over.sentence
    news(after(27), DONE).mark_sent([])
    assert told(after(27)) == {"resolved": 1}
    assert told(after(28)) == {}


def test_an_alert_that_could_not_be_sent_is_sent_again(run: Run) -> None:
    """It counts as told only once it was sent; of what was sent nothing is repeated."""
    refused = dataclasses.replace(DONE, exit_code=ExitCode.KEY_REFUSED, problem="The gateway refused the key.")
    collected(run, [Answer("t1", minute(2), SURPRISING)])
    since = dataclasses.replace(run, started_at=minute(1))
    first = news(since, refused)
    assert {alert.kind for alert in first.alerts} == {"schema-drift", "key-refused"}
    first.mark_sent(alert for alert in first.alerts if alert.kind == "key-refused")
    assert {alert.kind for alert in news(since, refused).alerts} == {"schema-drift"}


def test_an_event_that_prefect_does_not_take_counts_as_not_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its client says so or raises."""
    alerts = [Alert(kind, (("default", kind, "x"),), ("words",)) for kind in ("taken", "not-taken", "raises")]

    def emit(event: str, **_: object) -> object:
        if event.endswith(".raises"):
            raise OSError("no server")
        return None if event.endswith("not-taken") else event

    monkeypatch.setattr(telling, "emit_event", emit)
    assert [alert.kind for alert in telling.emit_alerts(run, alerts)] == ["taken"]


def test_a_burning_budget_is_sent_with_what_compare_says(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Better or worse than the day before; other alerts go without, and so do all where nothing is published."""
    sent: dict[str, str] = {}

    def emit(event: str, payload: dict[str, str], **_: object) -> str:
        sent[event] = payload["compared"]
        return event

    monkeypatch.setattr(telling, "emit_event", emit)
    alerts = [Alert(kind, (("default", kind, "x"),), ("words",)) for kind in ("slo-burning", "tasks-stuck")]
    telling.emit_alerts(run, alerts)
    assert sent == {"avatar-tasks.slo-burning": "", "avatar-tasks.tasks-stuck": ""}
    collected(run, [Answer("t1", minute(2), SUCCESS)])
    telling.emit_alerts(run, alerts)
    assert sent["avatar-tasks.slo-burning"].startswith("Not known whether anything changed")
    assert sent["avatar-tasks.tasks-stuck"] == ""


def test_each_source_remembers_its_own_alerts(run: Run) -> None:
    """Runs of several gateways take turns, and neither forget nor repeat."""
    refused = dataclasses.replace(DONE, exit_code=ExitCode.KEY_REFUSED, problem="The gateway refused the key.")
    other = of_source(run, "second")
    assert told(run, refused) == {"key-refused": 1}
    assert told(other) == {}
    assert told(other, dataclasses.replace(refused, source="second")) == {"key-refused": 1}
    assert told(run, refused) == {}
    late = minute(60)
    done = [Answer(f"done{number}", minute(2), SUCCESS, source="second") for number in range(20)]
    collected(run, [*done, Answer("t1", late, RUNNING, source="second")])
    assert told(run) == {}
    assert told(other) == {"tasks-stuck": 1}
    assert told(run) == told(other) == {}


def test_the_memory_of_an_earlier_version_is_kept(run: Run) -> None:
    """It had one for all sources."""
    run.paths.root.mkdir()
    (run.paths.root / "alerts.json").write_text('[["key-refused", "default"]]')
    refused = dataclasses.replace(DONE, exit_code=ExitCode.KEY_REFUSED, problem="The gateway refused the key.")
    assert told(run, refused) == {}
    assert told(run, refused) == {}


def test_mixed_up_answers_are_alerted_with_examples_and_what_to_do(run: Run) -> None:
    """By the run of their source, once."""
    collected(run, [Answer("t1", minute(2), under("t2", SUCCESS)), Answer("t2", minute(2), under("t1", SUCCESS))])
    assert told(of_source(run, "second")) == {}
    [alert] = news(run, DONE).alerts
    assert (alert.kind, alert.count) == ("identity-conflict", 1)
    for words in ("2 ids", "t1 under t2", "proxy", "AVATAR_TASKS_ACCEPT_OTHER_IDS=true"):
        assert words in alert.sentence
    assert told(run) == {"identity-conflict": 1}
    assert told(run) == {}


def test_many_ids_missing_at_once_are_alerted_while_they_are(run: Run) -> None:
    """With numbers, and what to do."""
    seen, gone = minute(10), minute(50)
    ids = [f"t{number}" for number in range(25)]
    collected(run, [*(Answer(one, seen, RUNNING) for one in ids[:10]), *(Answer(one, gone, MISSING) for one in ids)])
    during = dataclasses.replace(run, clock=Clock(now=lambda: minute(60)))
    [alert] = [one for one in news(during, DONE).alerts if one.kind == "ids-missing"]
    for words in ("25 of the 25 ids", "it knew 10 of them before", "No id is given up", "AVATAR_TASKS_API_KEY"):
        assert words in alert.sentence
    assert told(during)["ids-missing"] == 1
    assert told(during) == {}
    assert "ids-missing" not in told(dataclasses.replace(run, clock=Clock(now=lambda: minute(181))))


def test_an_hour_without_an_answer_of_use_is_told_while_ids_are_due(run: Run) -> None:
    """A gateway that answers with errors alone tells nothing; one that was answered just now is fine."""
    collected(run, [Answer("t1", minute(10), RUNNING)])
    assert told(dataclasses.replace(run, clock=Clock(now=lambda: minute(65)))) == {}
    later = dataclasses.replace(run, clock=Clock(now=lambda: minute(90)))
    [alert] = news(later, DONE).alerts
    assert (alert.kind, alert.count) == ("collection-stale", 1)
    assert "no usable answer since 2026-01-20 03:10 UTC" in alert.sentence
    assert told(later) == {"collection-stale": 1}
    collected(run, [Answer("t1", minute(89), RUNNING)])
    assert told(later) == {"resolved": 1}
    assert told(later) == {}
