"""`sql`: its result goes where it was sent and nowhere else, and the query reaches the warehouse and nothing else."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from avatar_tasks.sql import run_query
from pipeline.errors import UnusableInputError
from tests.command_line import COMMAND, CommandLine
from tests.warehouse.answers import SUCCESS_WITH_WORK, Answer, Request, minute
from tests.warehouse.conftest import Site
from warehouse.database.publish import publish
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable

#: The shell scripts among the cases that people sent in: their first line says what they expect.
CASES = Path(__file__).parent / "sql_cases"

ROOT = Path(__file__).parent.parent.parent
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a published warehouse of one task in `data`."""
    folder = tmp_path_factory.mktemp("published")
    site = Site(DataPaths(folder / "data"))
    site.archive([Answer("t1", minute(1), SUCCESS_WITH_WORK)], [Request("t1", minute(0))])
    site.load()
    publish(site.paths, 5)
    return folder


@pytest.fixture
def published(avatar_tasks: CommandLine, published_once: Path) -> CommandLine:
    """A copy of it of one's own."""
    shutil.copytree(published_once, avatar_tasks.folder, dirs_exist_ok=True)
    return avatar_tasks


@pytest.fixture
def shell(published: CommandLine, quick_command: list[str]) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs lines of shell in which `$AT` is the command line."""
    program = published.folder / "at"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(quick_command)} "$@"\n')
    program.chmod(0o755)

    def run(lines: str) -> subprocess.CompletedProcess[str]:
        environment = published.whole_environment() | {"AT": str(program)}
        lines = "\n".join(line for line in lines.splitlines() if "collect" not in line)  # it is collected already
        command = ["bash", "-o", "pipefail", "-c", lines]
        return subprocess.run(
            command,
            cwd=published.folder,
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
            text=True,
            errors="replace",
        )

    return run


def case(name: str) -> str:
    return (CASES / f"{name}.sh").read_text(encoding="utf-8")


@pytest.mark.e2e
def test_appending_to_a_file_keeps_its_content(
    shell: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    """Opened again, stdout would be cut to nothing and begin at 0."""
    done = shell(case("201-sql-csv-append-truncates"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "important history\na\n1\n", "")


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "table"])
def test_a_group_of_commands_writes_one_after_the_other(
    shell: Callable[[str], subprocess.CompletedProcess[str]], kind: str
) -> None:
    """Into one file, from the first line to the last."""
    assert shell(f'( echo first; $AT sql "select 41 + 1 as a" --format {kind}; echo last ) > all').returncode == 0
    lines = shell("cat all").stdout.splitlines()
    assert (lines[0], lines[-1]) == ("first", "last")
    assert any("42" in line for line in lines[1:-1])


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "table"])
def test_a_closed_pipe_is_not_an_error(shell: Callable[[str], subprocess.CompletedProcess[str]], kind: str) -> None:
    """Nor does the rest of a long result have to be computed."""
    done = shell(case("204-sql-csv-head").replace("200000", "2000000000").replace("csv", kind))
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "table"])
def test_a_closed_stdout_is_reported_in_one_sentence(
    shell: Callable[[str], subprocess.CompletedProcess[str]], kind: str
) -> None:
    """Its number would be given to the next file that is opened."""
    done = shell(case("205-sql-stdout-closed").replace("csv", kind))
    assert (done.returncode, done.stderr) == (2, "avatar-tasks: stdout is closed: write to a file with --out FILE\n")


@pytest.mark.e2e
def test_a_full_device_is_reported_in_one_sentence(shell: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    """As for any file."""
    done = shell('$AT sql "select 1" --format csv > /dev/full')
    assert (done.returncode, done.stderr) == (2, "avatar-tasks: cannot write to stdout: No space left on device\n")


@pytest.mark.e2e
def test_a_socket_takes_a_result(published: CommandLine, quick_command: list[str]) -> None:
    """It cannot be opened by a name at all."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [*quick_command, "sql", "select 1 as a", "--format", "csv"]
        done = subprocess.run(
            command,
            cwd=published.folder,
            env=published.whole_environment(),
            stdout=theirs.fileno(),
            timeout=60,
            check=False,
        )
        assert (done.returncode, ours.recv(100)) == (0, b"a\n1\n")


