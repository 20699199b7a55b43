"""A folder that is not there is not taken for a new one, and a demo deletes nothing that no demo made."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from avatar_tasks.demo_folder import MARKER, make_folder
from pipeline import run as runs
from pipeline.data_folder import begin_folder
from pipeline.errors import UnusableInputError
from pipeline.run import Reporter
from pipeline.settings import Settings
from tests.warehouse.answers import RUNNING, Answer, Request, file_of, minute
from tests.warehouse.conftest import Site
from warehouse.archive.compact import compact, remove_replaced
from warehouse.archive.folder_mark import NAME, read_mark, write_mark
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.run import Run
    from tests.command_line import CommandLine, Gateway
    from warehouse.archive.segments import Archive

DEMO_RUN = "0123456789ab"
NOW = datetime(2026, 1, 20, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(DataPaths(tmp_path / "data"))


def begun(site: Site, *, scheduled: bool, first_start: bool | None = None) -> list[str]:
    """What a run says that begins, or finds, the folder."""
    said: list[str] = []
    settings = Settings(data_dir=site.paths.root, first_start=first_start)
    run: Run = runs.begin(settings, "collect", reporter=Reporter(info=said.append))
    begin_folder(run, scheduled=scheduled)
    return said


def test_a_person_begins_a_folder_and_gets_one_message(site: Site) -> None:
    """With its whole path; from then on every run knows it by its mark."""
    [said] = begun(site, scheduled=False)
    assert f"created a new data folder at {site.paths.root}" in said
    mark = read_mark(site.paths)
    assert mark is not None
    assert (len(mark.folder_id), mark.kind) == (32, "real")
    assert begun(site, scheduled=False) == begun(site, scheduled=True) == begun(site, scheduled=True) == []
    assert read_mark(site.paths) == mark


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "an empty archive", "summaries of runs"])
def test_a_scheduled_run_refuses_a_missing_folder(site: Site, left: str) -> None:
    """It was moved or is not mounted; it would begin an empty one, green. Nothing is made in its place."""
    made = {"an empty folder": [site.paths.root], "an empty archive": [site.paths.archive]}
    made |= {"summaries of runs": [site.paths.archive / "runs" / "2026-01-20"]}
    for folder in made.get(left, []):
        folder.mkdir(parents=True)
    before = sorted(site.paths.root.rglob("*"))
    with pytest.raises(UnusableInputError, match=r"no data folder at .*/data: .*--first-start"):
        begun(site, scheduled=True)
    assert sorted(site.paths.root.rglob("*")) == before
    assert len(begun(site, scheduled=True, first_start=True)) == 1


def test_a_person_may_forbid_first_starts(site: Site) -> None:
    """For a schedule that is no Prefect's: cron, a timer."""
    with pytest.raises(UnusableInputError, match="first start"):
        begun(site, scheduled=False, first_start=False)


@pytest.mark.parametrize("scheduled", [True, False])
def test_a_folder_from_before_there_were_marks_gets_one_silently(site: Site, *, scheduled: bool) -> None:
    """Its archive has answers."""
    site.archive([Answer("t1", minute(1), RUNNING)])
    assert begun(site, scheduled=scheduled) == []
    assert read_mark(site.paths) is not None


@pytest.mark.parametrize("scheduled", [True, False])
def test_an_archive_that_is_away_while_its_warehouse_is_there_is_noticed(site: Site, *, scheduled: bool) -> None:
    """By anybody; a new one is begun on demand alone."""
    site.archive([Answer("t1", minute(1), RUNNING)])
    site.load()
    shutil.rmtree(site.paths.archive)
    with pytest.raises(UnusableInputError, match=r"there is no archive at .*, but a warehouse"):
        begun(site, scheduled=scheduled)
    assert not site.paths.archive.exists()


def test_a_scheduled_run_collects_into_no_demo(site: Site) -> None:
    """The next demo would have to refuse."""
    write_mark(site.paths, "demo", NOW)
    with pytest.raises(UnusableInputError, match="demo"):
        begun(site, scheduled=True)


def test_commands_that_derive_begin_no_folder(avatar_tasks: CommandLine, tmp_path: Path) -> None:
    """They say what is not there."""
    commands = (
        ["rebuild"],
        ["maintain"],
        ["publish"],
        ["status"],
        ["sql", "select 1"],
        ["migrate", "--to", "x.duckdb"],
    )
    for command in commands:
        result = avatar_tasks(*command)
        assert (result.code, "Traceback" in result.err) == (2, False), result.err
        assert list(tmp_path.iterdir()) == [], command


