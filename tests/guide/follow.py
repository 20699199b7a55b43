"""Follows docs/operating.md on a machine of its own (see `machine`): `unshare … python -m tests.guide.follow SECTION…`.

It runs the blocks of the given line of the guide one by one, and ends with the first that does not do what it should.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.guide import machine
from tests.guide.blocks import read_blocks
from tests.guide.mailbox import mailbox
from tests.guide.operator import Operator
from tests.guide.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.guide.blocks import Block

GUIDE: Final = machine.ROOT / "docs" / "operating.md"
TRIAL: Final = "From nothing to a schedule"
KEY: Final = "test-key-that-opens-nothing"
#: No run on schedule comes between the commands of the guide.
DEPLOYMENTS: Final = "[collect]\ninterval = 86400\n"


def blocks_of(line: str) -> list[Block]:
    """The commands of one line of the guide: the trial by hand, or the server."""
    blocks = [one for one in read_blocks(GUIDE.read_text(encoding="utf-8")) if one.language == "bash"]
    return [one for one in blocks if (one.section == TRIAL) == (line == "trial")]


def follow(blocks: list[Block], operator: Operator, shell: Shell, *, soak: bool) -> None:
    """Do what a reader does."""
    for block in blocks:
        comments = block.comments
        if "not run" in comments or ("soak" in comments and not soak):
            continue
        began = time.monotonic()
        if "before" in comments:
            operator.sentence(comments["before"])
        if "yours" in comments:
            for name in block.names:
                shell.set(name, operator.yours(name))
        elif "own terminal" in comments:
            shell.start(block.text, Path("/run/terminal.log"))
        else:
            shell.run(block.text, code=int(comments.get("exit", 0)))
        if "then" in comments:
            operator.sentence(comments["then"])
        print(f"== {time.monotonic() - began:5.1f} s  {block}", flush=True)  # noqa: T201


@contextlib.contextmanager
def operator() -> Iterator[Operator]:
    """With a simulated gateway and a receiver of alerts on loopback."""
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    world = World(seed=11, tasks=400, start=end - timedelta(days=7), end=end)
    gateway = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()))
    with serve(gateway) as base_url, mailbox() as (hook, received):
        yield Operator(gateway, base_url, KEY, hook, received)


def main() -> None:
    """Follow one line of the guide."""
    parser = argparse.ArgumentParser()
    parser.add_argument("line", choices=["trial", "server"])
    parser.add_argument("--soak", action="store_true")
    wanted = parser.parse_args()
    scratch = Path(tempfile.mkdtemp())
    machine.set_up(scratch)
    own = machine.PROJECT / "deployments.toml"
    own.write_text(DEPLOYMENTS, encoding="utf-8")
    own.chmod(0o644)  # whatever the umask of the tests is
    with machine.postgresql(), operator() as one, Shell(machine.PROJECT, Path("/run")) as shell:
        one.write_ids(20, machine.PROJECT / "ids.txt")
        try:
            follow(blocks_of(wanted.line), one, shell, soak=wanted.soak)
        except BaseException:
            show_logs()
            raise


def show_logs() -> None:
    """What units and own terminals have printed last."""
    for log in [*Path("/run/journal").glob("*"), Path("/run/terminal.log")]:
        with contextlib.suppress(FileNotFoundError):
            print(f"== {log.name}\n" + log.read_text(errors="replace")[-3000:], flush=True)  # noqa: T201


if __name__ == "__main__":
    assert shutil.which("sudo"), "the guide needs sudo"
    main()
