"""One writer at a time; a process that waits names the lock holder, and never waits longer than `LOCK_WAIT`."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.warehouse import children
from tests.warehouse.answers import RUNNING, Answer, minute
from tests.warehouse.conftest import Site
from tests.warehouse.tables import column
from warehouse.archive.atomic import make_directory
from warehouse.database.locks import lock_holder
from warehouse.database.publish import publish
from warehouse.database.writer import open_writer
from warehouse.errors import WarehouseDamagedError, WarehouseError, WarehouseFullError, WarehouseLockedError
from warehouse.load.loader import unloaded
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


OUR_LOCK = """
from pathlib import Path
from contextlib import ExitStack
from warehouse.database.locks import sole_writer
held = ExitStack()
held.enter_context(sole_writer(Path(sys.argv[1]), 0))
"""

FOREIGN_WRITER = "import duckdb; con = duckdb.connect(sys.argv[1])"

FOREIGN_READER = "import duckdb; con = duckdb.connect(sys.argv[1], read_only=True)"

HOLDERS = [
    pytest.param(OUR_LOCK, id="another_run"),
    pytest.param(FOREIGN_WRITER, id="a_notebook_that_writes"),
    pytest.param(FOREIGN_READER, id="a_notebook_that_reads"),
]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    once = Site(DataPaths(tmp_path_factory.mktemp("made")))
    once.archive([Answer("t1", minute(1), RUNNING)])
    once.load()
    return once.paths.root


@pytest.fixture
def made(site: Site, made_once: Path) -> Site:
    """A site whose warehouse is there."""
    shutil.copytree(made_once, site.paths.root)
    return site


@pytest.mark.e2e
@pytest.mark.parametrize("code", HOLDERS)
def test_waiting_for_a_warehouse_locked_by_another_process_ends_in_time(made: Site, code: str) -> None:
    """The message names the process and says that nothing is lost; afterwards it opens."""
    with children.holding(code, made.paths.warehouse) as child:
        start = time.monotonic()
        with pytest.raises(WarehouseLockedError, match=rf"process {child.pid}\b.*waited 0.3 s.*Nothing is lost"):
            made.writer(0.3).__enter__()
        assert 0.3 <= time.monotonic() - start < 2
        assert f"process {child.pid}" in (lock_holder(made.paths.warehouse) or "")
    assert lock_holder(made.paths.warehouse) is None
    with made.writer(0) as con:
        assert column(con, "select count(*) from tasks") == [1]


@pytest.mark.e2e
def test_a_writer_gets_in_when_the_other_one_leaves(made: Site) -> None:
    """Within the wait."""
    with children.holding(FOREIGN_WRITER, made.paths.warehouse) as child:
        assert child.stdin
        child.stdin.close()
        with made.writer(30) as con:
            assert column(con, "select count(*) from tasks") == [1]


def test_in_one_process_there_is_one_writer_too(made: Site) -> None:
    """A second one would share the first one's database and see its open transaction."""
    with made.writer(), pytest.raises(WarehouseLockedError, match=rf"process {os.getpid()}\b"):
        made.writer(0.1).__enter__()


@pytest.mark.e2e
def test_a_connection_of_this_process_is_in_the_way_and_keeps_its_lock(made: Site) -> None:
    """DuckDB would share it, and copying the file would lose the system's lock on it."""
    with duckdb.connect(made.paths.warehouse):
        with pytest.raises(WarehouseLockedError, match=rf"this process \({os.getpid()}\)"):
            made.writer(0.1).__enter__()
        with pytest.raises(WarehouseLockedError, match="this process"):
            publish(made.paths, 0.1)
        assert lock_holder(made.paths.warehouse) == f"this process ({os.getpid()})"
        assert children.run("import duckdb, sys; duckdb.connect(sys.argv[1])", made.paths.warehouse) != 0


def test_a_missing_warehouse_has_no_lock_holder(site: Site) -> None:
    """And asking does not make it."""
    assert lock_holder(site.paths.warehouse) is None
    assert not site.paths.root.exists()


def test_asking_for_the_lock_holder_does_not_open_it(site: Site) -> None:
    """A damaged file is not changed, nor is a log replayed."""
    site.paths.root.mkdir()
    site.paths.warehouse.write_bytes(b"no database")
    assert lock_holder(site.paths.warehouse) is None


