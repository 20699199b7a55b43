"""A PostgreSQL of our own: a cluster in a temporary folder, on a socket there, for as long as the tests last."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICK = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off"


@dataclass(frozen=True)
class Postgres:
    """A server that runs."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_database(self, like: str | None = None) -> str:
        """How to reach a database of one's own, in libpq's words; empty, or a copy of one that is not in use."""
        name = f"lake{next(self._numbers)}"
        template = ["-T", like.split()[0].removeprefix("dbname=")] if like else []
        run_program(self.folder, "createdb", "-h", str(self.folder), "-U", "lake", *template, name)
        return f"dbname={name} host={self.folder} user=lake"

    def ask(self, catalog: str, query: str) -> list[str]:
        """The lines that `psql` prints."""
        done = subprocess.run(
            [_program("psql") or "psql", "-XAt", catalog, "-c", query], check=True, capture_output=True, text=True
        )
        return str(done.stdout).splitlines()


def why_not() -> str | None:
    """Why there can be no server here; None when there can be one."""
    if _program("initdb") is None:
        return "PostgreSQL is not installed (initdb is neither on the path nor in /usr/lib/postgresql)"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A server in a folder of its own, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        run_program(folder, "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "lake", "-E", "UTF8", "--no-sync")
        run_program(
            folder,
            "pg_ctl",
            "-D",
            f"{folder}/data",
            "-l",
            f"{folder}/log",
            "-w",
            "-o",
            f"{_QUICK} -k {folder}",
            "start",
        )
        try:
            folder.chmod(0o755)
            yield Postgres(folder)
        finally:
            run_program(folder, "pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_program(folder: Path, program: str, *arguments: str) -> None:
    subprocess.run(
        [_program(program) or program, *arguments],
        cwd=folder,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        user="postgres" if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
    )


def _program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


def _unprivileged() -> str | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return None
