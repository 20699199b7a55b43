"""A machine of its own for a guide: namespaces in which files, users, ports and processes are nobody else's.

`unshare` has made the namespaces; what is mounted here covers `/etc`, `/var/lib`, `/run` and `/opt`, and goes with the
last process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.postgres import run_program

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = Path("/opt/avatar-tasks")
UNSHARE: Final = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]


def set_up(scratch: Path) -> None:
    """Mount everything, with loopback, the project at /opt, and `systemctl` and `journalctl` of our own."""
    run("ip", "link", "set", "lo", "up")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(scratch))
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    covered = scratch / "checkout"
    covered.mkdir()
    run("mount", "--bind", str(ROOT), str(covered))
    for path in (ROOT, Path(sys.base_prefix)):
        make_reachable(scratch, path)
    for folder in ("/etc", "/var/lib", "/var/backups"):
        Path(folder).mkdir(exist_ok=True)
        overlay(scratch, Path(folder), folder)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/opt")
    PROJECT.mkdir()
    overlay(scratch, PROJECT, str(covered))
    run("rm", "-rf", *(str(PROJECT / name) for name in (".env", "data", "inbox", "deployments.toml")))
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/usr/local/sbin")
    for program in ("systemctl", "journalctl"):
        path = Path("/usr/local/sbin") / program
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -I {ROOT}/tests/guide/units.py {program} "$@"\n')
        path.chmod(0o755)


def make_reachable(scratch: Path, path: Path) -> None:
    """Let other users come to what runs everything: a folder above it may be closed to them, such as root's home."""
    for closed in [one for one in reversed(path.parents) if not one.stat().st_mode & 0o001]:
        if closed.stat().st_dev != scratch.stat().st_dev:
            overlay(scratch, closed, str(closed))
        closed.chmod(0o755)


def overlay(scratch: Path, target: Path, lower: str) -> None:
    """What is written there is written to `scratch`."""
    upper, work = (scratch / part / str(target).strip("/") for part in ("upper", "work"))
    for folder in (upper, work):
        folder.mkdir(parents=True)
    upper.chmod(0o755)
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(target))


@contextlib.contextmanager
def postgresql() -> Iterator[None]:
    """As Debian has it: a superuser postgres on the socket, passwords on loopback."""
    socket, data = Path("/run/postgresql"), Path("/var/lib/postgresql/guide")
    for folder in (socket, data):
        folder.mkdir(parents=True, exist_ok=True)
        run("chown", "postgres", str(folder))
    socket.chmod(0o755)
    run_program(
        data, "initdb", "-D", ".", "-U", "postgres", "--auth-local=peer", "--auth-host=scram-sha-256", "--no-sync"
    )
    options = f"-k {socket} -c listen_addresses=127.0.0.1 -c fsync=off"
    run_program(data, "pg_ctl", "-D", ".", "-l", "log", "-w", "-o", options, "start")
    try:
        yield
    finally:
        run_program(data, "pg_ctl", "-D", ".", "-m", "immediate", "-w", "stop")


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=60, env=os.environ)
