"""A load takes what the machine or its container has, or what is set, and divides it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pipeline.run import Sizes, begin
from pipeline.settings import read_settings
from tests.warehouse.answers import RUNNING, Answer, minute
from tests.warehouse.conftest import DEFAULTS, Site
from warehouse import machine
from warehouse.database.memory_limit import limit_bytes, lower_limit
from warehouse.load.budget import LEAST_BYTES, MEGABYTE, Budget, budget_of
from warehouse.load.large import load_in_steps
from warehouse.load.loader import unloaded

if TYPE_CHECKING:
    from pathlib import Path


def cgroup(folder: Path, own: str, **files: str) -> tuple[Path, Path]:
    """The folder of cgroups and the file that says which is ours; `files` by path, `__` for a slash."""
    (folder / "own").write_text(own, encoding="ascii")
    for name, text in files.items():
        file = folder / "cgroups" / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="ascii")
    return folder / "cgroups", folder / "own"


@pytest.mark.parametrize(
    ("own", "files"),
    [
        pytest.param("0::/\n", {"memory_dot_max": "536870912\n"}, id="a_container"),
        pytest.param("0::/a/b\n", {"a__memory_dot_max": "536870912\n", "a__b__memory_dot_max": "max\n"}, id="around"),
        pytest.param(
            "5:cpu,memory:/a\n0::/\n", {"memory__a__memory_dot_limit_in_bytes": "536870912\n"}, id="version_1"
        ),
    ],
)
def test_the_memory_of_a_container_counts(tmp_path: Path, own: str, files: dict[str, str]) -> None:
    """In both versions of cgroups, and in one around ours, too."""
    assert machine.memory_bytes(*cgroup(tmp_path, own, **files)) == 536_870_912


def test_without_limits_the_machine_counts(tmp_path: Path) -> None:
    """Nothing to read, `max`, or a number beyond the machine's."""
    everything = machine.memory_bytes(tmp_path / "none", tmp_path / "none")
    assert everything > LEAST_BYTES
    files = {"memory_dot_max": "max\n", "memory__memory_dot_limit_in_bytes": "9223372036854771712\n"}
    assert machine.memory_bytes(*cgroup(tmp_path, "4:memory:/\n0::/\n", **files)) == everything
    assert machine.cores(tmp_path / "none", tmp_path / "none") >= 1


@pytest.mark.parametrize(
    ("own", "files"),
    [
        pytest.param("0::/\n", {"cpu_dot_max": "50000 100000\n"}, id="version_2"),
        pytest.param(
            "1:cpu,cpuacct:/\n",
            {"cpu__cpu_dot_cfs_quota_us": "100000\n", "cpu__cpu_dot_cfs_period_us": "100000\n"},
            id="version_1",
        ),
    ],
)
def test_a_limit_of_processor_time_counts_as_cores(tmp_path: Path, own: str, files: dict[str, str]) -> None:
    """Of less than one core, one is left."""
    assert machine.cores(*cgroup(tmp_path, own, **files)) == 1


def test_a_small_container_gets_one_process_and_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large one a process for each core, in which nothing is kept small."""
    monkeypatch.setattr(machine, "cores", lambda: 4)
    monkeypatch.setattr(machine, "memory_bytes", lambda: 512 * 2**20)
    small = budget_of()
    monkeypatch.setattr(machine, "memory_bytes", lambda: 64 * 2**30)
    large = budget_of()
    assert (small.processes, large.processes) == (1, 4)
    assert small.process_bytes < 410 * MEGABYTE
    for what in ("piece_rows", "piece_pages", "file_bytes", "rebuild_rows"):
        assert getattr(small, what) < getattr(large, what) / 3
    assert small.step_rows() < large.step_rows() / 3


def test_a_load_of_much_takes_larger_steps_unless_memory_is_short() -> None:
    """Up to four times as large; what a step changes stays in memory until it ends."""
    assert [Budget().step_rows(rows) for rows in (0, 50_000, 100_000, 10**9)] == [10_000, 10_000, 20_000, 40_000]
    assert Budget(1, LEAST_BYTES).step_rows(10**9) == Budget(1, LEAST_BYTES).step_rows(0) == 2_500


def test_where_memory_is_short_a_new_file_is_compressed_by_one_thread_in_small_groups() -> None:
    """Each thread has buffers of its own."""
    assert (Budget(processes=3).checkpoint_threads, Budget(processes=3).group_rows) == (3, None)
    assert Budget(3, LEAST_BYTES).checkpoint_threads == 1
    assert Budget(3, LEAST_BYTES).group_rows


def test_what_is_set_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is divided among the processes that are set, however many cores there are."""
    monkeypatch.setattr(machine, "cores", lambda: 1)
    budget = budget_of(3, 1_050 * MEGABYTE)
    assert (budget.processes, budget.process_bytes) == (3, LEAST_BYTES)
    monkeypatch.setattr(machine, "cores", lambda: 8)
    assert budget_of(memory_bytes=800 * MEGABYTE).processes == 2


