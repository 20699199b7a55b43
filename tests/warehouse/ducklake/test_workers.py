"""Two workers collect into one lake and one archive on object storage, one is killed, and nothing shows of it."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY, CommandLine
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.tables import column, contents, rows
from warehouse.archive.object_store import ObjectFolder
from warehouse.archive.segments import Archive
from warehouse.database.reader import open_published
from warehouse.database.writer import open_writer
from warehouse.ducklake.sessions import open_lake
from warehouse.errors import WarehouseError
from warehouse.load import loader as load
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from warehouse.ducklake.lake import Lake

TASKS = 120

FROM_STDIN = ("--ids-file", "-")

#: All that is about the tasks, and nothing about who asked when.
WHAT_TASKS_ARE = """
    select * exclude (
        requested_at, first_asked_at, first_observed_at, last_observed_at, observation_count, last_running_at,
        first_terminal_at, segment_id, observed_at, run_id
    )
    from tasks
    order by all
"""


@pytest.fixture(scope="module")
def world() -> World:
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    return World(seed=5, tasks=TASKS, start=end - timedelta(days=3), end=end, odd_share=0.2)


@pytest.fixture
def gateway(world: World) -> Iterator[tuple[str, SimulatedGateway]]:
    """That world when all of it has ended."""
    app = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()))
    with serve(app) as base_url:
        yield base_url, app


@dataclass
class Reader:
    """Somebody who queries throughout."""

    lake: Lake
    looks: list[tuple[int, int, int]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        while not self.done.is_set():
            try:
                with open_lake(self.lake) as con:
                    for _ in range(3):
                        self.looks.append(look(con))
                        self.done.wait(0.5)
            except (duckdb.Error, WarehouseError) as error:
                self.refused.append(str(error))


def look(con: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Answers, those the ledger speaks of, and ids that are there twice: as of one moment."""
    [found] = con.execute(
        """
        select
            (select count(*) from observations),
            (select coalesce(sum(rows), 0) from segments where kind = 'observations'),
            (select count(*) - count(distinct (source, task_id)) from tasks)
        """
    ).fetchall()
    return found


@contextmanager
def reading(lake: Lake) -> Iterator[Reader]:
    reader = Reader(lake)
    thread = threading.Thread(target=reader.read)
    thread.start()
    try:
        yield reader
    finally:
        reader.done.set()
        thread.join(60)


@pytest.mark.soak
def test_workers_at_once_leave_what_one_after_another_would(
    tmp_path: Path, lake: Lake, bucket: str, gateway: tuple[str, SimulatedGateway], world: World
) -> None:
    """Ids of their own and ids of others; a reader who is never refused, and never sees half a load or a row twice.

    The worker that is killed in the middle is run again. The tables are those of a load of the same archive into a
    plain file, and say of the tasks what a serial run into a plain file says.
    """
    base_url, app = gateway
    plain = CommandLine(tmp_path, {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY})
    shared = CommandLine(tmp_path, plain.environment | settings_of(lake, bucket) | {"AVATAR_TASKS_RATE": "20"})
    ids = list(world.ids)
    shares = [ids[:70], ids[50:]]
    with reading(lake) as reader:
        workers = [start(shared, number, share) for number, share in enumerate(shares)]
        wait_until(lambda: app.total_calls > TASKS // 3)
        workers[1].send_signal(signal.SIGKILL)
        again = start(shared, 1, shares[1])
        for worker in (workers[0], again):
            out, err = worker.communicate(timeout=180)
            assert worker.returncode == 0, out + err
        workers[1].communicate(timeout=10)
        assert workers[1].returncode == -signal.SIGKILL
    assert reader.refused == []
    assert len(reader.looks) > 5
    assert all(answers == told and twice == 0 for answers, told, twice in reader.looks)
    archive = Archive(ObjectFolder.at(f"s3://{bucket}/archive"))
    assert in_lake(lake) == loaded_into_a_file(archive, tmp_path / "same.duckdb")
    assert plain("collect", "--no-prefect", *FROM_STDIN, stdin="\n".join(ids)).code == 0
    with open_lake(lake) as con, open_published(DataPaths(tmp_path / "data")) as serial:
        assert column(con, "select distinct task_id from requests order by all") == sorted(ids)
        assert rows(con, WHAT_TASKS_ARE) == rows(serial, WHAT_TASKS_ARE)


def settings_of(lake: Lake, bucket: str) -> dict[str, str]:
    return {
        "AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:{lake.catalog}",
        "AVATAR_TASKS_LAKE_DATA": lake.data,
        "AVATAR_TASKS_ARCHIVE": f"s3://{bucket}/archive",
    }


def start(command: CommandLine, number: int, ids: list[str]) -> subprocess.Popen[str]:
    path = command.folder / f"ids{number}.txt"
    path.write_text("\n".join(ids), encoding="utf-8")
    return command.start("collect", "--no-prefect", "--no-refresh", "--ids-file", str(path))


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_lake(lake: Lake) -> dict[str, list[str]]:
    with open_lake(lake) as con:
        return contents(con)


def loaded_into_a_file(archive: Archive, file: Path) -> dict[str, list[str]]:
    with open_writer(file, 5) as con:
        load.load(con, load.unloaded(con, archive), DEFAULTS, PollingPolicy())
        return contents(con)
