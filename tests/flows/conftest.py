"""A Prefect server for the tests of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows._prefect.dev_server import server_process

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