@pytest.mark.e2e
def test_the_format_follows_the_suffix_of_the_file(
    shell: Callable[[str], subprocess.CompletedProcess[str]], published: CommandLine
) -> None:
    """Unless --format says otherwise; a suffix that says nothing is refused."""
    done = shell(case("206-sql-out-suffix"))
    assert (done.returncode, done.stdout) == (0, "PAR1\x15" + done.stdout[5:-4] + "a\n1\n")
    assert pl.read_parquet(published.folder / "o.parquet").to_dicts() == [{"a": 1}]
    for name, words in (("o.json", '[\n\t{"a":1}\n]\n'), ("o.ndjson", '{"a":1}\n'), ("o.JSONL", '{"a":1}\n')):
        assert published("sql", "select 1 as a", "--out", name).code == 0
        assert (published.folder / name).read_text() == words
    assert published("sql", "select 1 as a", "--out", "o.csv", "--format", "ndjson").code == 0
    assert (published.folder / "o.csv").read_text() == '{"a":1}\n'
    refused = published("sql", "select 1 as a", "--out", "o.xlsx")
    assert (refused.code, (published.folder / "o.xlsx").exists()) == (2, False)
    assert ".xlsx" in refused.err
    assert "--format" in refused.err


def test_a_query_that_fails_leaves_the_file_as_it_was(published: CommandLine) -> None:
    """It is written beside and then takes the place; its rights and a link to it stay."""
    real = published.folder / "real.csv"
    real.write_text("old\n")
    real.chmod(0o644)
    (published.folder / "link.csv").symlink_to(real)
    failing = "select case when range = 900000 then error('stop') else range end from range(1000000)"
    assert published("sql", failing, "--out", "link.csv").code == 2
    assert real.read_text() == "old\n"
    assert published("sql", "select 1 as a", "--out", "link.csv").code == 0
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("a\n1\n", 0o644)
    assert (published.folder / "link.csv").is_symlink()
    assert not list(published.folder.glob(".unfinished*"))


@pytest.mark.e2e
@pytest.mark.parametrize("out", ["/dev/stdout", "-", "/dev/fd/1"])
def test_stdout_may_be_named_as_a_file(shell: Callable[[str], subprocess.CompletedProcess[str]], out: str) -> None:
    """It is neither replaced nor opened again; nor is a device."""
    done = shell(f'echo one > all; $AT sql "select 2 as two" --format csv --out {out} >> all; cat all')
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n2\n")
    assert shell('$AT sql "select 1" --out /dev/null --format csv').returncode == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.e2e
def test_five_million_rows_are_streamed(published: CommandLine) -> None:
    """They are on their way while the query runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    command = [*COMMAND, "sql", "select range as a, 'x' || range as b from range(5_000_000)", "--format", "csv"]
    with subprocess.Popen(
        command, cwd=published.folder, env=published.whole_environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        size = 0
        while piece := process.stdout.read(MEGABYTE):
            size += len(piece)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert (process.returncode, size > 80_000_000) == (0, True)
    assert usage.ru_maxrss / 1024 < 300 or usage.ru_maxrss <= before


ESCAPES = {
    "reads a file": "from read_csv('/etc/passwd')",
    "reads a file by its name": "from '/etc/passwd'",
    "reads text": "select content from read_text('/proc/self/environ')",
    "lists files": "from glob('/etc/*')",
    "copies out": "copy tasks to 'stolen.csv'",
    "copies out as Parquet": "copy (from tasks) to 'stolen.parquet' (format parquet)",
    "exports": "export database 'stolen'",
    "imports": "import database 'stolen'",
    "attaches": "attach 'other.duckdb' as other",
    "installs": "install httpfs",
    "loads": "load httpfs",
    "unlocks": "set enable_external_access = true",
    "resets": "reset enable_external_access",
    "opens another path": "set allowed_directories = ['/']",
    "writes a log": "set log_query_path = 'stolen.log'",
    "writes a profile": "pragma profile_output = 'stolen.json'",
    "by a second statement": "select 1; copy tasks to 'stolen.csv'",
    "keeps a secret": "create persistent secret s (type s3)",
}


@pytest.mark.parametrize("query", ESCAPES.values(), ids=ESCAPES)
def test_a_query_reaches_nothing_but_the_warehouse(published: CommandLine, query: str) -> None:
    """By DuckDB's own settings; and nothing is there afterwards that was not there before."""
    before = sorted(path.name for path in published.folder.rglob("*"))
    with pytest.raises(UnusableInputError, match="secret" if "secret" in query else "--allow-files"):
        run_query(DataPaths(published.folder / "data"), query, None, None)
    assert sorted(path.name for path in published.folder.rglob("*")) == before


def test_allow_files_lets_a_query_do_what_its_user_may(published: CommandLine) -> None:
    """Read a file, write one, change a setting; the warehouse itself stays as it is."""
    (published.folder / "ids.csv").write_text("task_id\nt1\n")
    joined = "select count(*) as n from tasks semi join 'ids.csv' using (task_id)"
    assert json.loads(published("sql", joined, "--format", "json", "--allow-files").out) == [{"n": 1}]
    assert published("sql", "set threads = 1; copy tasks to 'own.csv'", "--allow-files").code == 0
    assert (published.folder / "own.csv").exists()
    assert "read-only" in published("sql", "delete from tasks", "--allow-files").err


