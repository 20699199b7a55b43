"""A Prefect server for the tests of flows."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from flows._prefect.dev_server import server_process
from tests.flows.operator import ROOT
from tests.preloaded import preloaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A Prefect server, and the environment in which a process uses it; it ends with the tests of this folder.

    Idle, it takes a tenth of a core: its services look for late runs, events and leases.
    """
    home = tmp_path_factory.mktemp("prefect")
    with server_process(home) as environment:
        yield home, environment


@pytest.fixture(scope="package")
def quick_prefect(server_home: tuple[Path, dict[str, str]]) -> Iterator[list[str]]:
    """What starts a command, or Python, with everything imported that uses this server; see `tests.preloaded`."""
    with preloaded(server_home[1], prefect=True) as command:
        yield command


@pytest.fixture(scope="package")
def deployed(server_home: tuple[Path, dict[str, str]], quick_prefect: list[str]) -> list[str]:
    """`quick_prefect`, and everything set up on that server, with a limit of 100 requests a second over all workers."""
    command = [*quick_prefect, "setup-prefect", "--rate", "100"]
    subprocess.run(command, cwd=ROOT, env=os.environ | server_home[1], check=True, timeout=120)
    return quick_prefect
