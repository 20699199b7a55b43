"""Who reads what a command says may leave at any time: that changes neither the work nor the exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import COMMAND, KEY, CommandLine
from tests.pipeline.tables import rows
from tests.promises.conftest import figures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import Gateway
    from tests.promises.conftest import Figures

__all__ = ["figures"]

#: What a shell may do with stdout and stderr.
WAYS: Final = {
    "stderr closed": "2>&-",
    "stderr on a full disk": "2>/dev/full",
    "stdout closed": ">&-",
    "stdout on a full disk": ">/dev/full",
    "both closed, and stdin": "<&- >&- 2>&-",
    "both on a full disk": ">/dev/full 2>&1",
}

#: Every command that ends by itself and needs no server, and whether it writes to stdout; `sql` has tests of its own.
COMMANDS: Final = {
    "status": True,
    "status --json": True,
    "publish --json": True,
    "rebuild": False,
    "maintain --json": True,
    "report --format html --json": True,
    "migrate --to other.duckdb": False,
    "--help": True,
    "no-such-command": False,
}


@pytest.fixture
def quick(connected: CommandLine, quick_command: list[str]) -> CommandLine:
    """`connected`, started without the time that Python takes to start."""
    return replace(connected, program=quick_command)


def in_shell(command: CommandLine, words: str) -> int:
    """The exit code of `avatar-tasks` with `words` behind it, as a shell reads them."""
    line = f'"$@" {words}'
    shell = ["bash", "-c", line, "bash", *command.program]
    done = subprocess.run(
        shell, cwd=command.folder, env=command.whole_environment(), capture_output=True, check=False, timeout=120
    )
    assert b"Traceback" not in done.stdout + done.stderr
    return done.returncode


def with_readers_gone(command: CommandLine, *words: str) -> int:
    """The exit code when both are a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [*command.program, *words],
            cwd=command.folder,
            env=command.whole_environment(),
            stdout=writing,
            stderr=writing,
            check=False,
            timeout=120,
        ).returncode
    finally:
        os.close(writing)


@pytest.mark.parametrize(
    ("way", "program"), [("2>&-", None), (">/dev/full", None), ("<&- >&- 2>&-", None), ("<&- >&- 2>&-", COMMAND)]
)
def test_a_collect_with_closed_output_does_its_work(
    quick: CommandLine, gateway: Gateway, tmp_path: Path, way: str, program: list[str] | None
) -> None:
    """It ends with 0, and what it fetched is published; also where Python starts with closed streams."""
    ids = gateway.world.ids[:3]
    assert in_shell(replace(quick, program=program or quick.program), f"collect {' '.join(ids)} {way}") == 0
    published = tmp_path / "data" / "published" / "current.duckdb"
    assert {row["task_id"] for row in rows(published, "tasks", ["task_id"])} == set(ids)


def test_a_collect_whose_readers_are_gone_keeps_its_exit_code(
    quick: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """With 0 where all went well, with 5 and 2 and 3 where it did not."""
    assert with_readers_gone(quick, "collect", gateway.world.ids[0], "--json") == 0
    assert len(rows(tmp_path / "data" / "published" / "current.duckdb", "tasks", ["task_id"])) == 1
    assert with_readers_gone(quick, "collect", "an-id", "--base-url", "http://127.0.0.1:9", "--json") == 5
    assert with_readers_gone(quick, "collect", "--ids-file", "no-such-file") == 2
    wrong = replace(quick, environment=quick.environment | {"AVATAR_TASKS_API_KEY": "wrong"})
    assert with_readers_gone(wrong, "collect", gateway.world.ids[1]) == 3


def test_requested_output_that_does_not_fit_on_a_full_disk_is_an_error_in_one_line(
    quick: CommandLine, gateway: Gateway
) -> None:
    """With 2, as for any output that cannot be written; a run that failed keeps its own exit code."""
    words = f"collect {gateway.world.ids[0]} --json"
    assert in_shell(quick, f"{words} >/dev/full") == 2
    assert in_shell(quick, f"{words} 2>/dev/full >/dev/full") == 2
    assert in_shell(quick, "collect an-id --base-url http://127.0.0.1:9 --json >/dev/full") == 5
    with quick.start("status") as process:  # which says nothing on stdout
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def collected_once(tmp_path_factory: pytest.TempPathFactory, ended_world: World) -> Path:
    folder = tmp_path_factory.mktemp("collected")
    app = SimulatedGateway(ended_world, key=KEY, clock=ManualClock(ended_world.all_terminal_at()))
    with serve(app) as base_url:
        there = CommandLine(folder, {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY})
        assert there("collect", *ended_world.ids[:10]).code == 0
    return folder


@pytest.fixture
def collected(avatar_tasks: CommandLine, collected_once: Path) -> CommandLine:
    shutil.copytree(collected_once, avatar_tasks.folder, dirs_exist_ok=True)
    return avatar_tasks


def check_all(collected: CommandLine, ways: list[str]) -> None:
    for way in ways:
        for words, writes in COMMANDS.items():
            expected = (
                2 if words == "no-such-command" or (writes and ">/dev/full" in way and "2>/dev" not in way) else 0
            )
            (collected.folder / "other.duckdb").unlink(missing_ok=True)
            assert in_shell(collected, f"{words} {way}") == expected, f"{words} {way}"


@pytest.mark.e2e
def test_no_command_fails_because_its_output_is_closed(collected: CommandLine, quick_command: list[str]) -> None:
    """The quick ones, where the descriptors are closed or full; `soak` has all of them in every way."""
    quick = replace(collected, program=quick_command)
    for words in ("status", "publish --json"):
        assert in_shell(quick, f"{words} <&- >&- 2>&-") == 0, words
    assert in_shell(quick, "publish >/dev/full 2>&1") == 0
    assert in_shell(collected, "status >/dev/full") == 2, "what was asked for could not be written"
    assert in_shell(quick, "no-such-command 2>/dev/full") == 2
    assert in_shell(quick, "--help >/dev/full") == 2
    assert with_readers_gone(quick, "no-such-command") == 2
    assert with_readers_gone(collected, "--help") == 0


@pytest.mark.e2e
@pytest.mark.soak
def test_no_command_fails_with_any_kind_of_closed_output(collected: CommandLine, figures: Figures) -> None:
    """Every command in every way, and with readers that have gone."""
    check_all(collected, list(WAYS.values()))
    for words in COMMANDS:
        (collected.folder / "other.duckdb").unlink(missing_ok=True)
        assert with_readers_gone(collected, *words.split()) == (2 if words == "no-such-command" else 0), words
    ways = len(WAYS) + 1
    figures("commands nobody hears", f"{len(COMMANDS)} in {ways} ways: {len(COMMANDS) * ways} ended as with readers")


def test_output_of_a_library_never_goes_into_a_file_that_reuses_the_descriptor_of_stderr(
    avatar_tasks: CommandLine, tmp_path: Path
) -> None:
    """A closed descriptor is taken by the next file that is opened: with stderr closed that would be one of ours."""
    code = (
        "import os, sys; from avatar_tasks.streams import never_fail; never_fail(); file = open('data.bin', 'wb');"
        "print('words', file=sys.stderr); os.write(2, b'words'); assert file.fileno() > 2"
    )
    words = ["bash", "-c", '"$@" 2>&-', "bash", COMMAND[0], "-c", code]
    subprocess.run(words, cwd=tmp_path, env=avatar_tasks.whole_environment(), check=True, timeout=60)
    assert (tmp_path / "data.bin").read_bytes() == b""
