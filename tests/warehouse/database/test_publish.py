"""Readers have a copy of their own, which is replaced in one step and never in anybody's way."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

import warehouse
from avatar_tasks import connect
from tests.warehouse import children
from tests.warehouse.answers import RUNNING, Answer, minute
from tests.warehouse.conftest import Site
from tests.warehouse.tables import column
from warehouse.archive.atomic import UNFINISHED
from warehouse.backends.choose import reader
from warehouse.database import publish as publishing
from warehouse.database import schema as catalog
from warehouse.database.publish import publish
from warehouse.errors import NothingPublishedError, WarehouseDamagedError, WarehouseError
from warehouse.paths import DataPaths

COUNT = "select count(*) from observations"


def add(site: Site, number: int) -> None:
    """One more observation, loaded and published."""
    with site.writer() as con:
        con.execute("insert into observations (task_id, observed_at) values (?, ?)", [f"t{number}", minute(number)])
    publish(site.paths, 1)


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    once = Site(DataPaths(tmp_path_factory.mktemp("published")))
    add(once, 1)
    return once.paths.root


@pytest.fixture
def published(site: Site, published_once: Path) -> Site:
    """A site with one observation published."""
    shutil.copytree(published_once, site.paths.root, symlinks=True)
    return site


def test_nothing_published_says_what_to_do(site: Site) -> None:
    """Also through the front door, and nothing is made by asking."""
    with pytest.raises(NothingPublishedError, match=r"avatar-tasks collect"), reader(site.paths):
        pass
    with pytest.raises(NothingPublishedError, match=str(site.paths.root)):
        connect(site.paths.root)
    assert not site.paths.root.exists()


@pytest.mark.e2e
def test_a_reader_and_the_writer_are_not_in_each_others_way(published: Site) -> None:
    """A reader in another process, one in ours, a load and a publication, all at once; each keeps what it opened."""
    foreign = f"import duckdb; con = duckdb.connect(sys.argv[1], read_only=True); con.execute({COUNT!r}).fetchall()"
    with children.holding(foreign, published.paths.published), reader(published.paths) as old:
        add(published, 2)
        assert column(old, COUNT) == [1]
        with published.writer(0) as con:
            assert column(con, COUNT) == [2]
        with reader(published.paths) as new:
            assert column(new, COUNT) == [2]


def test_the_newest_copy_is_opened_also_while_older_ones_are_open(published: Site) -> None:
    """DuckDB alone would give the old database again (duckdb issue 15912), by its path."""
    cons = [connect(published.paths.root)]
    for number in (2, 3):
        add(published, number)
        cons.append(connect(published.paths.root))
    assert [column(con, COUNT) for con in cons] == [[1], [2], [3]]
    for con in cons:
        con.close()


def test_two_readers_of_one_copy_see_the_same(published: Site) -> None:
    """They may share a database, and either may close first."""
    first, second = connect(published.paths.root), connect(published.paths.root)
    first.close()
    assert column(second, COUNT) == [1]
    second.close()


def test_a_connection_reads_only_and_in_utc(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is opened from, by a relative path too."""
    monkeypatch.chdir(published.paths.root.parent)
    with connect("data") as con:
        assert column(con, "select observed_at from observations") == [datetime(2026, 1, 20, 3, 1, tzinfo=UTC)]
        assert column(con, "select current_setting('timezone')") == ["UTC"]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("delete from tasks")
    with pytest.raises(duckdb.ConnectionException):
        con.execute("select 1")


def test_a_copy_restored_from_a_backup_opens_too(published: Site, tmp_path: Path) -> None:
    """It has its common name only."""
    (tmp_path / "copy" / "published").mkdir(parents=True)
    (tmp_path / "copy" / "published" / "current.duckdb").write_bytes(published.paths.published.read_bytes())
    with connect(tmp_path / "copy") as con:
        assert column(con, COUNT) == [1]


def test_publishing_needs_no_hard_links(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have none; readers then open the common name."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    add(published, 2)
    assert [path.name for path in published.paths.published.parent.iterdir()] == ["current.duckdb"]
    with connect(published.paths.root) as con:
        assert column(con, COUNT) == [2]


def test_readers_who_come_and_go_always_find_a_whole_copy(published: Site) -> None:
    """While it is replaced again and again, and never an older one than before."""
    done, counts, trouble = threading.Event(), [], []

    def read() -> None:
        while not done.is_set():
            try:
                with connect(published.paths.root) as con:
                    counts.append(column(con, COUNT)[0])
            except WarehouseError as error:
                trouble.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for one in readers:
        one.start()
    for number in range(2, 8):
        add(published, number)
    done.set()
    for one in readers:
        one.join()
    assert trouble == []
    assert set(counts) <= set(range(1, 8))
    assert len(counts) > 2
    with connect(published.paths.root) as con:
        assert column(con, COUNT) == [7]


def test_only_the_newest_copy_is_kept(published: Site) -> None:
    """Under its two names; what an interrupted publication left is removed."""
    folder = published.paths.published.parent
    (folder / f"{UNFINISHED}99-current.duckdb").write_bytes(b"half")
    add(published, 2)
    names = {path.name for path in folder.iterdir()}
    assert names == {"current.duckdb", published.paths.published_version().name}
    assert len(names) == 2
    assert len({path.stat().st_ino for path in folder.iterdir()}) == 1


def test_a_copy_that_cannot_be_made_leaves_the_old_one(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warehouse that others keep changing, and one that is damaged."""
    numbers = iter(range(100))
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_fingerprint", lambda _: (next(numbers), 0))
        with pytest.raises(WarehouseError, match="another program keeps changing"):
            publish(published.paths, 1)
    published.paths.warehouse.write_bytes(b"no database")
    with pytest.raises(WarehouseDamagedError):
        publishing.publish_closed(published.paths)
    with connect(published.paths.root) as con:
        assert column(con, COUNT) == [1]
    assert not list(published.paths.published.parent.glob(f"{UNFINISHED}*"))


def test_a_damaged_copy_says_what_to_do(published: Site) -> None:
    """It is available again."""
    os.truncate(published.paths.published, 1000)
    with pytest.raises(WarehouseError, match=r"avatar-tasks publish"):
        connect(published.paths.root)


def test_a_plain_duckdb_can_read_every_view_of_the_copy(site: Site) -> None:
    """Without any help of ours, comments and all."""
    site.archive([Answer("t1", minute(1), RUNNING)])
    site.load()
    publish(site.paths, 1)
    with duckdb.connect(site.paths.published, read_only=True) as con:
        for definition in (*catalog.definitions("tables"), *catalog.definitions("marts")):
            if definition.kind != "macro":
                con.table(definition.name).fetchall()
        assert column(con, "select count(*) from duckdb_columns() where not internal and comment is null") == [0]
        assert column(con, "select comment is not null from duckdb_views() where not internal") == [True] * len(
            [one for one in catalog.definitions("marts") if one.kind == "view"]
        )


@pytest.mark.e2e
def test_importing_the_front_door_loads_nothing_heavy() -> None:
    """So that a command that only says --help stays quick."""
    assert (
        children.run("import sys, warehouse; sys.exit(bool({'duckdb', 'polars', 'pyarrow'} & set(sys.modules)))") == 0
    )


def test_the_door_of_the_version_before_warns_and_opens(published: Site) -> None:
    """For one release."""
    with pytest.warns(DeprecationWarning, match="avatar_tasks.connect"):
        con = warehouse.connect(published.paths.root)
    with con:
        assert con.sql("select count(*) from tasks").fetchall()
