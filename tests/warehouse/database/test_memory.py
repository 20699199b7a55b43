"""What a connection holds and does not use goes to temporary files, and those go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb
import pytest

from pipeline.collect.other_ids import other_ids_of_run
from tests.warehouse.answers import RUNNING, Answer, Kind, minute, task_body
from tests.warehouse.children import holding
from warehouse import plan
from warehouse.database.writer import open_file, open_unlogged, open_writer, spill
from warehouse.errors import WarehouseFullError, WarehouseLockedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.warehouse.conftest import Bench, Site

SUM: Final = "select count(*), bit_xor(hash(i, text)) from rows"
LIMIT: Final = "select current_setting('memory_limit')"


def test_memory_of_a_step_can_be_spilled_to_disk(site: Site) -> None:
    """Without a trace: the next finds all of it, and as much room as before. Without room on the disk it stays."""
    with site.writer() as con:
        con.execute("create table rows as select i, repeat(md5(i::varchar), 16) as text from range(100_000) as r (i)")
        sum_before, limit, full = con.execute(SUM).fetchone(), con.execute(LIMIT).fetchone(), held_mb(con)
        con.execute("set max_temp_directory_size = '0KB'")
        spill(con)
        assert held_mb(con) > 30
        con.execute("reset max_temp_directory_size")
        spill(con)
        assert held_mb(con) < 30 < full
        assert (con.execute(SUM).fetchone(), con.execute(LIMIT).fetchone()) == (sum_before, limit)


def test_spilled_files_of_a_killed_process_are_removed_by_the_next_connection(site: Site) -> None:
    """DuckDB itself leaves it for ever."""
    spilled = site.paths.root / "warehouse.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp"
    spilled.parent.mkdir(parents=True)
    spilled.write_bytes(b"rows")
    with site.writer() as con:
        con.execute("create table rows as select 1 as i")
    assert not spilled.parent.exists()


def held_mb(con: duckdb.DuckDBPyConnection) -> float:
    [(held,)] = con.execute("select sum(memory_usage_bytes) / 1e6 from duckdb_memory()").fetchall()
    return float(held)


def test_a_rebuild_puts_temporary_files_beside_the_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the command was typed, which may be a place without room or rights."""
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    new = tmp_path / "new.duckdb"
    with open_unlogged(new) as con:
        con.execute("set memory_limit = '30MB'")
        con.execute("create temp table rows as select range as i, md5(range::varchar) as text from range(1_000_000)")
        assert (list(here.iterdir()), new.with_name("new.duckdb.tmp").is_dir()) == ([], True)


@pytest.mark.parametrize(("given", "groups"), [(None, 1), (30_720, 2)])
def test_a_new_file_has_row_groups_of_the_size_given(tmp_path: Path, given: int | None, groups: int) -> None:
    """Small ones take less memory when they are compressed, which exceeds DuckDB's limit."""
    with open_unlogged(tmp_path / "new.duckdb", group_rows=given) as con:
        con.execute("create table rows as select range as i from range(61_000)")
    with duckdb.connect(tmp_path / "new.duckdb", read_only=True) as con:
        [[found]] = con.execute("select count(distinct row_group_id) from pragma_storage_info('rows')").fetchall()
    assert found == groups


@pytest.mark.parametrize(("given", "groups"), [(None, 1), (30_720, 2)])
def test_what_is_loaded_into_a_file_gets_row_groups_of_the_size_given(
    tmp_path: Path, given: int | None, groups: int
) -> None:
    """The file does not keep the size: each time it is opened, it is given. Closing it leaves no log."""
    path = tmp_path / "warehouse.duckdb"
    for _ in range(2):
        with open_file(path, 0, 0, given) as con:
            con.execute("create table if not exists rows (i integer)")
            con.execute("insert into rows select range from range(30_720)")
    assert not path.with_name("warehouse.duckdb.wal").exists()
    with duckdb.connect(path, read_only=True) as con:
        [[found]] = con.execute("select count(distinct row_group_id) from pragma_storage_info('rows')").fetchall()
    assert found == groups


@pytest.mark.parametrize("given", [None, 30_720])
def test_a_file_that_another_process_has_open_is_locked(tmp_path: Path, given: int | None) -> None:
    """However it is opened, and the message names the process."""
    path = tmp_path / "warehouse.duckdb"
    with open_file(path, 0, 0):
        pass
    with (
        holding("import duckdb; con = duckdb.connect(sys.argv[1])", path) as other,
        pytest.raises(WarehouseLockedError, match=str(other.pid)),
        open_file(path, 0, 0, given),
    ):
        pass
    with open_file(path, 0, 0, given) as con:
        assert con.execute("select 1").fetchall() == [(1,)]


def commit_with_little_memory(path: Path) -> None:
    rows = "select range as i, md5(range::varchar) as text from range({})"
    with open_file(path, 0, 0) as con:
        con.execute(f"create table rows as {rows.format(300_000)}")
        con.execute("checkpoint")
        con.execute("begin")
        con.execute(f"insert into rows {rows.format(200_000)}")
        con.execute("delete from rows where i % 3 = 0")
        con.execute("set memory_limit = '5MB'")
        con.execute("commit")


def test_a_commit_that_needs_more_memory_says_which_setting_to_raise(tmp_path: Path) -> None:
    """DuckDB has no class of its own for that error."""
    with pytest.raises(WarehouseFullError, match=r"could not allocate block.* Set MEMORY to more"):
        commit_with_little_memory(tmp_path / "warehouse.duckdb")


def test_the_queries_at_the_end_of_a_run_need_little_memory_however_many_ids_it_polled(tmp_path: Path) -> None:
    """What they cannot hold is in temporary files: with 128 MB a run of a million ids had failed at its end."""
    with open_writer(tmp_path / "warehouse.duckdb", 0) as con:
        con.execute(
            "insert into observations by name "
            "select 'a' as source, md5((i // 2)::varchar) as task_id, make_timestamptz(i * 1_000_000) as observed_at, "
            "'run' as run_id, 'task' as outcome, if(i % 2 = 0, 'IN_PROGRESS', 'SUCCESS') as status, "
            "md5(i::varchar) as body_hash, 'other-' || i as answered_id from range(300_000) as numbers (i)"
        )
        con.execute("set memory_limit = '30MB'")
        assert plan.tasks_of_run(con, "run") == [("task", "SUCCESS", 150_000)]
        assert plan.answers_of_run(con, "run") == {"task": 300_000}
        assert plan.progress(con, plan.PollRequest("a"), minute(1)).given == 0
        assert other_ids_of_run(con, "run").unproven == 150_000


def test_a_load_leaves_no_temporary_table(bench: Bench) -> None:
    """The next one creates them again, and until it ends the old ones would stay beside them."""
    bench.load([Answer("t1", minute(1), RUNNING)])
    bench.load([Answer("t1", minute(2), RUNNING), Answer("t2", minute(2), RUNNING)])
    assert bench.con.execute("select table_name from duckdb_tables() where temporary").fetchall() == []


def test_answers_of_megabytes_each_are_loaded(site: Site) -> None:
    """In one segment of 48 MB, a third of what a load has; the checkpoint at the end has room for them, too."""
    bodies = [task_body("SUCCESS", surprise=f"{number:x}" * 3_000_000) for number in range(16)]
    kinds = [Kind(body, status="SUCCESS") for body in bodies]
    site.archive([Answer(f"t{number}", minute(number), kind) for number, kind in enumerate(kinds)])
    assert site.load().answers == 16
    with site.writer() as con:
        assert con.execute("select count(*), min(length(extras)) > 3_000_000 from tasks").fetchall() == [(16, True)]
