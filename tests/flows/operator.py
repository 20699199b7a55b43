"""What an operator does with Prefect: set up, start a worker, run deployments, look at what the server has."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 150.0


@dataclass(frozen=True)
class Operator:
    """At a shell in a folder of their own, with a Prefect server in use and data in a folder of their own."""

    home: Path
    folder: Path
    environment: dict[str, str]
    program: Sequence[str]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def published(self) -> Path:
        return self.data / "published" / "current.duckdb"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`avatar-tasks …`, or Python's `-c CODE …`."""
        return subprocess.run(
            [*self.program, *arguments],
            cwd=self.folder,
            env=self._env(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    def python(self, code: str, *arguments: str) -> None:
        """Python that uses the server."""
        done = self.command("-c", code, *arguments)
        assert done.returncode == 0, done.stderr

    @contextlib.contextmanager
    def worker(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that works until the block ends; what it and its runs say is in `worker.log`."""
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "avatar-tasks"]
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self._env(environment), stdout=log, stderr=log, start_new_session=True
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start_run(self, deployment: str, env: dict[str, str] | None = None, **parameters: object) -> str:
        """Start a deployment as the dashboard does, by the server's API: Prefect's command takes seconds to import."""
        with httpx.Client(base_url=f"{self.environment['PREFECT_API_URL']}/", timeout=60) as server:
            known = server.get(f"deployments/name/{deployment}").raise_for_status().json()
            wanted = {"parameters": {**known["parameters"], **parameters}, "job_variables": {"env": env} if env else {}}
            for _ in range(20):
                run = server.post(f"deployments/{known['id']}/create_flow_run", json=wanted)
                if (
                    run.status_code != httpx.codes.SERVICE_UNAVAILABLE
                ):  # its database was locked: Prefect's clients retry
                    break
                time.sleep(1)
        return str(run.raise_for_status().json()["id"])

    def cancel(self, run_id: str, *, again: bool = False) -> None:
        """Cancel a run; `again` for one that is being cancelled, which may have ended meanwhile."""
        command = [sys.executable, "-m", "prefect", "flow-run", "cancel", run_id]
        subprocess.run(command, env=self._env({}), capture_output=True, check=not again, timeout=120, cwd=ROOT)

    def ask(self, query: str, *values: str) -> list[Any]:
        """A query to the server's database."""
        with contextlib.closing(sqlite3.connect(self.home / "prefect.db", timeout=30)) as server:
            return server.execute(query, values).fetchall()

    def history(self) -> str:
        """How every run that was not merely planned ended."""
        query = """
            select flow_run.name, deployment.name, expected_start_time, state_name, auto_scheduled, (
                select message from flow_run_state where flow_run_state.id = flow_run.state_id
            )
            from flow_run left join deployment on deployment.id = deployment_id
            where state_name != 'Scheduled' order by 3
        """
        return "\n".join(str(row) for row in self.ask(query))

    def state(self, run_id: str) -> str:
        [(name,)] = self.ask("select state_name from flow_run where id = ?", run_id)
        return str(name)

    def end_of(self, run_id: str) -> str:
        """How a run ended, once it has."""
        self.wait_for(lambda: self.state(run_id) in {"Completed", "Failed", "Crashed", "Cancelled"}, f"run {run_id}")
        return self.state(run_id)

    def wait_for(self, happened: Callable[[], bool], what: str) -> None:
        assert self.happens(happened, PATIENCE_SECONDS), f"{what}: {self.history()} {self.everything_said()}"

    def happens(self, happened: Callable[[], bool], seconds: float) -> bool:
        """Whether it happens in time."""
        deadline = time.monotonic() + seconds
        while not (so_far := happened()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return so_far

    def everything_said(self) -> str:
        """The end of what the worker and the server say, and what the server could not deliver."""
        logs = [path for path in (self.folder / "worker.log", self.home / "server.log") if path.exists()]
        undelivered = [path.read_text()[:1000] for path in (self.home / "dlq").glob("*")]
        return "\n".join([*(path.read_text()[-3000:] for path in logs), *undelivered])

    def drop_into_inbox(self, name: str, ids: list[str]) -> None:
        """A file that has lain there for a minute."""
        self.inbox.mkdir(exist_ok=True)
        path = self.inbox / name
        path.write_text("".join(f"{one}\n" for one in ids))
        os.utime(path, (time.time() - 60,) * 2)

    def everything_written(self) -> bytes:
        """Every byte that the server, the worker and their runs have left."""
        files = [path for folder in (self.home, self.folder) for path in folder.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files)

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AVATAR_TASKS_", "PREFECT"))}
        return (
            plain
            | self.environment
            | {"AVATAR_TASKS_DATA_DIR": str(self.data), "AVATAR_TASKS_FIRST_START": "true"}
            | more
        )
