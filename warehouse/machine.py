"""How many cores and how much memory this process, or its container, may use; and how to use little memory.

Four allocators of this process keep freed memory for reuse: glibc's, Arrow's, and one jemalloc each in polars and
DuckDB. A rebuild with `MEMORY=350MB` peaks at 370 MB if they return it to the system at once, and at 485 MB if they
keep it. Returning it takes up to a fifth more CPU, so it is done only if memory is short.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")

#: Memory is short if there is less than this.
_SHORT_BYTES: Final = 2_000_000_000

#: For libraries that are not imported yet, and for processes that this one starts.
_FRUGAL: Final = {
    "DUCKDB_JE_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "POLARS_MAX_THREADS": "1",  # each thread keeps memory of its own
}

#: glibc's M_TRIM_THRESHOLD: with this many bytes free at the end of its heap, it returns them to the system.
_TRIM_THRESHOLD: Final = (-1, 4 * 1024 * 1024)


def cores(cgroups: Path = _CGROUPS, own: Path = _OWN) -> int:
    """Cores that this process may run on, fewer if the processor time of its cgroup is limited; at least one."""
    given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = (_quota(folder) for folder in _folders("cpu", cgroups, own))
    return max(1, min(given, *(int(one) for one in quotas if one is not None), given))


def memory_bytes(cgroups: Path = _CGROUPS, own: Path = _OWN) -> int:
    """Memory of the machine, or the limit of this process's cgroup if that is lower."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    names = ("memory.max", "memory.limit_in_bytes")
    limits = (_number(folder / name) for folder in _folders("memory", cgroups, own) for name in names)
    return min(machine, *(one for one in limits if one is not None), machine)


def be_frugal_if_short(memory_setting: str) -> None:
    """If memory is short, let allocators return freed memory at once. Call it before the libraries are imported.

    Args:
        memory_setting: the setting MEMORY as it is in the environment; if it is set, memory counts as short.
    """
    if not (memory_setting or memory_bytes() < _SHORT_BYTES):
        return
    for name, value in _FRUGAL.items():
        os.environ.setdefault(name, value)
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)(*_TRIM_THRESHOLD)


def _folders(controller: str, cgroups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's cgroup and of its parents, in both versions of cgroups."""
    for line in _text(own).splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if not names or controller in names.split(","):
            place = cgroups / (controller if names else "") / path.strip("/")
            yield from (place, *(one for one in place.parents if one.is_relative_to(cgroups)))


def _quota(folder: Path) -> float | None:
    """The processor time that a cgroup may use, in cores; None if it is not limited."""
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    limited = quota.strip().isdecimal() and period.strip().isdecimal() and int(period) > 0
    return int(quota) / int(period) if limited else None


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdecimal() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
