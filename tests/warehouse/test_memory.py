"""What is no longer used goes back: to the system, and to the database."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.answers import RUNNING, Answer, minute
from warehouse import connection

if TYPE_CHECKING:
    import duckdb

    from tests.warehouse.conftest import Bench, Site

SUM: Final = "select count(*), bit_xor(hash(i, text)) from rows"
LIMIT: Final = "select current_setting('memory_limit')"

# A process that frees a large piece, then works in a thread with pieces of 4 MB; prints how many MB it still has of it.
_WORK: Final = """
import os, threading
from warehouse.memory import hand_back_what_is_freed

def resident():
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

hand_back = {hand_back}
hand_back and hand_back_what_is_freed()
large = b"x" * (30 << 20)
before = resident() - 30
del large
work = threading.Thread(target=lambda: [b"x" * (4 << 20) for _ in range(12)])
work.start(), work.join()
print(resident() - before)
"""


def kept_mb(*, hand_back: bool) -> float:
    root = Path(__file__).parents[2]
    code = _WORK.format(hand_back=hand_back)
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.e2e
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library of others gives back by itself")
def test_large_pieces_go_back_to_the_system_when_they_are_freed() -> None:
    """The second half says that they do not by themselves, so that the first half can fail."""
    assert kept_mb(hand_back=True) < 8
    assert kept_mb(hand_back=False) > 24


def test_what_a_step_leaves_can_be_laid_aside(site: Site) -> None:
    """Without a trace: the next finds all of it, and as much room as before. Without room on the disk it stays."""
    with site.writer() as con:
        con.execute("create table rows as select i, repeat(md5(i::varchar), 16) as text from range(100_000) as r (i)")
        sum_before, limit, full = con.execute(SUM).fetchone(), con.execute(LIMIT).fetchone(), held_mb(con)
        con.execute("set max_temp_directory_size = '0KB'")
        connection.lay_aside(con)
        assert held_mb(con) > 30
        con.execute("reset max_temp_directory_size")
        connection.lay_aside(con)
        assert held_mb(con) < 30 < full
        assert (con.execute(SUM).fetchone(), con.execute(LIMIT).fetchone()) == (sum_before, limit)


def test_what_a_killed_process_laid_aside_goes_with_the_next_connection(site: Site) -> None:
    """DuckDB itself leaves it for ever."""
    laid_aside = site.paths.root / "warehouse.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp"
    laid_aside.parent.mkdir(parents=True)
    laid_aside.write_bytes(b"rows")
    with site.writer() as con:
        con.execute("create table rows as select 1 as i")
    assert not laid_aside.parent.exists()


def held_mb(con: duckdb.DuckDBPyConnection) -> float:
    [(held,)] = con.execute("select sum(memory_usage_bytes) / 1e6 from duckdb_memory()").fetchall()
    return float(held)


def test_a_rebuild_puts_temporary_files_beside_the_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the command was typed, which may be a place without room or rights."""
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    new = tmp_path / "new.duckdb"
    with connection.open_unlogged(new) as con:
        con.execute("set memory_limit = '30MB'")
        con.execute("create temp table rows as select range as i, md5(range::varchar) as text from range(1_000_000)")
        assert (list(here.iterdir()), new.with_name("new.duckdb.tmp").is_dir()) == ([], True)


def test_a_load_leaves_no_temporary_table(bench: Bench) -> None:
    """The next one makes them anew, and until it ends the old ones would stay beside them."""
    bench.load([Answer("t1", minute(1), RUNNING)])
    bench.load([Answer("t1", minute(2), RUNNING), Answer("t2", minute(2), RUNNING)])
    assert bench.con.execute("select table_name from duckdb_tables() where temporary").fetchall() == []
