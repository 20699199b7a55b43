"""The commands on a lake, as a person uses them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from avatar_tasks import connect
from pipeline import run as runs
from pipeline.collect.accept import accept
from pipeline.collect.child_loader import load_in_child
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.errors import UnusableInputError
from pipeline.evidence.bundle import write_bundle
from pipeline.evidence.selection import where
from pipeline.headline import comparison
from pipeline.settings import Settings
from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY, CommandLine
from tests.warehouse.answers import RUNNING
from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.ducklake.test_load import archived
from tests.warehouse.load.test_list_pages import item, page
from tests.warehouse.tables import column, contents
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader, warehouse_of
from warehouse.backends.lake import LakeWriter
from warehouse.database import advisory_lock, session
from warehouse.ducklake import extensions
from warehouse.ducklake.lake import Lake, without_password
from warehouse.ducklake.sessions import lake_connection, lake_writer, open_lake
from warehouse.errors import ExtensionMissingError, LakeError, NothingPublishedError
from warehouse.load import loader as load
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.rebuild import rebuild
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from gateway.client import GatewayClient
    from pipeline.run import Run
    from tests.postgres import Postgres


@pytest.fixture(scope="module")
def loaded(postgres: Postgres, empty_lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    """A data directory with an archive, its warehouse a lake that is loaded; nobody writes to it."""
    lake = Lake(postgres.new_database(empty_lake.catalog), empty_lake.data)
    paths = DataPaths(tmp_path_factory.mktemp("loaded") / "data", lake=lake)
    with LakeWriter(lake, 5).open() as con:
        load.load(con, archived(Archive(LocalFolder(paths.archive))), DEFAULTS, PollingPolicy())
    return paths


@pytest.fixture
def lake(postgres: Postgres, loaded: DataPaths) -> Lake:
    """A copy of that lake: quicker to have than a load."""
    assert loaded.lake
    return Lake(postgres.new_database(loaded.lake.catalog), loaded.lake.data)


@pytest.fixture
def paths(lake: Lake, loaded: DataPaths, tmp_path: Path) -> DataPaths:
    """Likewise a copy of the directory."""
    paths = DataPaths(tmp_path / "data", lake=lake)
    shutil.copytree(loaded.archive, paths.archive)
    return paths


@pytest.fixture
def on_lake(lake: Lake, paths: DataPaths) -> CommandLine:
    return CommandLine(
        paths.root.parent,
        {"AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:{lake.catalog}", "AVATAR_TASKS_LAKE_DATA": lake.data},
    )


def test_pages_of_the_list_load_into_a_lake(lake: Lake, tmp_path: Path) -> None:
    """Twice the same: each item is an answer, and its id is accepted."""
    store = Archive(LocalFolder(tmp_path / "archive"))
    segments = [page(store, at, item("listed", RUNNING), segment_id=name) for at, name in ((2, "a"), (3, "b"))]
    with LakeWriter(lake, 5).open() as con:
        for _ in range(2):
            load.load(con, segments, DEFAULTS, PollingPolicy())
        found = "select status, observation_count from tasks where task_id = 'listed'"
        assert con.execute(found).fetchall() == [("IN_PROGRESS", 2)]
        assert con.execute("select count(*) from list_pages").fetchall() == [(2,)]


def test_compare_and_evidence_read_a_lake(paths: DataPaths, tmp_path: Path) -> None:
    """And a condition reaches no other file than the lake's."""
    assert comparison(paths, datetime.now(UTC)).verdict == "not known"
    assert write_bundle(paths, where("true"), tmp_path / "all.zip", datetime.now(UTC)).tasks == 9
    with pytest.raises(UnusableInputError, match="uses more than the warehouse"):
        write_bundle(paths, where("'x' in (from read_text('/etc/hostname'))"), tmp_path / "no.zip", datetime.now(UTC))


def of_lake(lake: Lake) -> dict[str, list[str]]:
    with open_lake(lake) as con:
        con.execute("set threads = 1")  # or it takes twice the CPU
        return contents(con)


def test_what_is_archived_on_storage_is_loaded_into_a_lake(
    on_lake: CommandLine, lake: Lake, bucket: str, tmp_path: Path
) -> None:
    """By the child of a run what that run archived, and by the command whatever is waiting; nothing is published."""
    settings = Settings(
        data_dir=tmp_path / "data",
        warehouse=f"ducklake:postgres:{lake.catalog}",
        lake_data=lake.data,
        archive=f"s3://{bucket}/archive",
    )
    run = runs.begin(settings, "collect")
    segments = [*archived(run.store), *accept(run, CollectRequest(["an-id-of-the-run"])).segments]
    assert load_in_child(run).segments == 1
    done = on_lake("load", AVATAR_TASKS_ARCHIVE=f"s3://{bucket}/archive")
    assert (done.code, done.err.partition(" with")[0]) == (0, f"loaded {len(segments) - 1} segments")
    assert "published" not in done.err
    with open_lake(lake) as con:
        loaded = column(con, "select segment_id from segments")
    assert {one.segment_id for one in segments} <= set(loaded)


