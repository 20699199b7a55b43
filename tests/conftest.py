"""What a test needs is a marker. It comes from what the test uses, so that a new test has it without further thought.

`make unit` runs what has none of these markers. A test that starts a process without one of them fails there and
everywhere else.
"""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.command_line import avatar_tasks, connected, ended_world, gateway, quick_command
from tests.lakes import bucket, empty_lake, lake, no_lake, postgres, storage
from tests.warehouse.marts.world import week_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "avatar_tasks",
    "bucket",
    "connected",
    "empty_lake",
    "ended_world",
    "gateway",
    "lake",
    "no_lake",
    "postgres",
    "quick_command",
    "storage",
    "week_paths",
]

#: Marker by fixture: `gateway` is a simulated one that is served, `avatar_tasks` and `connected` are the command line.
BY_FIXTURE: Final = {
    "server_home": "prefect",
    "postgres": "postgres",
    "browser": "browser",
    "gateway": "e2e",
    "avatar_tasks": "e2e",
    "connected": "e2e",
    "quick_command": "e2e",
}
#: Folders of `tests/` whose tests take whole steps: runs, loads of archives, warehouses made, many worlds compared.
BY_FOLDER: Final = dict.fromkeys(
    (
        "pipeline/check",
        "pipeline/collect",
        "pipeline/discovery",
        "promises",
        "reports",
        "warehouse/archive",
        "warehouse/database",
        "warehouse/load",
        "warehouse/maintenance",
        "warehouse/marts/statistics",
    ),
    "e2e",
)
#: With several processes the tests of such a folder run in one, which starts once what takes long to start: a Prefect
#: server, a PostgreSQL server, a browser and the reports on simulated weeks. All others are kept together by file.
TOGETHER: Final = ("flows", "reports", "warehouse/ducklake")
#: What takes longest begins first, so that all processes end together.
LONGEST_FIRST: Final = ("prefect", "postgres", "browser", "e2e")
MARKERS: Final = frozenset({*BY_FIXTURE.values(), *BY_FOLDER.values(), "guide", "soak"})

_TESTS: Final = __file__.removesuffix("conftest.py")
_OURS: Final = ("python", "avatar-tasks")
_unit_test: list[str] = []


def markers_for(path: Path, fixtures: Sequence[str]) -> set[str]:
    """The markers of a test in the file `path` that uses these fixtures."""
    inside = _inside(path)
    return {BY_FIXTURE[name] for name in fixtures if name in BY_FIXTURE} | {
        marker for name, marker in BY_FOLDER.items() if inside.startswith(f"{name}/")
    }


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Folders all of whose tests `-m` excludes are not read: importing them takes each process seconds."""
    inside = f"{_inside(collection_path)}/"
    excluded = (
        f"not {marker}" in config.option.markexpr for name, marker in BY_FOLDER.items() if inside.startswith(f"{name}/")
    )
    return True if any(excluded) else None


def _inside(path: Path) -> str:
    return str(path).removeprefix(_TESTS)


def group_of(inside: str) -> str:
    """The folder or file whose tests run in one process, of a file in `tests/`."""
    return next((folder for folder in TOGETHER if inside.startswith(f"{folder}/")), inside)


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # which has no types
    """Sends groups of tests to processes (xdist's own `loadgroup` does nothing with pytest 9.2)."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0].removeprefix("tests/"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByGroup | None:
    return ByGroup(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places: dict[str, int] = {}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for marker in sorted(markers_for(item.path, fixtures)):
            item.add_marker(marker)
        group = group_of(_inside(item.path))
        places[group] = min(_place(item), places.get(group, len(LONGEST_FIRST)))
    items.sort(key=lambda item: places[group_of(_inside(item.path))])


def _place(item: pytest.Item) -> int:
    named = {mark.name for mark in item.iter_markers()}
    return next((place for place, name in enumerate(LONGEST_FIRST) if name in named), len(LONGEST_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if not MARKERS & {mark.name for mark in item.iter_markers()}:
        _unit_test.append(item.nodeid)
    try:
        return (yield)
    finally:
        _unit_test.clear()


def _refuse_processes(event: str, arguments: tuple[object, ...]) -> None:
    """Python and our command alone: libraries start small programs of the system when they are imported."""
    if event == "subprocess.Popen" and _unit_test and PurePath(str(arguments[0])).name.startswith(_OURS):
        msg = f"{_unit_test[0]} starts a process: mark it with pytest.mark.e2e, so that `make unit` stays quick"
        raise RuntimeError(msg)


sys.addaudithook(_refuse_processes)
