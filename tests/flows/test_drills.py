"""A row of the table of drills in docs/operating.md that nothing else tries: runs that no worker takes are late."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from tests.flows.operator import Operator
from tests.flows.test_operating import SAVE_BLOCK, set_up
from tests.guide.mailbox import mailbox

if TYPE_CHECKING:
    from pathlib import Path

#: The database gets what takes time: three runs that were planned ten minutes ago, and are due for a minute.
DUE = """
    update flow_run set
        next_scheduled_start_time = datetime('now', '-60 seconds'),
        expected_start_time = datetime('now', '-60 seconds')
    where id in (
        select flow_run.id from flow_run join deployment on deployment.id = deployment_id
        where deployment.name = 'collect' and state_name = 'Scheduled' order by next_scheduled_start_time limit 3
    )
"""
PLANNED_BEFORE = "update flow_run_state set timestamp = datetime('now', '-10 minutes') where name = 'Scheduled'"
SCHEDULED = """
    select count(*) from flow_run join deployment on deployment.id = deployment_id
    where deployment.name = 'collect' and state_name = 'Scheduled'
"""


@pytest.fixture
def operator(server_home: tuple[Path, dict[str, str]], quick_prefect: list[str], tmp_path: Path) -> Operator:
    connected = {"AVATAR_TASKS_BASE_URL": "http://127.0.0.1:9", "AVATAR_TASKS_API_KEY": "opens-nothing"}
    return Operator(server_home[0], tmp_path, server_home[1] | connected, quick_prefect)


@pytest.mark.soak
def test_a_message_says_that_runs_are_late(operator: Operator) -> None:
    """Three runs of which no worker takes any, planned more than five minutes ahead, as those of a schedule are."""
    with mailbox() as (url, received):
        operator.python(SAVE_BLOCK, url)
        set_up(operator)
        operator.wait_for(lambda: operator.ask(SCHEDULED)[0][0] >= 3, "runs on schedule")
        with contextlib.closing(sqlite3.connect(operator.home / "prefect.db", timeout=30)) as server, server:
            for statement in (PLANNED_BEFORE, DUE):
                server.execute(statement)
        began = time.monotonic()
        late = "[critical] avatar-tasks: runs are late"
        operator.wait_for(lambda: any(late in one.decode() for one in received), late)
        print(f"\nruns are late: a message came after {time.monotonic() - began:.0f} s")  # noqa: T201
    [told] = [one for one in map(json.loads, received) if one["title"] == late]
    assert "Three runs within an hour were due and did not start" in told["text"]
    assert "\nDeployment collect, run " in told["text"]