def test_what_stays_possible_without_files(published: CommandLine) -> None:
    """Views of one's own, variables, pivots and sorts larger than memory are no files of anybody's."""
    query = (
        "create temp view mine as from tasks; set variable a = 41; select getvariable('a') + count(*) as n from mine"
    )
    assert json.loads(published("sql", query, "--format", "json").out) == [{"n": 42}]
    assert published("sql", "pivot tasks on status using count(*)", "--format", "csv").code == 0
    assert published("sql", "describe tasks", "--out", "tables.csv").code == 0
    no_rows = published("sql", "create temp view mine as from tasks", "--out", "none.csv")
    assert (no_rows.code, (published.folder / "none.csv").exists()) == (2, False)


def test_a_query_may_begin_with_a_comment_as_those_of_the_docs_do(published: CommandLine) -> None:
    """Two dashes and a space are no option; a mistyped option is still one, and refused."""
    question = (ROOT / "docs/queries/21-what-became-of-the-ids.sql").read_text(encoding="utf-8")
    assert question.startswith("-- ")
    assert json.loads(published("sql", question, "--format", "json").out)
    assert "No such option" in published("sql", "select 1", "--fromat", "json").err


def test_floats_are_shown_as_people_write_them(published: CommandLine) -> None:
    """Right to a millisecond, to three digits where that would leave nothing; in files they are as they are."""
    query = (
        "select 53.00001::double as a, 0.1::double + 0.2::double as b, 1.5537e-4::double as p, 12345.6789::double as c"
    )
    table = published("sql", query).out
    for shown in ("53.0 ", "0.3 ", "0.000155 ", "12345.679 "):
        assert shown in table
    assert "0.30000000000000004" in published("sql", query, "--format", "csv").out
    for odd in (
        "select 'nan'::double as a",
        "select 'infinity'::double as a",
        "select 1e-310::double as a",
        "select 0::double",
    ):
        assert published("sql", odd).code == 0
    twice = published("sql", "select 0.1::double + 0.2::double as a, 1.0::double as a")
    assert twice.code == 0


def test_a_line_for_every_column_hides_none(published: CommandLine) -> None:
    """Where a table of 80 columns would leave most out; control characters of a gateway stay on their line."""
    shown = published("sql", "from tasks", "--format", "line").out
    names = [line.split(" ")[0] for line in shown.splitlines()]
    assert {"task_id", "latency_seconds", "fail_rule", "run_id"} <= set(names)
    assert max(len(line.split("  ", 1)[0]) for line in shown.splitlines()) <= 30
    two = published(
        "sql", "select range as a, 'x' || chr(10) || 'y' as b, null as c from range(2)", "--format", "line"
    ).out
    assert two == "a  0\nb  x\\ny\nc  NULL\n\na  1\nb  x\\ny\nc  NULL\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("", "the query is empty", id="nothing"),
        pytest.param(" ; -- only a comment", "the query is empty", id="a comment"),
        pytest.param("select 1; select 2", "2 statements have a result", id="two results"),
        pytest.param("explain select 1; from tasks", "2 statements have a result", id="an explanation and a result"),
        pytest.param("select 1; set variable a = 1", "has to be the last one", id="a result that nobody would see"),
    ],
)
def test_what_would_show_nothing_or_half_is_refused(published: CommandLine, query: str, said: str) -> None:
    """Rather than run and be lost."""
    done = published("sql", query)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_query_is_stopped_after_its_timeout(published: CommandLine) -> None:
    """With a sentence; a quick one is not."""
    endless = "select sum(a.range * b.range) from range(10_000_000) a, range(10_000_000) b"
    for kind in ("table", "csv", "line"):
        done = published("sql", endless, "--timeout", "0.3", "--format", kind)
        assert (done.code, "longer than 0.3 s" in done.err) == (2, True), done.err
    assert published("sql", "select 1", "--timeout", "60").code == 0


@pytest.mark.e2e
def test_who_waits_sees_for_how_long_and_only_on_a_terminal(published: CommandLine, quick_command: list[str]) -> None:
    """From the third second on, on stderr, and cleared before the result."""
    master, slave = os.openpty()
    slow = "set threads = 1; select sum(a.range * b.range) from range(10_000_000) a, range(10_000_000) b"
    command = [*quick_command, "sql", slow, "--timeout", "2.7", "--allow-files"]
    done = subprocess.run(
        command,
        cwd=published.folder,
        env=published.whole_environment(),
        stdout=subprocess.PIPE,
        stderr=slave,
        timeout=60,
        check=False,
    )
    os.close(slave)
    said = os.read(master, 100_000).decode()
    os.close(master)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "2 s" in said
    assert said.rindex("\x1b[K") < said.index("avatar-tasks:")
    assert "\x1b" not in published("sql", "select 1").err
