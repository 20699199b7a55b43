"""The other commands: status, sql, publish, rebuild, and the promises of --json."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner

from avatar_tasks.cli import main
from pipeline import interrupts
from pipeline.errors import ExitCode
from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import COMMAND, KEY, CommandLine
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import Gateway


@pytest.fixture(scope="module")
def collected_once(tmp_path_factory: pytest.TempPathFactory, ended_world: World) -> Path:
    """A folder with a warehouse of fifty tasks, an answer in quarantine and an unknown id."""
    folder = tmp_path_factory.mktemp("collected")
    app = SimulatedGateway(ended_world, key=KEY, clock=ManualClock(ended_world.all_terminal_at()))
    with serve(app) as base_url:
        there = CommandLine(folder, {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY})
        assert there("collect", *ended_world.ids[:50], "sim_html_1", "sim_missing_1").code == 0
    return folder


@pytest.fixture
def collected(avatar_tasks: CommandLine, collected_once: Path) -> CommandLine:
    """A copy of it of one's own."""
    shutil.copytree(collected_once, avatar_tasks.folder, dirs_exist_ok=True)
    return avatar_tasks


def test_collect_prints_the_promised_json(connected: CommandLine, gateway: Gateway) -> None:
    """The keys of INTERFACE, and numbers that add up."""
    summary = connected("collect", *gateway.world.ids[:5], "sim_html_1", "no id!", "--json").json
    promised = "run_id requested rejected skipped_terminal fetched requests retries outcomes statuses segments_loaded"
    assert {*promised.split(), "unreachable", "seconds"} <= set(summary)
    assert (summary["requested"], summary["fetched"], summary["outcomes"]) == (6, 6, {"malformed": 1, "task": 5})
    assert sum(summary["statuses"].values()) == 5


def test_status_prints_what_is_known(collected: CommandLine) -> None:
    """For people in words, for machines as JSON."""
    found = collected("status", "--json").json
    assert sum(found["tasks_by_status"].values()) == 50
    assert (found["ids"]["accepted"], found["ids"]["answers_quarantined"]) == (52, 1)
    assert (found["archive"]["segments_not_loaded"], found["warehouse_locked_by"]) == (0, "nobody")
    assert found["warehouse_held_by"] == "nobody", "the name up to 0.1"
    assert "tasks by status" in collected("status").out


def test_sql_shows_a_table(collected: CommandLine) -> None:
    """What people see when they just ask."""
    shown = collected("sql", "select count(*) as tasks from tasks").out
    assert "tasks" in shown
    assert "50" in shown


def test_sql_writes_csv_json_and_parquet(collected: CommandLine, tmp_path: Path) -> None:
    """To stdout or a file, whatever is asked for; lists and times included."""
    query = "select task_id, submit_time, quality_flags from tasks order by task_id"
    csv = collected("sql", query, "--format", "csv").out.splitlines()
    assert (len(csv), csv[0]) == (51, "task_id,submit_time,quality_flags")
    assert len(json.loads(collected("sql", query, "--format", "json").out)) == 50
    assert collected("sql", query, "--format", "parquet", "--out", "it's.parquet").code == 0
    assert pl.read_parquet(tmp_path / "it's.parquet").height == 50
    assert collected("sql", query, "--format", "json", "--out", "it's.json").code == 0
    assert len(json.loads((tmp_path / "it's.json").read_text())) == 50


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["selct 1"], "syntax error", id="no SQL"),
        pytest.param(["from nowhere"], "nowhere", id="unknown table"),
        pytest.param(["delete from tasks"], "read-only", id="writing"),
        pytest.param(["from tasks", "--format", "parquet"], "--out", id="Parquet to the terminal"),
        pytest.param(["from tasks", "--format", "csv", "--out", "no/such/folder.csv"], "no/such", id="no such folder"),
    ],
)
def test_a_query_that_cannot_be_run_ends_with_2(collected: CommandLine, arguments: list[str], words: str) -> None:
    """DuckDB's own words, without a traceback; and the published copy cannot be written."""
    result = collected("sql", *arguments)
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err


