"""A log that is not this file's is never replayed into it: whichever of the two a backup brought back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.warehouse import children
from tests.warehouse.answers import RUNNING, SUCCESS_WITH_WORK, Answer, Request, minute
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.tables import column, contents
from warehouse.database.log_check import check_log
from warehouse.database.session import prepare
from warehouse.errors import WarehouseDamagedError, WarehouseLockedError
from warehouse.load.loader import load, unloaded
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from pathlib import Path

#: File and log of one moment, by their names.
Kept = tuple[bytes, bytes]


def log_of(site: Site) -> Path:
    return site.paths.warehouse.with_name("warehouse.duckdb.wal")


def crash_after(site: Site, *tasks: str) -> Kept:
    """Load tasks one by one, and keep the two files as a crash before the checkpoint leaves them."""
    with site.writer() as con:
        con.execute("set wal_autocheckpoint = '1GB'")
        for task in tasks:
            site.archive([Answer(task, minute(1), RUNNING)], [Request(task, minute(0))])
            load(con, unloaded(con, site.store), DEFAULTS, site.policy)
        return site.paths.warehouse.read_bytes(), log_of(site).read_bytes()


def put(site: Site, file: bytes, log: bytes) -> None:
    site.paths.warehouse.write_bytes(file)
    log_of(site).write_bytes(log)


@pytest.fixture(scope="module")
def crashed_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, tuple[Kept, Kept]]:
    site = Site(DataPaths(tmp_path_factory.mktemp("moments") / "data"))
    return site, (crash_after(site, "a", "b"), crash_after(site, "c", "d"))


@pytest.fixture
def moments(site: Site, crashed_twice: tuple[Site, tuple[Kept, Kept]]) -> tuple[Kept, Kept]:
    """A first crash, whose log was replayed and written to the file since, and a second one."""
    site.copy_of(crashed_twice[0])
    return crashed_twice[1]


def tasks(site: Site) -> list[object]:
    with site.writer() as con:
        return column(con, "select task_id from tasks order by all")


def test_a_log_of_its_own_file_is_replayed(site: Site, moments: tuple[Kept, Kept]) -> None:
    """At either moment, cut anywhere, and after any number of loads."""
    (old, old_log), (new, new_log) = moments
    put(site, old, old_log)
    assert tasks(site) == ["a", "b"]
    put(site, new, new_log)
    assert tasks(site) == ["a", "b", "c", "d"]
    for size in range(0, len(new_log), max(1, len(new_log) // 12)):
        put(site, new, new_log[:size])
        assert tasks(site)[:2] == ["a", "b"]


@pytest.mark.parametrize(
    ("file", "log"),
    [pytest.param(0, 1, id="older file, newer log"), pytest.param(1, 0, id="newer file, older log")],
)
def test_a_log_of_another_moment_asks_for_a_rebuild(
    site: Site, moments: tuple[Kept, Kept], file: int, log: int
) -> None:
    """Replayed, it would make other rows in silence; nothing is changed, and `rebuild` makes it right."""
    put(site, moments[file][0], moments[log][1])
    with pytest.raises(WarehouseDamagedError, match=r"warehouse\.duckdb\.wal .* run `avatar-tasks rebuild`"):
        tasks(site)
    assert (site.paths.warehouse.read_bytes(), log_of(site).read_bytes()) == (moments[file][0], moments[log][1])
    site.rebuild()
    assert tasks(site) == ["a", "b", "c", "d"]
    assert not list(site.paths.root.glob(".unfinished-alone*"))


def test_a_log_of_another_warehouse_asks_for_a_rebuild(site: Site, tmp_path: Path) -> None:
    """Also of one that was derived from the same archive, and of one that is no warehouse of ours."""
    kept = crash_after(site, "a")
    other = Site(DataPaths(tmp_path / "other"))
    shutil.copytree(site.paths.archive, other.paths.archive)
    other.load()
    put(site, kept[0], crash_after(other, "x")[1])
    with pytest.raises(WarehouseDamagedError):
        tasks(site)
    with duckdb.connect(tmp_path / "foreign.duckdb") as con:
        con.execute("create table tasks (task_id varchar); insert into tasks values ('ghost')")
        put(site, kept[0], (tmp_path / "foreign.duckdb.wal").read_bytes())
    with pytest.raises(WarehouseDamagedError):
        tasks(site)


def test_a_rebuilt_file_has_no_log_of_the_one_before(site: Site, moments: tuple[Kept, Kept]) -> None:
    """It is of the same archive, and another file."""
    site.rebuild()
    put(site, site.paths.warehouse.read_bytes(), moments[1][1])
    with pytest.raises(WarehouseDamagedError):
        tasks(site)


def test_a_crash_in_the_middle_of_a_checkpoint_is_gone_on_from(site: Site) -> None:
    """The file has everything by then, and the log says so: DuckDB drops it."""
    crash_after(site, "a")
    with site.writer() as con:
        site.archive([Answer("b", minute(1), SUCCESS_WITH_WORK)], [Request("b", minute(0))])
        load(con, unloaded(con, site.store), DEFAULTS, site.policy)
        con.execute("set debug_checkpoint_abort = 'before_truncate'")
        with pytest.raises(duckdb.FatalException):
            con.execute("checkpoint")
    assert log_of(site).stat().st_size > 0
    check_log(site.paths.warehouse)
    assert tasks(site) == ["a", "b"]


@pytest.mark.e2e
def test_a_file_that_somebody_has_open_is_theirs(site: Site) -> None:
    """What they write there in is no damage yet: it says who it is."""
    crash_after(site, "a")
    holding = "import duckdb; con = duckdb.connect(sys.argv[1]); con.execute('create table mine (i int)')"
    with (
        children.holding(holding, site.paths.warehouse) as child,
        pytest.raises(WarehouseLockedError, match=str(child.pid)),
    ):
        site.writer(0.2).__enter__()


def test_loads_in_any_order_still_give_the_same_tables(site: Site) -> None:
    """The state is bookkeeping: it is in no comparison."""
    crash_after(site, "a", "b")
    with site.writer() as con:
        before = contents(con)
    site.rebuild()
    with site.writer() as con:
        assert contents(con) == before


def test_the_first_log_of_a_new_warehouse_is_its_own(site: Site) -> None:
    """Cut off before its first checkpoint, as by a full disk: the log holds the comments on the tables, too."""
    path = site.paths.warehouse
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(path) as con:
        con.execute("pragma disable_checkpoint_on_shutdown; set wal_autocheckpoint = '1TB'")
        prepare(con)
    assert b"log-of:before>after" in path.with_name(f"{path.name}.wal").read_bytes()
    check_log(path)
    with site.writer() as con:
        assert column(con, "select count(*) from tasks") == [0]