def test_collect_begins_a_folder_in_one_line(connected: CommandLine, gateway: Gateway) -> None:
    """And forbids itself to, where it is told to; a folder that was moved is not replaced then."""
    first = connected("collect", gateway.world.ids[0])
    assert first.err.count("created a new data folder at") == 1
    assert "a new data folder" not in connected("collect", gateway.world.ids[1]).err
    (connected.folder / "data").rename(connected.folder / "moved")
    refused = connected("collect", gateway.world.ids[2], AVATAR_TASKS_FIRST_START="false")
    assert (refused.code, (connected.folder / "data").exists()) == (2, False)
    assert "first start" in refused.err


def demo_segment(folder: Path, run_id: str, number: int, kind: str = "observations") -> Path:
    """A segment as a run of that id names it."""
    site = Site(DataPaths(folder))
    answers, requests = [Answer(f"t{number}", minute(1), RUNNING)], [Request(f"t{number}", minute(0))]
    [segment] = site.archive(answers) if kind == "observations" else site.archive((), requests)
    name = file_of(segment).with_name(f"20260120T000000-{run_id}-{number:06d}.parquet")
    file_of(segment).rename(name)
    return name


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A folder as a demo leaves it."""
    folder = tmp_path / "demo"
    make_folder(folder, DEMO_RUN, NOW)
    for number, kind in enumerate(("requests", "observations", "observations")):
        demo_segment(folder, DEMO_RUN, number, kind)
    (folder / "warehouse.duckdb").write_bytes(b"derived")
    (folder / "published").mkdir()
    (folder / "published" / "current.duckdb").write_bytes(b"derived")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def test_a_demo_replaces_a_demo(demo: Path) -> None:
    """Also where `maintain` has put its segments together; what others put beside it stays."""
    (demo / "notes.txt").write_text("mine")
    (demo / "reports").mkdir()
    (demo / "reports" / "mine.html").write_text("mine")
    archive = Site(DataPaths(demo)).store
    compacted = list(compact(archive, {one.segment_id for one in archive.segments("observations")}, "9999-99-99"))
    assert len(compacted) == 1
    for _ in range(2):
        make_folder(demo, "ba9876543210", NOW)
        assert sorted(files(demo)) == [MARKER, f"archive/{NAME}", "notes.txt", "reports/mine.html"]
        demo_segment(demo, "ba9876543210", 1)


def add_real_answer(demo: Path) -> None:
    demo_segment(demo, "feedfacefeed", 7)


def add_real_id(demo: Path) -> None:
    demo_segment(demo, "feedfacefeed", 7, "requests")


def compact_with_real_answer(demo: Path) -> None:
    demo_segment(demo, "feedfacefeed", 7)
    store: Archive = Site(DataPaths(demo)).store
    list(compact(store, {one.segment_id for one in store.segments("observations")}, "9999-99-99"))
    remove_replaced(store)


def add_file_to_archive(demo: Path) -> None:
    (demo / "archive" / "notes.txt").write_text("precious")


def take_marker(demo: Path) -> None:
    (demo / MARKER).unlink()


def empty_marker(demo: Path) -> None:
    (demo / MARKER).write_bytes(b"")


def damage_compacted(demo: Path) -> None:
    compact_with_real_answer(demo)
    [path] = demo.rglob("*-compacted-*")
    os.truncate(path, 100)


@pytest.mark.parametrize(
    "change",
    [
        *(add_real_answer, add_real_id, compact_with_real_answer, damage_compacted),
        *(add_file_to_archive, take_marker, empty_marker),
    ],
)
def test_a_demo_deletes_only_what_a_demo_made(demo: Path, change: object) -> None:
    """What `collect` has archived in its folder, above all; it says what it found and what to do."""
    change(demo)  # type: ignore[operator]
    before = files(demo)
    with pytest.raises(UnusableInputError, match="--out"):
        make_folder(demo, "ba9876543210", NOW)
    assert files(demo) == before


def test_a_demo_of_an_earlier_version_is_replaced(demo: Path, tmp_path: Path) -> None:
    """Its marker is empty; the archive tells which runs were a demo's."""
    (demo / MARKER).write_bytes(b"")
    run = runs.begin(Settings(data_dir=demo), "demo", run_id=DEMO_RUN)
    runs.write_run(run, 0, {})
    make_folder(demo, "ba9876543210", NOW)
    assert json.loads((demo / MARKER).read_text()) == {"run_id": "ba9876543210"}
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_demo_is_no_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where real work is to go, there or not, a demo is not begun; nor over a file or somebody's home."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "home" / "letters").mkdir(parents=True)
    for out in ("data", "./data/", "file", "home", "."):
        with pytest.raises(UnusableInputError, match="--out DIR"):
            make_folder(tmp_path / out, DEMO_RUN, NOW)
    monkeypatch.setenv("AVATAR_TASKS_DATA_DIR", str(tmp_path / "demo"))
    with pytest.raises(UnusableInputError, match="real work"):
        make_folder(tmp_path / "demo", DEMO_RUN, NOW)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "home", "letters"]