def test_sql_without_a_result_is_quiet(collected: CommandLine) -> None:
    """A statement that returns nothing is no error."""
    assert collected("sql", "set variable a = 1").code == 0


def test_publish_brings_back_what_was_deleted(collected: CommandLine, tmp_path: Path) -> None:
    """The published copy is derived from the warehouse."""
    published = tmp_path / "data" / "published" / "current.duckdb"
    published.unlink()
    assert collected("publish").code == 0
    assert len(rows(published, "tasks", ["task_id"])) == 50


def test_rebuild_brings_back_a_warehouse_that_was_destroyed(collected: CommandLine, tmp_path: Path) -> None:
    """The warehouse is derived from the archive; a damaged one says what to do."""
    warehouse = tmp_path / "data" / "warehouse.duckdb"
    warehouse.write_bytes(b"not a database" * 1000)
    refused = collected("publish")
    assert refused.code == 4
    assert "avatar-tasks rebuild" in refused.err
    assert collected("rebuild", "--json").json["answers"] == 52
    assert len(rows(warehouse, "tasks", ["task_id"])) == 50


def cpu_seconds(command: list[str], folder: Path) -> float:
    """What a process computes, at best of three: on a machine of its own it would take no longer."""
    found = []
    for _ in range(3):
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        found.append(usage.ru_utime + usage.ru_stime)
    return min(found)


@pytest.mark.e2e
def test_help_answers_in_under_half_a_second(tmp_path: Path) -> None:
    """Nothing heavy is imported for it."""
    assert cpu_seconds([*COMMAND, "--help"], tmp_path) < 0.5


@pytest.mark.e2e
def test_sql_answers_in_under_a_second(collected: CommandLine) -> None:
    """Most of it is DuckDB and the settings; neither polars nor a client of anything is imported."""
    bare = cpu_seconds([sys.executable, "-c", "import duckdb"], collected.folder)
    ours = cpu_seconds([*COMMAND, "sql", "select count(*) from tasks"], collected.folder)
    assert ours < 1
    assert ours < 8 * bare


@pytest.mark.parametrize("name", main.commands)
def test_the_help_of_every_command_has_examples_that_it_takes(name: str) -> None:
    """And a sentence on what it is for, which the list of commands shows whole."""
    shown = CliRunner().invoke(main, [name, "--help"], catch_exceptions=False).output
    examples = [shlex.split(line) for line in shown.partition("Examples:\n")[2].splitlines()]
    assert [words[:2] for words in examples] == [["avatar-tasks", name]] * len(examples) != []
    for words in examples:
        main.commands[name].make_context(name, words[2:])
    whole = CliRunner().invoke(main, ["--help"]).output
    assert f"{main.commands[name].short_help}\n" in whole


def test_the_help_has_every_exit_code() -> None:
    """For scripts: those of `ExitCode`, and that of a signal."""
    shown = CliRunner().invoke(main, ["--help"]).output.partition("Exit codes:")[2]
    assert [int(line.split()[0]) for line in shown.strip().splitlines()] == [*ExitCode, interrupts.INTERRUPTED]


def test_check_says_in_one_screen_what_is_wrong_and_what_to_do(connected: CommandLine) -> None:
    """On stdout, in words or as JSON, with the exit code that `collect` would end with."""
    fine = connected("check", "--rate", "5")
    assert (fine.code, fine.err) == (0, "")
    assert fine.out.splitlines()[-1] == "Everything is in order."
    assert "RATE = 5.0  (option)" in fine.out
    assert len(fine.out.splitlines()) < 30
    assert KEY not in fine.out
    refused = connected("check", "--json", AVATAR_TASKS_API_KEY="sk-another")
    assert (refused.code, refused.json["exit_code"]) == (3, 3)
    assert [one["remedy"] for one in refused.json["findings"] if one["state"] == "error"] == [
        "Check AVATAR_TASKS_API_KEY: it is mistyped, expired, or the key of another gateway"
    ]
