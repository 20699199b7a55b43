"""Settings from the environment and `.env`, as people have them: each works, or ends with 2 and one sentence."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from avatar_tasks import connect
from avatar_tasks.cli import main
from tests.avatar_tasks.test_bad_input import assert_one_helpful_line
from tests.command_line import Result
from warehouse.errors import EnvironmentFileError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine, Gateway


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("AVATAR_TASKS_")]:
        monkeypatch.delenv(name)


def here(*words: str, **environment: str) -> Result:
    """The command line in this process, which takes a tenth of the time."""
    mask = os.umask(0)
    try:
        result = CliRunner().invoke(main, list(words), env=environment)
    finally:
        os.umask(mask)
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return Result(result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("AVATAR_TASKS_CONCURRENCY=3\n".encode("utf-16"), [".env", "UTF-16"], id="UTF-16"),
        pytest.param("AVATAR_TASKS_CONCURRENCY=3\n".encode("utf-16-be"), [".env", "UTF-16"], id="UTF-16 without mark"),
        pytest.param(b"A=1\n# caf\xe9\nAVATAR_TASKS_RATE=5\n", [".env", "line 2"], id="Latin-1"),
        pytest.param(b"AVATAR_TASKS_RATE=5\0\n", [".env"], id="NUL"),
        pytest.param(b"\xef\xbb\xbfAVATAR_TASKS_RAET=5\n", ["RAET", "did you mean"], id="typo behind a mark"),
        pytest.param(b"avatar_tasks_raet=5\n", ["RAET in .env", "did you mean"], id="typo in lower case"),
        pytest.param(b"A=1\n\nAVATAR_TASKS_RATE 5\nB=2\n", [".env", "line 3 is not NAME=value"], id="no sign"),
        pytest.param(b'AVATAR_TASKS_RATE="5\nB=2\n', [".env", "line 1 is not NAME=value"], id="a quote not closed"),
    ],
)
def test_an_env_file_that_cannot_be_used_ends_with_2(tmp_path: Path, content: bytes, words: list[str]) -> None:
    """The sentence names the file or the name in it, and nothing else is made."""
    (tmp_path / ".env").write_bytes(content)
    assert_one_helpful_line(here("collect", "an-id", "--base-url", "http://127.0.0.1:9"), 2, *words)
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_without_a_gateway_no_data_folder_is_begun(tmp_path: Path) -> None:
    """The sentence says what to export, and nothing was made for a run that cannot be."""
    assert_one_helpful_line(here("collect", "an-id"), 2, "no gateway is set", "AVATAR_TASKS_BASE_URL=https://host")
    assert list(tmp_path.iterdir()) == []


def test_an_env_file_that_may_not_be_read_ends_with_2(tmp_path: Path) -> None:
    """Its settings are in force as soon as it can be read, so that to go on without them would be a surprise."""
    (tmp_path / ".env").symlink_to(".env")  # a loop: for root nothing is unreadable by its mode
    assert_one_helpful_line(here("status"), 2, ".env")


def test_a_folder_called_env_and_a_mark_before_the_first_name_are_no_obstacle(tmp_path: Path) -> None:
    """Some call their virtual environment so; some editors begin a file with a byte-order mark."""
    (tmp_path / ".env").mkdir()
    assert "nothing is published" in here("status").err
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfAVATAR_TASKS_DATA_DIR=elsewhere\n")
    assert "elsewhere" in here("status").err


def test_a_line_of_another_program_in_the_env_file_is_no_obstacle(tmp_path: Path) -> None:
    """Nor is it spoken of."""
    (tmp_path / ".env").write_text("not an assignment\nAVATAR_TASKS_DATA_DIR=elsewhere\n")
    assert [line.split(":")[0] for line in here("status").err.splitlines()] == ["avatar-tasks"]


def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(
    connected: CommandLine, quick_command: list[str], gateway: Gateway, tmp_path: Path
) -> None:
    """In `.env`, behind an option's `=`, and for Python; never a folder called ~."""
    connected = replace(connected, program=quick_command)
    home, ids = tmp_path / "home", gateway.world.ids[:3]
    home.mkdir()
    (home / "ids.txt").write_text("\n".join(ids))
    (tmp_path / ".env").write_text("AVATAR_TASKS_DATA_DIR=~/mydata\n")
    assert connected("collect", "--ids-file=~/ids.txt", HOME=str(home)).code == 0
    assert connected("sql", "from tasks", "--format=csv", "--out=~/tasks.csv", HOME=str(home)).code == 0
    assert connected("sql", "from tasks", "--data-dir=~/mydata", HOME=str(home)).code == 0
    code = "import avatar_tasks; print(avatar_tasks.connect().sql('select count(*) from tasks').fetchall())"
    environment = connected.whole_environment() | {"HOME": str(home)}
    done = subprocess.run([*quick_command, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert done.stdout == b"[(3,)]\n"
    assert {path.name for path in home.iterdir()} == {"ids.txt", "mydata", "tasks.csv"}
    assert {path.name for path in tmp_path.iterdir()} == {".env", "home"}
    assert_one_helpful_line(here("status", AVATAR_TASKS_DATA_DIR="~nobody-of-that-name/x"), 2, "DATA_DIR", "./~")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("DATA_DIR", "what?", ["DATA_DIR", "?"], id="question mark"),
        pytest.param("WAREHOUSE", "what?/w.duckdb", ["WAREHOUSE", "?"], id="question mark in the warehouse"),
        pytest.param("DATA_DIR", "postgres://me:Ab3Ab3@db", ["DATA_DIR", "URL"], id="a URL as the folder"),
        pytest.param("DATA_DIR", "a\nAVATAR_TASKS_API_KEY=b", ["DATA_DIR", "line break"], id="a quote not closed"),
        pytest.param("DATA_DIR", "/dev/null/x", ["/dev/null/x"], id="below a file"),
        pytest.param("DATA_DIR", " ", ["DATA_DIR", "empty"], id="blank"),
        pytest.param("DATA_DIR", __file__, ["DATA_DIR to a folder", "is a file"], id="a file as the folder"),
        pytest.param("WAREHOUSE", "/", ["WAREHOUSE", "is a folder"], id="a folder as the warehouse"),
        pytest.param("WAREHOUSE", "/dev/null", ["WAREHOUSE", "a device"], id="a device as the warehouse"),
        pytest.param("DATA_DIR", "n" * 300, ["too long"], id="very long name"),
        pytest.param("DATA_DIR", "caf\udce9", ["DATA_DIR", "UTF-8"], id="Latin-1"),
        pytest.param("SOURCE", "sk-" + "Ab3" * 16, ["SOURCE", "key"], id="the key in the wrong place"),
        pytest.param("BASE_URL", "sk-" + "Ab3" * 16, ["BASE_URL", "key"], id="the key as the address"),
        pytest.param("TIMEOUT", "nan", ["TIMEOUT"], id="no number"),
        pytest.param("MEMORY", "350", ["MEMORY", "from 100MB to 1PiB, e.g. 350MB"], id="bytes instead of megabytes"),
        pytest.param("MEMORY", "much", ["MEMORY", "e.g. 350MB"], id="no amount"),
        pytest.param("LOCK_WAIT", "inf", ["LOCK_WAIT"], id="endless"),
        pytest.param("BASE_URL", "http://127.0.0.1:99999", ["BASE_URL", "port"], id="no such port"),
        pytest.param("BASE_URL", "http://127.0.0.1:0", ["BASE_URL", "port"], id="port 0"),
    ],
)
def test_a_value_that_cannot_be_used_ends_with_2_and_makes_nothing(
    tmp_path: Path, name: str, value: str, words: list[str]
) -> None:
    """One sentence with the setting's name; no folder is left, and no key is repeated."""
    address = {"AVATAR_TASKS_BASE_URL": "http://127.0.0.1:9"}
    result = here("collect", "an-id", **address | {f"AVATAR_TASKS_{name}": value})
    assert_one_helpful_line(result, 2, *words)
    assert "Ab3Ab3" not in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["sp ace#b x%41 ü中 it's a*[b] a;b", "a:b", "n" * 200])
