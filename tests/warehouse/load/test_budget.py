"""A load takes what the machine or its container has, or what is set, and divides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warehouse import machine
from warehouse.load.budget import LEAST_BYTES, MEGABYTE, budget_of

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
    assert small.process_bytes < 380 * MEGABYTE
    for what in ("piece_rows", "file_bytes", "rebuild_rows"):
        assert getattr(small, what) < getattr(large, what) / 4


def test_what_is_set_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is divided among the processes that are set, however many cores there are."""
    monkeypatch.setattr(machine, "cores", lambda: 1)
    budget = budget_of(3, 1_050 * MEGABYTE)
    assert (budget.processes, budget.process_bytes) == (3, LEAST_BYTES)
    monkeypatch.setattr(machine, "cores", lambda: 8)
    assert budget_of(memory_bytes=800 * MEGABYTE).processes == 2
