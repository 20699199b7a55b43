"""`demo`: everything at once, with nothing set up, ends with every task terminal and a warehouse to query."""

from __future__ import annotations

import sqlite3
import subprocess
from typing import TYPE_CHECKING

from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine


def test_the_demo_follows_its_tasks_until_every_one_has_ended(avatar_tasks: CommandLine, tmp_path: Path) -> None:
    """Some of them still run when it begins; the last end while it watches."""
    result = avatar_tasks("demo", "--tasks", "150", "--speed", "60", "--no-prefect", "--no-report", "--json")
    assert (result.code, result.json["still_running"], result.json["requested"]) == (0, 0, 150)
    assert result.json["fetched"] > 150
    database = tmp_path / "demo" / "published" / "current.duckdb"
    assert {row["is_terminal"] for row in rows(database, "tasks", ["is_terminal"])} == {True}
    observed_running = [row for row in rows(database, "tasks", ["last_running_at"]) if row["last_running_at"]]
    assert observed_running
    assert "Try next" in result.err
    assert "failure rate" in result.err
    again = ("demo", "--tasks", "10", "--speed", "500", "--no-prefect", "--no-report", "--out", "demo")
    assert avatar_tasks(*again).code == 0, "a former demo is replaced"
    assert len(rows(database, "tasks")) == 10


def test_what_the_demo_says_to_type_next_works(avatar_tasks: CommandLine) -> None:
    """Every command it names, and the report to look at."""
    shown = avatar_tasks("demo", "--tasks", "30", "--speed", "500", "--no-prefect").err
    lines = [line for line in shown.splitlines() if "avatar-tasks " in line]
    assert len(lines) >= 3
    assert "demo/reports/report.html" in shown
    assert "Half of the tasks" in (avatar_tasks.folder / "demo" / "reports" / "report.html").read_text(encoding="utf-8")
    for line in lines:
        done = subprocess.run(["sh", "-c", line], cwd=avatar_tasks.folder, timeout=60, check=False)
        assert done.returncode == 0


def test_the_demo_leaves_a_folder_with_real_data_alone(avatar_tasks: CommandLine, tmp_path: Path) -> None:
    """And says where else it could be put."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious").touch()
    refused = avatar_tasks("demo", "--tasks", "10", "--no-prefect", "--no-report")
    assert refused.code == 2
    assert "--out" in refused.err
    assert (tmp_path / "demo" / "precious").exists()


def test_the_demo_runs_the_flow_on_a_prefect_server_of_its_own(avatar_tasks: CommandLine, tmp_path: Path) -> None:
    """The server knows the run, its batches and its summary, and its noise stays off the terminal."""
    result = avatar_tasks("demo", "--tasks", "600", "--speed", "500", "--no-report", "--json")
    assert (result.code, result.json["still_running"]) == (0, 0), result.err
    assert "Traceback" not in result.err
    assert "| INFO" not in result.err
    with sqlite3.connect(tmp_path / "demo" / "prefect" / "prefect.db") as server:
        assert server.execute(
            "select flow.name, state_type from flow_run join flow on flow.id = flow_id"
        ).fetchall() == [("collect", "COMPLETED")]
        tasks = server.execute("select state_type, count(*) from task_run group by 1").fetchall()
        assert tasks[0][0] == "COMPLETED"
        assert tasks[0][1] >= 2
        artifacts = server.execute("select key, data from artifact").fetchall()
    server.close()
    assert "failure rate" in dict(artifacts)["collect"]
