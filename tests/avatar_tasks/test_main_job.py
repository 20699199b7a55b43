"""The main job as a person does it: `simulate` in one terminal, `collect` in another."""

from __future__ import annotations

import contextlib
import itertools
import signal
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.command_line import KEY
from tests.pipeline.tables import contents, ordered, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulator import Truth
    from tests.command_line import CommandLine, Gateway


def write_ids(folder: Path, ids: list[str]) -> str:
    path = folder / "ids.txt"
    path.write_text("".join(f"{task_id}\n" for task_id in ids), encoding="utf-8")
    return path.name


def published(folder: Path) -> Path:
    return folder / "data" / "published" / "current.duckdb"


def assert_equal_to_truth(database: Path, truth: Truth) -> None:
    for table, key, expected in (
        ("tasks", ("source", "task_id"), truth.tasks),
        ("works", ("source", "task_id"), truth.works),
        ("pt_infos", ("source", "task_id", "pt_index"), truth.pt_infos),
    ):
        assert expected, f"the world has no {table} to compare with"
        found = rows(database, table, expected[0].keys())
        assert ordered(found, key) == ordered(expected, key)


def test_the_tables_are_what_the_gateway_knows_row_by_row_and_value_by_value(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """Every shape, unit and oddity of the world comes out as what it means."""
    result = connected("collect", "--ids-file", write_ids(tmp_path, gateway.world.ids), "--json")
    assert (result.code, result.json["outcomes"]) == (0, {"task": 300})
    assert_equal_to_truth(published(tmp_path), gateway.world.truth(gateway.clock()))


def test_a_second_run_polls_only_tasks_that_have_not_ended(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """An id that is known to have ended is not polled again; one that was never known to the gateway is."""
    ids = write_ids(tmp_path, [*gateway.world.ids[:20], "f" * 32])
    connected("collect", "--ids-file", ids)
    again = connected("collect", "--ids-file", ids, "--json")
    assert (again.json["skipped_terminal"], again.json["fetched"], again.json["requests"]) == (20, 1, 1)
    assert max(gateway.app.calls[task_id] for task_id in gateway.world.ids[:20]) == 1


def test_a_killed_collect_loses_no_id_and_duplicates_no_row(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """Killed with -9 at two moments, then run again without any ids: the archive knows what was wanted."""
    ids = write_ids(tmp_path, gateway.world.ids)
    for calls in (1, 120):
        with connected.start("collect", "--ids-file", ids, AVATAR_TASKS_RATE="100") as process:
            wait_until(partial(calls_exceed, gateway, calls))
            process.send_signal(signal.SIGKILL)
    result = connected("collect", "--ids-file", ids, "--json")
    assert (result.code, result.json["still_running"]) == (0, 0)
    assert_equal_to_truth(published(tmp_path), gateway.world.truth(gateway.clock()))
    observed = rows(published(tmp_path), "observations", ["task_id", "observed_at"])
    assert len(observed) == len({(row["task_id"], row["observed_at"]) for row in observed})


def calls_exceed(gateway: Gateway, calls: int) -> bool:
    return gateway.app.total_calls > calls


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen within 30 s")


def test_ids_accepted_before_a_kill_are_fetched_by_the_next_run(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """An id is durable once accepted, whatever happens to the run that accepted it."""
    ids = write_ids(tmp_path, gateway.world.ids)
    with connected.start("collect", "--ids-file", ids, AVATAR_TASKS_RATE="10") as process:
        wait_until(lambda: any((tmp_path / "data" / "archive" / "requests").glob("*/2*.parquet")))
        process.send_signal(signal.SIGKILL)
    result = connected("collect", "--json")
    assert (result.code, result.json["requested"]) == (0, 0)
    assert len(rows(published(tmp_path), "tasks", ["task_id"])) == 300


def test_ctrl_c_keeps_received_answers_and_ends_within_seconds(
    connected: CommandLine, quick_command: list[str], gateway: Gateway, tmp_path: Path
) -> None:
    """Answers that had come are archived before the process ends, so none is asked for twice."""
    connected = replace(connected, program=quick_command)
    ids = write_ids(tmp_path, gateway.world.ids)
    with connected.start("collect", "--ids-file", ids, AVATAR_TASKS_RATE="50") as process:
        wait_until(lambda: gateway.app.total_calls > 20)
        process.send_signal(signal.SIGINT)
        stopped_at = time.monotonic()
        _, err = process.communicate(timeout=20)
    assert time.monotonic() - stopped_at < 10
    assert (process.returncode, "Traceback" in err) == (130, False)
    asked_before = gateway.app.total_calls
    assert connected("collect", "--ids-file", ids, "--json").json["skipped_terminal"] >= asked_before - 10


def test_rebuild_gives_the_same_tables(connected: CommandLine, gateway: Gateway, tmp_path: Path) -> None:
    """The warehouse is a function of the archive, several runs and answers of every sort included."""
    strange = ["sim_html_1", "sim_missing_1", "sim_truncated_1", "sim_work_running_1", "sim_unknown_field_1"]
    for start in (0, 150):
        connected("collect", *gateway.world.ids[start : start + 150], *strange)
    before = contents(published(tmp_path))
    assert len(before["tasks"]) > 300
    assert connected("rebuild").code == 0
    assert contents(published(tmp_path)) == before


def test_follow_stops_at_its_deadline(connected: CommandLine) -> None:
    """A task that never ends does not keep anybody waiting for ever."""
    started = time.monotonic()
    patience = {"AVATAR_TASKS_GIVE_UP_AFTER": "9999 days", "AVATAR_TASKS_POLL_MIN": "1"}
    result = connected("collect", "sim_in_progress_1", "--follow", "--deadline", "3", "--json", **patience)
    assert (result.code, result.json["still_running"]) == (0, 1)
    assert time.monotonic() - started < 60


def test_simulate_and_collect_in_two_terminals(
    avatar_tasks: CommandLine, quick_command: list[str], tmp_path: Path
) -> None:
    """As the README says it: one terminal serves, the other collects with the ids the first wrote."""
    avatar_tasks = replace(avatar_tasks, program=quick_command)
    arguments = ["simulate", "--port", "0", "--tasks", "50", "--key", KEY, "--ids-out", "ids.txt", "--faults", "0.2"]
    with avatar_tasks.start(*arguments, "--account", "any-token") as simulation:
        assert simulation.stderr is not None
        greeting = " ".join(itertools.islice(simulation.stderr, 3)).split()
        environment = dict(word.split("=", 1) for word in greeting if word.startswith("AVATAR_TASKS_"))
        result = avatar_tasks("collect", "--ids-file", "ids.txt", "--json", **environment)
        listed = avatar_tasks("collect", "--discover", "--since", "8 days", "--json", **environment)
        simulation.send_signal(signal.SIGINT)
        with contextlib.suppress(ProcessLookupError):
            simulation.wait(10)
    assert (result.code, result.json["requested"], result.json["outcomes"]) == (0, 50, {"task": 50})
    assert (listed.code, listed.json["discovered"]["tasks"]) == (0, 50)
    assert result.json["retries"] > 0
    assert len(rows(published(tmp_path), "tasks", ["task_id"])) == 50
