"""Two roles in PostgreSQL, as docs/scaling.md sets them up: the loader owns the lake, the reader cannot write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.warehouse.conftest import DEFAULTS
from tests.warehouse.ducklake.test_load import archived
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader
from warehouse.ducklake.lake import Lake
from warehouse.ducklake.sessions import lake_writer
from warehouse.errors import LakeError
from warehouse.load import loader as load
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.rebuild import rebuild
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from tests.postgres import Postgres

SCALING = Path(__file__).parent.parent.parent.parent / "docs" / "scaling.md"


def documented() -> list[str]:
    """The lines of SQL under "Two roles" in docs/scaling.md."""
    section = SCALING.read_text(encoding="utf-8").partition("## Two roles")[2].partition("\n## ")[0]
    return [line.strip() for line in section.splitlines() if re.match(r"    (create|alter|grant) ", line)]


def granted(postgres: Postgres) -> str:
    """A database with the roles of the docs, which are of the server; how to reach it without a user."""
    catalog = postgres.new_database()
    name = catalog.split(maxsplit=1)[0].removeprefix("dbname=")
    for line in documented():
        there = line.replace("create database lake owner", "alter database lake owner to")  # it is there already
        postgres.ask(catalog, there.replace("database lake", f"database {name}"))
    return catalog.replace("user=lake", "")


@pytest.mark.soak
def test_a_reader_reads_through_loads_and_rebuilds_and_cannot_write(postgres: Postgres, tmp_path: Path) -> None:
    """Rights are granted once, before the first load; no load and no rebuild takes them away."""
    place = granted(postgres)
    data = str(tmp_path / "lake")
    loading, reading = (Lake(f"{place} user={role}", data) for role in ("loader", "reader"))
    paths = DataPaths(tmp_path / "data", lake=loading)
    segments = archived(Archive(LocalFolder(paths.archive)))
    as_reader = DataPaths(tmp_path / "data", lake=reading)

    def seen() -> int:
        with reader(as_reader) as con:
            [(tasks,)] = con.execute("select count(*) from tasks").fetchall()
            con.execute("from id_accounting").fetchall()
            return int(tasks)

    with lake_writer(loading, 5) as con:
        load.load(con, segments[:1], DEFAULTS, PollingPolicy())
    first = seen()
    with lake_writer(loading, 5) as con:
        load.load(con, segments[1:], DEFAULTS, PollingPolicy())
    assert seen() >= first
    rebuild(Derivation(paths, Archive(LocalFolder(paths.archive)), DEFAULTS, PollingPolicy(), 5))
    assert seen() >= first
    with reader(as_reader) as con, pytest.raises(duckdb.Error, match="read-only"):
        con.execute("delete from tasks")
    with pytest.raises((duckdb.Error, LakeError), match="permission denied"), lake_writer(reading, 5) as con:
        con.execute("delete from tasks")
    postgres.ask(f"{place} user=lake", "revoke select on all tables in schema public from reader")
    with pytest.raises(LakeError, match=r"permission denied for table ducklake_\w+"), reader(as_reader):
        pass
