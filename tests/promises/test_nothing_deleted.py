"""Whatever is wrong with a data folder, no command changes a byte of it that it did not make."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from avatar_tasks.cli import main
from tests.warehouse.answers import SUCCESS_WITH_WORK, Answer, Request, minute
from warehouse.database.publish import publish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.promises.conftest import Figures
    from tests.warehouse.conftest import Site


COMMANDS = (
    ("status",),
    ("sql", "copy tasks to 'out.csv'"),
    ("publish",),
    ("rebuild",),
    ("maintain", "--retain", "30"),
    ("maintain", "--retain", "30", "--dry-run"),
    ("migrate", "--to", "other.duckdb"),
    ("demo", "--tasks", "5", "--no-prefect", "--no-report", "--out", "data"),
)


def archive_away(site: Site) -> None:
    site.paths.archive.rename(site.paths.root.parent / "away")


def one_segment_gone(site: Site) -> None:
    site.store.segments("observations")[0].path.unlink()


def one_segment_damaged(site: Site) -> None:
    site.store.segments("requests")[0].path.write_bytes(b"half")


def folder_away(site: Site) -> None:
    site.paths.root.rename(site.paths.root.parent / "away")


FAULTS = (archive_away, one_segment_gone, one_segment_damaged, folder_away)


def kept(folder: Path) -> dict[str, bytes]:
    """Archive and everything of the operator's: what no command may change."""
    files = (one for one in folder.rglob("*.parquet") if one.is_file() and "runs" not in one.parts)
    return {str(one): one.read_bytes() for one in [*files, *folder.rglob("notes.txt")]}


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
    for command in COMMANDS:
        CliRunner().invoke(main, list(command))
        assert kept(site.paths.root.parent) == before, command
        if command[0] in ("rebuild", "migrate", "sql", "demo") and copy:
            assert published.stat().st_size > 0, command
    shutil.rmtree(site.paths.root, ignore_errors=True)
    figures(f"{fault.__name__}", f"{len(COMMANDS)} commands; {len(before)} files, 0 changed")
