"""Answers about other tasks are in no statistic: every view says what it says without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.warehouse.answers import (
    FAILURE,
    RUNNING,
    SUCCESS,
    SUCCESS_WITH_WORK,
    SURPRISING,
    Answer,
    Request,
    ended,
    failed,
    minute,
    under,
    write_answers,
    write_requests,
)
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.tables import emptied, rows
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.database.schema import Definition, definitions
from warehouse.load.loader import load
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

pytestmark = pytest.mark.e2e  # loads, or many worlds

#: Ids that are polled whether or not a proxy mixes their answers up.
IDS: Final = ("lost", "lost-too", "running", "sound")

#: Views of which ids are polled and of what the gateway answered, which these answers are part of.
OF_POLLING: Final = {
    *("due_tasks", "due_tasks_at", "given_up_tasks", "given_up_tasks_at", "id_accounting"),
    *("api_health_hourly", "mixed_up_answers", "data_quality", "data_quality_by"),
    *("lasting_storms_at", "missing_storms", "unknown_ids", "collection_freshness", "collection_freshness_at"),
}

ARGUMENTS: Final = {
    "(moment)": "(timestamptz '2026-01-20 05:00:00+00')",
    "(moment, min_sample := 0)": "(timestamptz '2026-01-20 05:00:00+00')",
    "(moment, stale_after_seconds := 3600)": "(timestamptz '2026-01-20 05:00:00+00')",
    "(bucket_seconds)": "(60)",
    "(bucket, zone := 'UTC')": "('hour')",
    "(bucket, zone)": "('hour', 'UTC')",
    "(ages)": "([30, 60])",
    "(t0, t1, bucket, zone)": "('-infinity', 'infinity', 'hour', 'UTC')",
    "(earliest)": "('-infinity'::timestamptz)",
    "(condition)": "(true)",
    "(t0, t1)": "('-infinity', 'infinity')",
    "(a0, a1, b0, b1)": "('-infinity', '2026-01-20 00:15:00Z', '2026-01-20 00:15:00Z', 'infinity')",
}

PLAIN: Final = [
    *(Answer(f"done{number}", minute(20), ended(60 + number)) for number in range(30)),
    *(Answer(f"failed{number}", minute(20), failed("upstream returned an error")) for number in range(5)),
    *(Answer(f"drift{number}", minute(20), SURPRISING) for number in range(2)),
    Answer("running", minute(30), RUNNING),
    Answer("sound", minute(10), RUNNING),
    Answer("sound", minute(30), SUCCESS_WITH_WORK),
]
MIXED_UP: Final = [
    Answer("lost", minute(31), under("done1", SUCCESS)),
    Answer("lost-too", minute(31), under("failed1", FAILURE)),
    Answer("lost-too", minute(32), under("x", RUNNING)),
    Answer("running", minute(40), under("done1", ended(30))),
    Answer("sound", minute(40), under("failed2", FAILURE)),
    Answer("lost", minute(41), under("done2", SUCCESS_WITH_WORK)),
]


#: Views that find nothing among so few, or so unlike, tasks.
MAY_BE_EMPTY: Final = {
    *("drivers", "drivers_between"),
    *("stuck_tasks", "slo_burn", "slo_burn_at", "failure_reasons_unmatched", "refund_claims"),
    *("change_points", "change_points_between", "result_expiry", "result_expiry_at"),
}


def view_names() -> list[str]:
    return [one.name for one in definitions("marts") if has_rows(one) and one.name not in OF_POLLING | {"stuck_tasks"}]


def has_rows(one: Definition) -> bool:
    """A view or a table macro; a scalar macro sees no task."""
    return one.kind == "view" or " as table" in one.sql


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """What every view says without the mixed-up answers, and with them."""
    folder = tmp_path_factory.mktemp("conflicts")
    return {"without": told(folder / "without", PLAIN), "with": told(folder / "with", PLAIN + MIXED_UP)}


def told(folder: Path, answers: list[Answer]) -> dict[str, list[dict[str, Any]]]:
    store = Archive(LocalFolder(folder))
    requests = [Request(one, minute(0)) for one in {one.task_id for one in PLAIN} | set(IDS)]
    named = [*view_names(), "data_quality"]
    with emptied() as con:
        load(con, [write_requests(store, requests), write_answers(store, answers)], DEFAULTS, PollingPolicy())
        return {name: without_polling(rows(con, f"from {call(name)} order by all")) for name in named} | {
            "tasks": rows(con, "select * from tasks where identity_conflict order by all")
        }


def without_polling(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without when objectives last heard of the gateway, which a mixed-up answer is part of."""
    return [{k: v for k, v in row.items() if "target" not in row or k != "last_observed_at"} for row in found]


def call(view: str) -> str:
    [definition] = [one for one in definitions("marts") if one.name == view]
    header = definition.sql.split(f"macro {view}", 1)[-1] if definition.kind == "macro" else ""
    return view + next((value for key, value in ARGUMENTS.items() if header.startswith(f"{key} as")), "")


@pytest.mark.parametrize("view", view_names())
def test_a_view_says_the_same_with_them(view: str, both: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """Curves, rates, counts, what is stuck, what is in flight."""
    assert both["with"][view] == both["without"][view]
    assert both["with"][view] or view in MAY_BE_EMPTY


def test_they_are_counted_in_a_check_of_their_own(both: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """And their rows stay visible, without what would count."""
    checks = {row["check_name"]: row for row in both["with"]["data_quality"]}
    before = {row["check_name"]: row for row in both["without"]["data_quality"]}
    assert {name for name in checks if checks[name] != before[name]} == {"identity_conflict"}
    assert (checks["identity_conflict"]["failing"], checks["identity_conflict"]["example_task_id"]) == (2, "lost")
    conflicts = both["with"]["tasks"]
    assert [(row["task_id"], row["answered_id"], row["status_raw"]) for row in conflicts] == [
        ("lost", "done2", "SUCCESS"),
        ("lost-too", "failed1", "FAILURE"),
    ]
    none = ("fail_class", "result_url", "submit_time", "finish_time", "latency_seconds", "run_seconds", "quota")
    for row in conflicts:
        assert (row["status"], row["is_terminal"], row["identity_conflict"]) == ("UNKNOWN", False, True)
        assert "identity_conflict" in row["quality_flags"]
        assert [row[name] for name in (*none, "first_terminal_at", "last_running_at")] == [None] * (len(none) + 2)


def test_a_task_seen_running_under_its_own_id_goes_on_running(tmp_path: Path) -> None:
    """What came under other ids says nothing of when it was seen."""
    store = Archive(LocalFolder(tmp_path))
    with emptied() as con:
        load(con, [write_answers(store, PLAIN + MIXED_UP)], DEFAULTS, PollingPolicy())
        sql = "select task_id, status, last_observed_at, observation_count from tasks"
        assert rows(con, f"{sql} where task_id in ('running', 'sound') order by all") == [
            {"task_id": "running", "status": "IN_PROGRESS", "last_observed_at": minute(30), "observation_count": 1},
            {"task_id": "sound", "status": "SUCCESS", "last_observed_at": minute(30), "observation_count": 2},
        ]
        assert is_pending(con, "running")
        assert not is_pending(con, "sound")


def is_pending(con: duckdb.DuckDBPyConnection, task_id: str) -> bool:
    return bool(con.execute("from pending where task_id = ?", [task_id]).fetchall())
