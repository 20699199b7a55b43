"""Whatever is wrong with a data folder, no command changes a byte of it that it did not make."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from avatar_tasks.cli import main
from gateway.clock import SYSTEM_CLOCK
from tests.gateway.servers import answer, serving
from tests.promises.clocks import Shifted
from tests.warehouse.answers import SUCCESS_WITH_WORK, Answer, Request, file_of, minute
from warehouse.database.publish import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.promises.conftest import Figures
    from tests.warehouse.conftest import Site


COMMANDS = (
    ("status",),
    ("load",),
    ("sql", "copy tasks to 'out.csv'"),
    ("publish",),
    ("rebuild",),
    ("maintain", "--retain", "30"),
    ("maintain", "--retain", "30", "--dry-run"),
    ("migrate", "--to", "other.duckdb"),
    ("demo", "--tasks", "5", "--no-prefect", "--no-report", "--out", "data"),
    ("collect", "--no-prefect", "t0", "new"),
    ("load",),
    ("maintain", "--retain", "30"),
)
TASK = b'{"code":"success","message":"","data":{"task_id":"%s","status":"SUCCESS","submit_time":1736868741}}'


def archive_away(site: Site) -> None:
    site.paths.archive.rename(site.paths.root.parent / "away")


def one_segment_gone(site: Site) -> None:
    site.store.segments("observations")[0].path.unlink()


def one_segment_damaged(site: Site) -> None:
    file_of(site.store.segments("requests")[0]).write_bytes(b"half")


def folder_away(site: Site) -> None:
    site.paths.root.rename(site.paths.root.parent / "away")


def clock_two_years_ahead(_: Site) -> None:
    Shifted(730 * 86_400)()


FAULTS = (archive_away, one_segment_gone, one_segment_damaged, folder_away, clock_two_years_ahead)


def kept(folder: Path) -> dict[str, bytes]:
    """Archive and everything of the operator's: what no command may change."""
    files = (one for one in folder.rglob("*.parquet") if one.is_file() and "runs" not in one.parts)
    return {str(one): one.read_bytes() for one in [*files, *folder.rglob("notes.txt")]}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """What a fault does to the clock is undone."""
    now = SYSTEM_CLOCK.now
    yield
    object.__setattr__(SYSTEM_CLOCK, "now", now)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_command_changes_what_it_did_not_make(
    site: Site, fault: Callable[[Site], None], monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    """Ids, answers and notes are the same to the byte after each; readers see as many tasks as before."""
    for number in range(3):
        site.archive([Answer(f"t{number}", minute(1), SUCCESS_WITH_WORK)], [Request(f"t{number}", minute(0))])
    site.load()
    publish(site.paths, 5)
    (site.paths.root / "notes.txt").write_text("mine")
    monkeypatch.chdir(site.paths.root.parent)
    fault(site)
    before, published = kept(site.paths.root.parent), site.paths.published
    copy = published.read_bytes() if published.exists() else b""
    with serving(lambda request: answer(200, TASK % request.task_id.encode())) as gateway:
        monkeypatch.setenv("AVATAR_TASKS_BASE_URL", gateway.url)
        for command in COMMANDS:
            CliRunner().invoke(main, list(command))
            after = kept(site.paths.root.parent)
            assert before.items() <= after.items(), command
            assert after == before or command[0] == "collect", command
            before = after
            if command[0] in ("rebuild", "migrate", "sql", "demo") and copy:
                assert published.stat().st_size > 0, command
    assert gateway.requests or fault is archive_away  # in which case collect refuses
    shutil.rmtree(site.paths.root, ignore_errors=True)
    figures(f"{fault.__name__}", f"{len(COMMANDS)} commands; {len(before)} files, 0 changed")
