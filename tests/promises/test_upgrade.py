"""A data folder of the last release is taken over: readers are told what to do, and `rebuild` gives every row again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY

if TYPE_CHECKING:
    from tests.command_line import CommandLine

START = datetime(2026, 11, 20, tzinfo=UTC)
RELEASES = Path(__file__).parent / "releases"

#: What readers and writers do between the upgrade and the rebuild: none of it is a bug, and each says what to run.
REFUSED = {
    ("status",): 4,
    ("status", "--format", "prometheus"): 4,
    ("compare",): 2,
    ("report",): 2,
    ("evidence", "--where", "true", "--out", "bundle.zip"): 4,
    ("load",): 4,
    ("publish",): 4,
    ("maintain",): 4,
}


@pytest.fixture
def upgraded(avatar_tasks: CommandLine) -> CommandLine:
    """The folder as 0.1.0 left it after `demo --tasks 40`, under this version's command line."""
    data = avatar_tasks.folder / "data"
    with tarfile.open(RELEASES / "0.1.0.tar.gz") as archive:
        archive.extractall(data, filter="data")
    (data / "published").mkdir()
    shutil.copy(data / "warehouse.duckdb", data / "published" / "current.duckdb")
    return avatar_tasks


def digest(folder: Path) -> dict[str, str]:
    """Every file below a folder by its content."""
    files = (path for path in folder.rglob("*.parquet") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(file: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(file, read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        return con.execute(
            "select source, task_id, status, submit_time, finish_time, latency_seconds, fail_reason, observation_count "
            "from tasks order by all"
        ).fetchall()


def test_a_folder_of_the_last_release_is_taken_over(upgraded: CommandLine) -> None:
    """Until the rebuild, plain SQL reads the old copy, the rest refuses in one sentence; then all is as it was."""
    data = upgraded.folder / "data"
    before, archived = rows(data / "warehouse.duckdb"), digest(data / "archive")
    assert len(before) == 40
    for command, code in REFUSED.items():
        result = upgraded(*command)
        assert (command, result.code) == (command, code), result.err
        assert "another version" in result.err + result.out
        assert "rebuild" in result.err + result.out
        assert "bug" not in result.err
    assert json.loads(upgraded("sql", "select count(*) as n from tasks", "--format", "json").out) == [{"n": 40}]
    assert upgraded("rebuild").code == 0
    assert rows(data / "warehouse.duckdb") == before
    assert digest(data / "archive").items() >= archived.items()
    assert "40 ids accepted: 40 understood" in upgraded("status").out
    assert upgraded("maintain").code == 0


def test_ids_are_collected_before_the_rebuild_and_loaded_by_it(upgraded: CommandLine) -> None:
    """The schedule goes on while nobody has rebuilt yet: answers are archived (4), and in the tables afterwards."""
    world = World(3, 5, start=START, end=START + timedelta(hours=1))
    app = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()))
    with serve(app) as base_url:
        environment = {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY}
        result = upgraded("collect", *world.ids, **environment)
    assert result.code == 4, result.err
    assert "rebuild" in result.err
    assert upgraded("rebuild").code == 0
    found = rows(upgraded.folder / "data" / "warehouse.duckdb")
    assert len(found) == 45
