"""A simulated gateway on loopback, and the command line as a person uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.forked import run_command
from tests.preloaded import preloaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY = "test-key-that-opens-nothing"

#: Without pandas, which tests alone have: DuckDB would import it in each process, for half a second.
COMMAND = [sys.executable, "-c", "import sys; sys.modules['pandas'] = None; from avatar_tasks.cli import main; main()"]

#: Variables that Python, or a library, reads when it starts.
_AT_THE_START = ("PREFECT_", "PYTHON", "LANG", "LC_", "TMPDIR")

#: How long a command may take.
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Gateway:
    """A simulated gateway that is being served, and the time by its clock."""

    base_url: str
    world: World
    app: SimulatedGateway
    clock: ManualClock


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class CommandLine:
    """`avatar-tasks …` in a process of its own, in an empty folder, with nothing set but what is given."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    #: What `start` starts.
    program: Sequence[str] = tuple(COMMAND)

    def whole_environment(self) -> dict[str, str]:
        inherited = os.environ.items()
        plain = {name: value for name, value in inherited if not name.startswith(("AVATAR_TASKS_", "PREFECT_"))}
        return plain | self.environment

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.program, *arguments],
            cwd=self.folder,
            env=self.whole_environment() | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Result:
        """Run a command to its end; see `tests.forked`, where nothing depends on how its process begins."""
        if not stdin and not any(name.startswith(_AT_THE_START) for name in (*self.environment, *environment)):
            everything = self.whole_environment() | environment
            with tempfile.TemporaryDirectory() as logs:
                found = run_command(arguments, self.folder, everything, Path(logs), _PATIENCE_SECONDS)
            return Result(*found)
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(stdin, timeout=_PATIENCE_SECONDS)
            return Result(process.returncode, out, err)


@pytest.fixture(scope="module")
def ended_world() -> World:
    """A week of 300 tasks of every sort."""
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    return World(seed=11, tasks=300, start=end - timedelta(days=7), end=end, odd_share=0.5)


@pytest.fixture
def gateway(ended_world: World) -> Iterator[Gateway]:
    """That world when all of it has ended."""
    clock = ManualClock(ended_world.all_terminal_at())
    app = SimulatedGateway(ended_world, key=KEY, clock=clock)
    with serve(app) as base_url:
        yield Gateway(base_url, ended_world, app, clock)


@pytest.fixture(scope="session")
def quick_command() -> Iterator[list[str]]:
    """What may be started in the place of COMMAND where it does not matter how Python starts; see `tests.preloaded`."""
    with preloaded() as command:
        yield command


@pytest.fixture
def avatar_tasks(tmp_path: Path) -> CommandLine:
    """The command line with nothing set."""
    return CommandLine(tmp_path)


@pytest.fixture
def connected(tmp_path: Path, gateway: Gateway) -> CommandLine:
    """The command line set up for the simulated gateway."""
    return CommandLine(tmp_path, {"AVATAR_TASKS_BASE_URL": gateway.base_url, "AVATAR_TASKS_API_KEY": KEY})
