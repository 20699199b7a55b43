"""Whose a data folder is, and who may read it. Only root can be another user, so only root can test it."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UnusableInputError
from pipeline.folder_owner import enter_folder
from pipeline.settings import Settings
from tests.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.command_line import Gateway

NOBODY = 65_534
GROUP = 4_242

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as another user"),
    pytest.mark.usefixtures("_umask"),
]


@pytest.fixture
def _umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def visible() -> Iterator[Path]:
    """A folder that every user can come to, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def give(folder: Path, user: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, -1)


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in [folder, *folder.rglob("*")]}


def test_no_command_that_writes_runs_as_another_user(connected: CommandLine, gateway: Gateway) -> None:
    """Not even as root: one sentence with whose it is and what to type, and nothing changed; reading is fine."""
    assert connected("collect", *gateway.world.ids[:3]).code == 0
    data = connected.folder / "data"
    give(data, NOBODY)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    refused = connected("collect", gateway.world.ids[4])
    assert refused.code == 2
    for words in ("belongs to the user nobody", "`sudo -u nobody avatar-tasks collect …`", "Nothing was changed"):
        assert words in refused.err
    for command in ("load", "rebuild", "publish"):
        assert "sudo -u nobody" in connected(command).err, command
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    assert connected("status").code == 0
    assert owners(data) == {NOBODY}


def test_root_becomes_the_owner_where_it_is_told_to(visible: Path) -> None:
    """For the rest of the process, in a child of ours here; also where the folder is empty yet."""
    data = visible / "data"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    with pytest.raises(UnusableInputError, match="belongs to the user nobody"):
        enter_folder(Settings(data_dir=data))
    child = os.fork()
    if not child:
        enter_folder(Settings(data_dir=data, run_as_owner=True))
        (data / "made").mkdir()
        os._exit(0 if os.geteuid() == os.getuid() == NOBODY and set(os.getgroups()) <= {NOBODY} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (data / "made").stat().st_uid == NOBODY
    assert os.geteuid() == 0


@pytest.mark.parametrize(("mode", "refused"), [(0o755, True), (0o777, False)])
def test_another_user_who_may_write_there_is_let_in(visible: Path, mode: int, *, refused: bool) -> None:
    """Somebody opened the folder to them, or the mount shows another owner than the one who writes."""
    archive = visible / "data" / "archive"
    archive.mkdir(parents=True)
    visible.joinpath("data").chmod(0o755)
    archive.chmod(mode)
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            enter_folder(Settings(data_dir=visible / "data"))
        except UnusableInputError as error:
            os._exit(1 if "belongs to the user root" in str(error) else 2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == int(refused)


def readable(path: Path, *groups: int) -> bool:
    """For another user who is in these groups."""
    command = ["cat", str(path)]
    found = subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=groups, capture_output=True, check=False, timeout=30
    )
    return found.returncode == 0


def test_with_share_group_the_group_reads_what_is_published_and_nothing_else(visible: Path, gateway: Gateway) -> None:
    """Through every publish, and the report; another user cannot."""
    there = CommandLine(
        visible, {"AVATAR_TASKS_BASE_URL": gateway.base_url, "AVATAR_TASKS_API_KEY": "test-key-that-opens-nothing"}
    )
    data = visible / "data"
    data.mkdir(mode=0o700)
    os.chown(data, -1, GROUP)
    published, report = data / "published" / "current.duckdb", data / "reports" / "report.html"
    assert there("collect", *gateway.world.ids[:3]).code == 0
    assert not readable(published, GROUP), "without the setting it is the owner's only"
    for command in (["collect", *gateway.world.ids[3:5]], ["publish"], ["rebuild"], ["report"]):
        done = there(*command, AVATAR_TASKS_SHARE="group")
        assert done.code == 0, done.err
        assert readable(published, GROUP), command
    assert readable(report, GROUP)
    assert not any(readable(path) for path in (published, report))
    others = [path for name in ("archive", "warehouse.duckdb") for path in [data / name, *(data / name).rglob("*")]]
    assert not [path for path in others if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_with_share_group_the_group_reads_the_files_of_a_lake(visible: Path) -> None:
    """Those from before, and those that libraries make from then on; nothing is asked of PostgreSQL for it."""
    data = visible / "data"
    old = data / "lake" / "main" / "tasks" / "old.parquet"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"rows")
    os.chown(data, -1, GROUP)
    enter_folder(Settings(data_dir=data, warehouse="ducklake:postgres:dbname=none", share="group"))
    new = data / "lake" / "main" / "works" / "new.parquet"
    new.parent.mkdir()
    new.write_bytes(b"rows")
    assert readable(old, GROUP)
    assert readable(new, GROUP)
    assert not readable(new)