def test_a_lake_moves_to_a_file_and_back_and_is_the_same(on_lake: CommandLine, lake: Lake, paths: DataPaths) -> None:
    """By deriving it from the archive; every table is compared with the old one's."""
    before = of_lake(lake)
    there = on_lake("migrate", "--to", "plain.duckdb", "--json").json
    assert there["warehouse"] == str(on_lake.folder / "plain.duckdb")
    assert there["differing"] == []
    assert there["rows"]["observations"] == len(before["observations"])
    with reader(DataPaths(paths.root)) as con:
        assert contents(con) == before
    in_file = CommandLine(on_lake.folder, {"AVATAR_TASKS_WAREHOUSE": "plain.duckdb"})
    back = in_file("migrate", "--to", f"ducklake:postgres:{lake.catalog}", "--lake-data", lake.data)
    assert back.code == 0
    assert f"all {len(there['rows'])} tables are the same as in the old one" in back.err
    assert "to use it, set AVATAR_TASKS_WAREHOUSE=ducklake:postgres:" in back.err
    assert of_lake(lake) == before
    same = in_file("migrate", "--to", "plain.duckdb")
    assert (same.code, "already" in same.err) == (2, True)


def test_commands_read_the_lake_itself(on_lake: CommandLine) -> None:
    """Nothing has to be published for it."""
    assert json.loads(on_lake("sql", "select count(*) as n from tasks", "--format", "json").out) == [{"n": 9}]
    known = on_lake("status", "--json").json
    assert known["ids"]["accepted"] == 12
    assert known["all_in_all"]["ids"].startswith("12 ids accepted: 9 understood, ")
    assert known["archive"]["segments_not_loaded"] == 0
    assert known["warehouse_locked_by"] == "nobody"
    assert on_lake("sql", "delete from tasks").code == 2


@pytest.mark.parametrize(
    "query",
    [
        "from read_csv('/etc/passwd')",
        "copy tasks to 'stolen.csv'",
        "copy tasks to '{data}/main/tasks/stolen.parquet'",
        "select 1; copy tasks to '{data}/stolen.parquet'",
        "call ducklake_cleanup_old_files('lake', cleanup_all => true)",
        "attach '{catalog}' as again (type postgres)",
    ],
)
def test_a_query_reaches_the_files_of_the_lake_and_no_other(on_lake: CommandLine, lake: Lake, query: str) -> None:
    """Those it reads; it writes neither there nor anywhere."""
    files = sorted(Path(lake.data).rglob("*"))
    refused = on_lake("sql", query.format(data=lake.data, catalog=lake.catalog.replace("'", "''")))
    assert refused.code == 2
    assert "--allow-files" in refused.err
    assert sorted(Path(lake.data).rglob("*")) == files


def test_ids_are_in_a_lake_before_the_first_is_polled(postgres: Postgres, empty_lake: Lake, tmp_path: Path) -> None:
    """There readers see what is pending, however long the gateway takes."""
    lake = Lake(postgres.new_database(empty_lake.catalog), empty_lake.data)
    place = f"ducklake:postgres:{lake.catalog}"
    settings = Settings(base_url="http://127.0.0.1:9", data_dir=tmp_path / "data", warehouse=place, lake_data=lake.data)
    run, seen = runs.begin(settings, "collect"), []

    async def run_batch(_run: Run, _client: GatewayClient, ids: list[str]) -> int:
        with open_lake(lake) as con:
            seen.append((ids, column(con, "select task_id from pending")))
        return 0

    asyncio.run(CollectRun(run, CollectRequest(["t1"]), run_batch=run_batch).collect())
    assert seen == [(["t1"], ["t1"])]


def test_a_lake_is_published_as_a_plain_file_with_every_word(paths: DataPaths, lake: Lake) -> None:
    """The same rows, views and macros, and the comments that a lake has no place for."""
    path = warehouse_of(paths).publish(5)
    with contextlib.closing(duckdb.connect(path, read_only=True)) as con:
        con.execute("set timezone = 'UTC'")
        assert contents(con) == of_lake(lake)
        assert column(con, "select count(*) from duckdb_views() where not internal and comment is null") == [0]
        assert column(con, "select count(*) from stuck_tasks") is not None


def test_a_rebuild_of_a_lake_disturbs_no_reader(paths: DataPaths, lake: Lake) -> None:
    """A reader sees the old tables, then the same, derived again; what is wrong in the old tables is gone."""
    before = of_lake(lake)
    with lake_connection(lake, 5) as con:
        con.execute("update tasks set status = 'wrong'; alter table works drop column work_name")
    with open_lake(lake) as reading:
        seen = [column(reading, "select count(distinct status) from tasks")]

        def look(*_: int) -> None:
            seen.append(column(reading, "select count(distinct status) from tasks"))

        done = rebuild(Derivation(paths, Archive(LocalFolder(paths.archive)), DEFAULTS, PollingPolicy(), 5, look))
        assert seen == [[1]] * len(seen)
        assert len(seen) > 1
        assert column(reading, "select count(distinct status) from tasks") != [1]
    assert done.segments == 4
    assert of_lake(lake) == before
    with open_lake(lake) as con:
        assert column(con, "select schema_name from duckdb_schemas() where database_name = 'lake'") == ["main"]