def test_the_warehouse_is_for_its_owner_only(made: Site) -> None:
    """Whatever the umask says: it holds URLs that open without a key."""
    publish(made.paths, 1)
    files = [path for path in made.paths.root.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    folders = [made.paths.root, *(path for path in made.paths.root.rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert len(files) >= 4
    assert len(folders) == 5


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(position: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:position] + bytes([data[position] ^ 255]) + data[position + 1 :]


DAMAGES = [
    pytest.param(lambda _: b"", id="empty"),
    pytest.param(lambda _: b"garbage" * 999, id="garbage"),
    pytest.param(cut_in_half, id="cut_in_half"),
    pytest.param(flip(9), id="a_flipped_byte_of_the_magic_number"),
    pytest.param(flip(5000), id="a_flipped_byte_of_the_header"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_warehouse_says_so_at_once(made: Site, damage: Callable[[bytes], bytes]) -> None:
    """It is not taken for one that is held, though the message has `block` in it; the remedy is named."""
    made.paths.warehouse.write_bytes(damage(made.paths.warehouse.read_bytes()))
    start = time.monotonic()
    with pytest.raises(WarehouseDamagedError, match=r"avatar-tasks rebuild"):
        made.writer(20).__enter__()
    assert time.monotonic() - start < 10


def test_damage_that_shows_while_reading_says_so_too(made: Site) -> None:
    """DuckDB checks a block when it reads it."""
    with made.writer() as con:
        con.execute(
            """
            insert into requests
            select 'default', md5(i::varchar), now(), md5(i::varchar || 'run'), null
            from range(200_000) r(i)
            """
        )
    data = made.paths.warehouse.read_bytes()
    made.paths.warehouse.write_bytes(flip(len(data) * 2 // 3)(data))
    with pytest.raises(WarehouseDamagedError, match=r"avatar-tasks rebuild"), made.writer() as con:
        con.execute("select count(distinct task_id), count(distinct run_id) from requests").fetchall()


def test_a_full_disk_says_so(made: Site) -> None:
    """As an error of this package."""
    with pytest.raises(WarehouseFullError, match=r"no space.*Nothing is lost"), made.writer():
        raise duckdb.IOException('IO Error: Could not write file "x": No space left on device')


def test_too_little_memory_says_so(made: Site) -> None:
    """Where there is no room for temporary files either; a run goes on then, and the next one loads."""
    query = "select list(hash(i)) from range(5_000_000) as r (i)"
    with pytest.raises(WarehouseFullError, match=r"more memory.*Nothing is lost"), made.writer() as con:
        con.execute(f"set max_temp_directory_size = '0KB'; set memory_limit = '10MB'; {query}")


def test_other_errors_of_the_block_stay_as_they_are(made: Site) -> None:
    """A mistake in SQL is no damage."""
    with pytest.raises(duckdb.CatalogException), made.writer() as con:
        con.execute("from no_such_table")


def test_errors_of_this_package_have_one_base() -> None:
    """So that a caller can catch them all."""
    assert issubclass(WarehouseFullError, WarehouseError)
    assert issubclass(WarehouseDamagedError, WarehouseError)


def test_a_log_without_its_file_is_not_taken_for_a_warehouse(made: Site, tmp_path: Path) -> None:
    """As when somebody removed the file only: what was in it is derived again."""
    log = made.paths.warehouse.with_name("warehouse.duckdb.wal")
    made.paths.warehouse.replace(tmp_path / "elsewhere.duckdb")
    log.write_bytes(b"left over")
    with open_writer(made.paths.warehouse, 1) as con:
        assert len(unloaded(con, made.store)) == 1


def test_a_new_warehouse_has_its_name_only_when_it_is_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while DuckDB makes the file, nothing is left that the next run would have to refuse."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    make_directory(site.paths.root)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.paths.warehouse), "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            open_writer(site.paths.warehouse, 1).__enter__()
    assert not site.paths.warehouse.exists()
    assert not list(site.paths.root.glob(".unfinished-new*"))
    site.paths.warehouse.with_name(".unfinished-new-warehouse.duckdb").write_bytes(b"half of one")
    with open_writer(site.paths.warehouse, 1) as con:
        assert unloaded(con, site.store) == []
    assert not list(site.paths.root.glob(".unfinished-new*"))
