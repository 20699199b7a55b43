"""With little memory: rebuilding and collecting within 350 MB, and collecting in a container of 512 MB.

The last one needs permission to create a memory cgroup (root, `/sys/fs/cgroup`), and is skipped without it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.collecting import COMMAND, work
from benchmarks.harness import OURS, Row, at_most, compete, run_process
from benchmarks.inputs.bodies import fill_archive
from benchmarks.rebuilding import sizes
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.collecting import Work
    from benchmarks.harness import Outcome

_ANSWERS: Final = (100_000, 5_000_000)
_IDS: Final = 20_000
_MANY_IDS: Final = 400_000
_MEGABYTES: Final = 350
_CONTAINER_BYTES: Final = 512 * 1024 * 1024

#: For both versions of cgroups: the folder in which a new one is created, and the file with its limit.
_CGROUPS: Final = (("memory", "memory.limit_in_bytes"), ("", "memory.max"))

#: Moves the shell into a cgroup, then replaces it by the command.
_ENTER: Final = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Rebuilding in one process, collecting, and collecting in a container compared with no container."""
    for count in _ANSWERS:
        yield _rebuilding(int(count * scale))
    with work(int(_IDS * scale)) as here:
        yield from _collecting(here, int(_IDS * scale), rounds)
    yield _collecting_many(int(_MANY_IDS * scale))


def _rebuilding(count: int) -> Row:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        fill_archive(Archive(LocalFolder(DataPaths(data).archive)), count)
        small = {"AVATAR_TASKS_MEMORY": f"{_MEGABYTES}MB", "AVATAR_TASKS_LOAD_PROCESSES": "1"}
        arguments = [OURS, "rebuild", "--data-dir", "."]
        outcome = run_process(arguments, lambda: sizes(data / "warehouse.duckdb"), data, **small)
    what = f"peak memory of rebuilding {count:,} answers, one process, MEMORY={_MEGABYTES}MB"
    detail = f"{count / outcome.seconds:,.0f} answers/s, {outcome.cpu_seconds / count * 1e6:,.0f} µs of CPU each"
    return Row(what, outcome.peak_mb, "MB", at_most(_MEGABYTES), detail)


def _collecting(here: Work, ids: int, rounds: int) -> Iterator[Row]:
    small = {"AVATAR_TASKS_MEMORY": f"{_MEGABYTES}MB"}
    contenders = {"as usual": partial(_collect, here), "with 350 MB": partial(_collect, here, **small)}
    with _container() as folder:
        if folder is not None:
            contenders["in 512 MB"] = partial(_collect, here, folder)
        contest = compete(contenders, rounds)
    peaks = ", ".join(f"{one} {contest.peak_mb(one):,.0f} MB, {contest.seconds(one):.1f} s" for one in contenders)
    what = f"peak memory of collecting {ids:,} ids by single requests, MEMORY={_MEGABYTES}MB"
    yield Row(what, contest.peak_mb("with 350 MB"), "MB", at_most(_MEGABYTES), peaks)
    if "in 512 MB" in contenders:
        times = contest.times("in 512 MB", "as usual")
        yield Row(f"collecting {ids:,} ids in a container of 512 MB", times, "times as long", at_most(2), peaks)


def _collecting_many(ids: int) -> Row:
    with work(ids) as here:
        outcome = _collect(here, AVATAR_TASKS_MEMORY=f"{_MEGABYTES}MB")
    what = f"peak memory of collecting {ids:,} ids by single requests, MEMORY={_MEGABYTES}MB"
    return Row(what, outcome.peak_mb, "MB", at_most(_MEGABYTES), f"{outcome.seconds:.0f} s")


def _collect(here: Work, container: Path | None = None, **settings: str) -> Outcome:
    with tempfile.TemporaryDirectory(dir=here.ids_file.parent) as name:
        arguments = [*COMMAND, "--ids-file", str(here.ids_file)]
        if container is not None:
            arguments = ["sh", "-c", _ENTER, str(container), *arguments]
        archived = Path(name, "data", "archive", "observations")
        return run_process(
            arguments,
            lambda: any(archived.rglob("*.parquet")),
            Path(name),
            AVATAR_TASKS_BASE_URL=here.base_url,
            AVATAR_TASKS_FETCH="single",
            **settings,
        )


@contextmanager
def _container() -> Iterator[Path | None]:
    """The folder of a new memory cgroup of 512 MB; None if it cannot be created."""
    folder = next((made for made in map(_new_cgroup, _CGROUPS) if made), None)
    try:
        yield folder
    finally:
        if folder is not None:
            folder.rmdir()


def _new_cgroup(place: tuple[str, str]) -> Path | None:
    controller, limit = place
    folder = Path("/sys/fs/cgroup", controller, f"avatar-tasks-{os.getpid()}")
    with suppress(OSError):
        folder.mkdir()
        try:
            (folder / limit).write_text(str(_CONTAINER_BYTES), encoding="ascii")
        except OSError:
            folder.rmdir()
            raise
        return folder
    return None