def test_the_two_lines_of_the_documents_attach_it(paths: DataPaths, lake: Lake) -> None:
    """With the plain `duckdb` command line, and nothing of ours."""
    if importlib.util.find_spec("duckdb_cli") is None:
        pytest.skip("the package duckdb-cli is not installed")
    loads = "".join(
        f"load '{extensions._packaged(name)}';" for name in ("ducklake", "postgres_scanner")
    )  # documents say INSTALL, which would download
    lines = f"attach 'ducklake:postgres:{lake.catalog}' as lake (read_only); use lake;"
    query = "select count(*) as n from task_latency"
    done = subprocess.run(
        [sys.executable, "-m", "duckdb_cli", "-json", "-c", f"{loads}{lines}{query}"],
        cwd=paths.root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == [{"n": 9}]


def test_a_notebook_connects_to_it(paths: DataPaths, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, or by the variable that the commands are set with."""
    place = f"ducklake:postgres:{lake.catalog}"
    with contextlib.closing(connect(paths.root, place)) as con:
        assert column(con, "select count(*) from tasks") == [9]
    monkeypatch.setenv("AVATAR_TASKS_WAREHOUSE", place)
    with contextlib.closing(connect()) as con:
        assert column(con, "select count(*) from tasks") == [9]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("delete from tasks")


def test_what_cannot_be_reached_is_named_without_its_password(no_lake: Lake, lake: Lake, tmp_path: Path) -> None:
    """And with what to do."""
    with pytest.raises(NothingPublishedError, match=r"no lake at ducklake:postgres:dbname.* run `avatar-tasks"):
        open_lake(no_lake)
    nowhere = Lake(f"host={tmp_path} password=open-sesame", "data")
    with pytest.raises(LakeError, match=r"cannot be reached.*the next run loads it") as error:
        open_lake(nowhere)
    assert "sesame" not in str(error.value)
    assert without_password("postgresql://me:sesame@db/lake") == "postgresql://me:***@db/lake"
    moved = Lake(lake.catalog, str(tmp_path / "elsewhere"))
    with pytest.raises(LakeError, match=r"the data of the lake .* is not at"):
        lake_writer(moved, 5).__enter__()


def test_a_missing_extension_says_what_to_install(
    no_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as a package nor from DuckDB's repository."""
    monkeypatch.setattr(extensions, "_packaged", lambda _: None)
    monkeypatch.setattr(
        session,
        "SETTINGS",
        {"custom_extension_repository": "http://127.0.0.1:9", "extension_directory": str(tmp_path)},
    )
    with pytest.raises(ExtensionMissingError, match=r"ducklake is missing: run `make setup`"):
        open_lake(no_lake)


@pytest.mark.e2e
def test_collecting_goes_on_while_the_lake_cannot_be_reached(tmp_path: Path) -> None:
    """As with a file that somebody holds: archived, not loaded, exit code 4; the next run loads it."""
    end = datetime(2026, 1, 8, tzinfo=UTC)
    world = World(seed=5, tasks=3, start=end - timedelta(days=1), end=end)
    with serve(SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()))) as base_url:
        command = CommandLine(
            tmp_path,
            {
                "AVATAR_TASKS_BASE_URL": base_url,
                "AVATAR_TASKS_API_KEY": KEY,
                "AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:host={tmp_path} password=open-sesame",
            },
        )
        done = command("collect", "--no-prefect", *world.ids)
    assert done.code == 4, done.err
    assert "cannot be reached" in done.err
    assert "sesame" not in done.err + done.out
    assert len(Archive(LocalFolder(tmp_path / "data" / "archive")).segments("observations")) == 1


def test_maintenance_puts_the_files_of_a_lake_together_and_proves_it_whole(paths: DataPaths, lake: Lake) -> None:
    """DuckLake's own functions do it; every table is held against what a rebuild gives, and a wrong one is named."""
    with lake_connection(lake, 5) as con:
        con.execute("insert into runs by name select 'one' as run_id; insert into runs by name select 'two' as run_id")
        con.execute("delete from runs")
        files = column(con, "select count(*) from ducklake_list_files('lake', 'observations')")
        work = Derivation(paths, Archive(LocalFolder(paths.archive)), DEFAULTS, PollingPolicy(), 5)
        done = warehouse_of(paths).maintain(work, datetime.now(UTC), None)
        assert done.is_sound, done
        assert column(con, "select count(*) from ducklake_list_files('lake', 'observations')") <= files
        con.execute("update tasks set status = 'wrong' where task_id = 't1'")
    assert [one.table for one in warehouse_of(paths).maintain(work, datetime.now(UTC), None).differences] == ["tasks"]


def test_status_names_who_is_loading(on_lake: CommandLine, lake: Lake) -> None:
    with lake_connection(lake, 5) as con, advisory_lock.write_lock(con):
        assert f"process {os.getpid()} on" in on_lake("status", "--json").json["warehouse_locked_by"]