def test_a_data_folder_may_have_any_other_name(connected: CommandLine, gateway: Gateway, name: str) -> None:
    """What means something to DuckDB, to a URL or to a shell is a letter like any other."""
    settings = connected.environment | {"AVATAR_TASKS_DATA_DIR": name}
    assert here("collect", gateway.world.ids[0], **settings).code == 0
    with connect(name) as con:
        assert con.sql("select count(*) from tasks").fetchall() == [(1,)]


def test_in_a_folder_that_was_deleted_a_command_says_so(
    avatar_tasks: CommandLine, quick_command: list[str], tmp_path: Path
) -> None:
    """With 2; help is given all the same."""
    (tmp_path / "gone").mkdir()
    line = 'cd gone; rmdir ../gone; "$@"'
    for words, code in (["collect", "an-id"], 2), (["demo"], 2), (["--help"], 0):
        command = ["bash", "-c", line, "bash", *quick_command, *words]
        (tmp_path / "gone").mkdir(exist_ok=True)
        done = subprocess.run(
            command, cwd=tmp_path, env=avatar_tasks.whole_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert ("working folder" in done.stderr) == (code == 2)


def test_python_reads_the_settings_that_the_command_line_reads(
    connected: CommandLine, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATA_DIR from `.env` and from the environment, which wins; a `.env` that cannot be read is an error, too."""
    for folder, count in ("one", 1), ("two", 2):
        settings = connected.environment | {"AVATAR_TASKS_DATA_DIR": folder}
        assert here("collect", *gateway.world.ids[:count], **settings).code == 0
    (tmp_path / ".env").write_text("avatar_tasks_data_dir = 'one'\n")
    assert tasks() == 1
    monkeypatch.setenv("AVATAR_TASKS_DATA_DIR", "two")
    assert tasks() == 2
    (tmp_path / ".env").write_bytes(b"\xff\xfeA\0")
    with pytest.raises(EnvironmentFileError, match="UTF-16"):
        tasks()


def tasks() -> int:
    with connect() as con:
        [[count]] = con.sql("select count(*) from tasks").fetchall()
    return int(count)


def test_an_unexpected_error_is_reported_as_a_bug_with_a_file_for_its_traceback(
    connected: CommandLine, quick_command: list[str], tmp_path: Path
) -> None:
    """With 1; the file is private, says what happened, and holds no key."""
    key = "sk-" + "Ab3" * 16
    code = (
        "import avatar_tasks.start\n"
        f"def start(*_, **__): raise RuntimeError('no header for {key} at postgres://me:hush@db password=hush2')\n"
        "avatar_tasks.start.start = start\n"
        "from avatar_tasks.cli import main; main(['collect', 'an-id', '--json'])"
    )
    environment = connected.whole_environment() | {"TMPDIR": str(tmp_path), "AVATAR_TASKS_API_KEY": key}
    done = subprocess.run(
        [*quick_command, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    [report] = tmp_path.glob("avatar-tasks-bug-*.txt")
    text = report.read_text()
    assert (done.returncode, "Traceback" in done.stderr, "this is a bug" in done.stderr) == (1, False, True)
    assert str(report) in done.stderr
    assert stat.S_IMODE(os.stat(report).st_mode) == 0o600  # noqa: PTH116 - not through the link it may be
    assert "RuntimeError" in text
    assert "in start" in text
    assert not any(secret in text + done.stdout + done.stderr for secret in (key, "hush"))