@pytest.mark.parametrize("budget", [Budget(), Budget(1, LEAST_BYTES)], ids=["enough", "little"])
def test_a_load_with_little_memory_takes_it_from_the_writer(site: Site, budget: Budget) -> None:
    """In small pieces; with enough of it the writer keeps what it has."""
    site.archive([Answer(f"t{number}", minute(1), RUNNING) for number in range(3)])
    with site.writer() as con:
        expected = 64 * MEGABYTE if budget.is_short else limit_bytes(con)
        [done] = load_in_steps(con, unloaded(con, site.store), DEFAULTS, site.policy, budget=budget)
        assert done.answers == 3
        assert limit_bytes(con) == pytest.approx(expected, rel=0.01)


def test_a_load_with_little_memory_takes_more_where_there_are_millions_of_tasks(site: Site) -> None:
    """A commit needs some for each task that there is, whatever it changes."""
    with site.writer() as con:
        con.execute("create or replace temp table tasks as select range as i from range(10_000_000)")
        lower_limit(con, 64 * MEGABYTE)
        assert limit_bytes(con) == pytest.approx(86 * MEGABYTE, rel=0.01)


def test_answers_are_loaded_with_little_memory_where_there_are_many_other_ids(site: Site) -> None:
    """As halfway through a large first run, whose ids are all pending until their answers are loaded."""
    with site.writer() as con:
        con.execute(
            "insert into pending by name select 'default' as source, format('{:040d}', range) as task_id, "
            "now() as requested_at, 0 as asked_count, 0 as missing_count from range(200_000)"
        )
        con.execute(
            "insert into tasks by name select 'default' as source, format('task-{:040d}', range) as task_id, "
            "'SUCCESS' as status, true as is_terminal, now() as observed_at, md5(range::varchar) as body_hash, "
            "now() as requested_at, now() as submit_time from range(200_000)"
        )
    site.archive([Answer(f"{number:040d}", minute(1), RUNNING) for number in range(2_500)])
    with site.writer() as con:
        budget = Budget(1, LEAST_BYTES)
        [done] = load_in_steps(con, unloaded(con, site.store), DEFAULTS, site.policy, budget=budget)
        assert done.answers == 2_500


@pytest.mark.parametrize(("memory", "beside"), [("350MB", False), ("1GB", True)])
def test_where_memory_is_short_nothing_is_loaded_beside_the_requests(
    tmp_path: Path, memory: str, *, beside: bool
) -> None:
    """A process that loads while another polls takes as much again."""
    settings = read_settings(data_dir=tmp_path / "data", memory=memory, load_processes=2)
    assert (begin(settings, "collect").sizes.load_answers == Sizes().load_answers) is beside


@pytest.mark.parametrize("setting", ["", "350MB"])
def test_allocators_give_memory_back_where_it_is_short(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """Of processes that it starts, too; what is set already stays."""
    monkeypatch.setattr(machine, "memory_bytes", lambda: 64 * 2**30)
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "")
    monkeypatch.delenv("_RJEM_MALLOC_CONF")
    monkeypatch.delenv("DUCKDB_JE_MALLOC_CONF", raising=False)
    machine.be_frugal_if_short(setting)
    is_set = "_RJEM_MALLOC_CONF" in os.environ and "DUCKDB_JE_MALLOC_CONF" in os.environ
    monkeypatch.delenv("_RJEM_MALLOC_CONF", raising=False)
    monkeypatch.delenv("DUCKDB_JE_MALLOC_CONF", raising=False)
    assert is_set == bool(setting)
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == "jemalloc"
