"""PostgreSQL and S3-compatible storage on loopback, and lakes on them."""

from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests import postgres as server
from warehouse.ducklake.lake import Lake
from warehouse.ducklake.sessions import lake_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of our own. Where there can be none, the test is skipped; but not where it counts."""
    if missing := server.why_not():
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with server.running() as running:
        yield running


@pytest.fixture
def no_lake(postgres: Postgres, tmp_path: Path) -> Lake:
    """A place for a lake, which is not there yet."""
    return Lake(postgres.new_database(), str(tmp_path / "lake"))


@pytest.fixture(scope="session")
def empty_lake(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that nobody writes to: copies of its catalog are quicker to have than new lakes."""
    lake = Lake(postgres.new_database(), str(tmp_path_factory.mktemp("lake")))
    with lake_writer(lake, 10):
        pass
    return lake


@pytest.fixture
def lake(postgres: Postgres, empty_lake: Lake) -> Lake:
    """A lake, its tables empty; its files have names that no others have, so that many lakes can share their folder."""
    return Lake(postgres.new_database(empty_lake.catalog), empty_lake.data)


@pytest.fixture(scope="session")
def storage() -> Iterator[dict[str, str]]:
    """S3-compatible storage; what to have in the environment to use it."""
    moto = pytest.importorskip("moto.server")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    running.stop()


@pytest.fixture
def bucket(storage: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, and the environment to use it, for this process and its children."""
    for name, value in storage.items():
        monkeypatch.setenv(name, value)
    name = f"b{abs(hash(tmp_path)):x}"
    urllib.request.urlopen(urllib.request.Request(f"{storage['AWS_ENDPOINT_URL']}/{name}", method="PUT"), timeout=10)  # noqa: S310
    return name
