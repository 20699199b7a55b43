"""docs/operating.md does what it says: its commands are run from the file, in order, on a machine of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.guide import machine
from tests.guide.blocks import read_blocks
from tests.guide.follow import GUIDE, blocks_of
from tests.guide.operator import SENTENCES

NEEDED = ("sudo", "rsync", "curl", "ip", "unshare", "setpriv", "runuser", "useradd")
MOST_NOT_RUN = 6
LANGUAGES = {"bash", "toml", "text", "crontab"}
COMMAND = re.compile(r"^ +(export|sudo|psql|systemctl|prefect|avatar-tasks|as_owner|rsync|python) ", re.MULTILINE)


def why_not() -> str | None:
    """Why the guide cannot be followed here; None when it can."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        return f"{', '.join(missing)} not installed"
    allowed = subprocess.run([*as_root(), "unshare", "--mount", "true"], check=False, capture_output=True, timeout=60)
    return None if allowed.returncode == 0 else "needs root: users, mounts and ports of its own"


def as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def on_a_machine(module: str, *arguments: str) -> None:
    """In namespaces of its own; what it printed is shown where it fails."""
    if reason := why_not():
        assert not os.environ.get("CI"), f"the guide has to be followed in CI: {reason}"
        pytest.skip(reason)
    command = [*as_root(), *machine.UNSHARE, sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command,
        cwd=machine.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1800,
    )
    print(done.stdout)  # noqa: T201 - pytest shows it where the test fails
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.mark.guide
def test_a_server_is_run_as_the_guide_says() -> None:
    """Users, PostgreSQL, units, alerts, a cancelled run, an upgrade, a backup, a loss and a restore."""
    on_a_machine("tests.guide.follow", "server")


@pytest.mark.soak
@pytest.mark.parametrize("line", ["trial", "server"])
def test_the_guide_is_followed_with_its_long_parts(line: str) -> None:
    """By hand on SQLite; and on the server a worker is killed in the middle of a run."""
    on_a_machine("tests.guide.follow", line, "--soak")


@pytest.mark.soak
def test_the_services_of_the_compose_file_work_together() -> None:
    """As processes, with their users, environments, commands and health checks; a run loads the simulator's tasks."""
    on_a_machine("tests.guide.compose")


def test_little_of_the_guide_is_not_run_and_each_such_block_has_a_reason() -> None:
    """Commands are in fenced blocks, so that none is skipped."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = list(read_blocks(text))
    assert {one.language for one in blocks} <= LANGUAGES
    reasons = [one.comments["not run"] for one in blocks if "not run" in one.comments]
    assert all(reasons)
    assert len(reasons) <= MOST_NOT_RUN
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert COMMAND.findall(prose) == []


def test_what_the_guide_wants_made_and_checked_is_known() -> None:
    """A sentence of a comment that nobody understands would come up in the long form only."""
    blocks = [*blocks_of("trial"), *blocks_of("server")]
    wanted = {one.comments[word] for one in blocks for word in ("before", "then") if word in one.comments}
    assert wanted == set(SENTENCES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("<!-- norun: because -->\n```bash\nls\n```\n", "means nothing", id="unknown comment"),
        pytest.param("<!-- yours -->\n```bash\nls\n```\n", "more than assignments", id="a command among values"),
    ],
)
def test_a_guide_with_an_odd_block_is_refused(text: str, message: str) -> None:
    """Rather than run in part."""
    with pytest.raises(ValueError, match=message):
        _ = [block.names for block in read_blocks(text)]
