"""Prefect's server drops old runs with the settings of the unit, and keeps new ones."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest

from flows._prefect.dev_server import server_process

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
VACUUM = re.compile(r"^Environment=(PREFECT_SERVER_SERVICES_DB_VACUUM_\w+)=(.+)$", re.MULTILINE)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A server with the settings of the unit, which looks every five seconds rather than every hour."""
    settings = dict(VACUUM.findall((ROOT / "deploy" / "avatar-tasks-server.service").read_text()))
    assert settings
    for name, value in {**settings, "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "5"}.items():
        monkeypatch.setenv(name, value)
    with (
        server_process(tmp_path / "prefect") as environment,
        httpx.Client(base_url=environment["PREFECT_API_URL"], timeout=30) as client,
    ):
        yield client


def ended(api: httpx.Client, home: Path, *days_ago: int) -> list[UUID]:
    """Flow runs that were completed so many days ago: the API takes no times, so the database gets them."""
    flow = api.post("/flows/", json={"name": "collect"}).json()["id"]
    runs = [
        api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "COMPLETED", "name": "Completed"}})
        for _ in days_ago
    ]
    found = [UUID(run.json()["id"]) for run in runs]
    with contextlib.closing(sqlite3.connect(home / "prefect.db", timeout=30)) as database, database:
        for run, days in zip(found, days_ago, strict=True):
            at = f"-{days} days"
            database.execute("update flow_run set end_time = datetime('now', ?) where id = ?", (at, str(run)))
    return found


@pytest.mark.soak
@pytest.mark.prefect
def test_runs_that_ended_a_month_ago_go_and_others_stay(api: httpx.Client, tmp_path: Path) -> None:
    """With what the unit sets, within a minute of it."""
    old, new = ended(api, tmp_path / "prefect", 31, 29)
    deadline = time.monotonic() + 60
    while api.get(f"/flow_runs/{old}").status_code == 200 and time.monotonic() < deadline:
        time.sleep(1)
    assert api.get(f"/flow_runs/{old}").status_code == 404
    assert api.get(f"/flow_runs/{new}").status_code == 200
