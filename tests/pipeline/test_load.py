"""Collect here, load there: `collect --no-load` archives only, and `load` loads what no warehouse has yet."""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING

import pytest

from pipeline import run as runs
from pipeline.load import last_known, writer
from pipeline.load_command import load
from pipeline.settings import Settings, read_settings
from tests.command_line import KEY, CommandLine
from tests.pipeline.tables import contents, rows
from warehouse.backends.file import FileWriter
from warehouse.database.locks import sole_writer
from warehouse.errors import LakeError, WarehouseLockedError
from warehouse.load.budget import Budget

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb

    from tests.command_line import Gateway


PUBLISHED = "data/published/current.duckdb"


def published(folder: Path, table: str) -> int:
    return len(rows(folder / PUBLISHED, table))


pytestmark = pytest.mark.e2e


@pytest.fixture
def no_gateway(tmp_path: Path) -> CommandLine:
    """Somebody else with the same data, who neither knows the gateway nor has the key."""
    return CommandLine(tmp_path, {"AVATAR_TASKS_LOCK_WAIT": "0.2"})


def test_what_was_only_archived_is_loaded_and_published_by_load(
    connected: CommandLine, no_gateway: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """As a `collect` that loads itself would have made it; a second load finds nothing to do."""
    ids = gateway.world.ids[:30]
    summary = connected("collect", *ids, "sim_html_1", "--no-load", "--json").json
    assert (summary["fetched"], summary["exit_code"], summary["problem"]) == (31, 0, None)
    assert sum(summary["statuses"].values()) == 30
    assert (summary["segments_loaded"], summary["published"]) == (0, None)
    loaded = no_gateway("load", "--json").json
    assert (loaded["segments_loaded"], loaded["answers_loaded"]) == (summary["segments_waiting"], 31)
    assert (loaded["published"], loaded["exit_code"]) == (str(tmp_path / PUBLISHED), 0)
    assert published(tmp_path, "tasks") == 30
    assert published(tmp_path, "runs") == 1
    before = contents(tmp_path / PUBLISHED)
    again = no_gateway("load")
    assert (again.code, again.err.partition(" in ")[0]) == (0, "loaded 0 segments with 0 answers")
    assert contents(tmp_path / PUBLISHED) == before


def test_where_memory_is_short_the_file_is_closed_after_each_portion(
    connected: CommandLine, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What DuckDB holds of an open file grows with what was loaded; with enough memory it is opened once.

    For the queries after the last of four portions it is opened once more.
    """
    assert connected("collect", *gateway.world.ids[:20], "--no-load").code == 0
    opened = []
    real = FileWriter.open

    def counted(self: FileWriter, group_rows: int | None) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        opened.append(group_rows)
        return real(self, group_rows)

    monkeypatch.setattr(FileWriter, "open", counted)
    monkeypatch.setattr(Budget, "portion_rows", 1)
    found = []
    for memory in ("350MB", "8GB"):
        opened.clear()
        run = runs.begin(read_settings(data_dir=tmp_path / "data", memory=memory, load_processes=1), "load")
        with writer(run, 5) as writing, writing.open_loaded() as con:
            tasks = con.execute("select count(*) from tasks").fetchall()
        found.append((list(opened), writing.loaded.segments, writing.loaded.answers, tasks))
    assert found == [([30_720] * 5, 4, 20, [(20,)]), ([None], 0, 0, [(20,)])]


def test_what_was_loaded_before_a_load_failed_is_in_its_summary(
    connected: CommandLine, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four portions two are loaded when another program opens the file: they stay, the next load brings the rest."""
    assert connected("collect", *gateway.world.ids[:20], "--no-load").code == 0
    real, opened = FileWriter.open, itertools.count(1)

    def locked(self: FileWriter, group_rows: int | None) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        if next(opened) == 3:
            raise WarehouseLockedError("a notebook has it open")
        return real(self, group_rows)

    monkeypatch.setattr(FileWriter, "open", locked)
    monkeypatch.setattr(Budget, "portion_rows", 1)
    run = runs.begin(read_settings(data_dir=tmp_path / "data", memory="350MB", load_processes=1), "load")
    stopped, rest = load(run), load(run)
    assert (stopped.segments_loaded, stopped.exit_code, stopped.problem) == (2, 4, "a notebook has it open")
    assert (rest.segments_loaded, rest.exit_code) == (2, 0)
    assert stopped.answers_loaded + rest.answers_loaded == 20


def test_collecting_without_loading_does_not_touch_the_warehouse(
    connected: CommandLine, no_gateway: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """Not even where it is locked; and it says in words what waits. What is published says what has ended."""
    first, more = gateway.world.ids[:10], gateway.world.ids[5:20]
    assert connected("collect", *first).code == 0
    warehouse = tmp_path / "data" / "warehouse.duckdb"
    before = warehouse.stat().st_mtime_ns
    with sole_writer(warehouse, 0):
        done = connected("collect", *more, "--no-load")
        locked = no_gateway("load", "--json")
    assert (done.code, warehouse.stat().st_mtime_ns) == (0, before)
    assert "5 of 15 ids given had ended before" in done.err
    assert "segments are archived and not loaded: run `avatar-tasks load` to load them" in done.err
    assert published(tmp_path, "tasks") == 10
    assert (locked.code, locked.json["segments_loaded"]) == (4, 0)
    assert f"process {os.getpid()}" in locked.json["problem"]
    assert no_gateway("load").code == 0
    assert published(tmp_path, "tasks") == 20


def test_a_run_that_follows_its_ids_does_so_without_loading(
    connected: CommandLine, no_gateway: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """It knows of its own answers that they have ended."""
    done = connected("collect", *gateway.world.ids[:5], "--no-load", "--follow", "--deadline", "30", "--json").json
    assert (done["fetched"], done["still_running"], done["exit_code"]) == (5, 0, 0)
    assert not (tmp_path / "data/warehouse.duckdb").exists()
    assert no_gateway("load").code == 0
    assert published(tmp_path, "tasks") == 5


def test_a_refused_key_is_an_error_without_loading_too(connected: CommandLine) -> None:
    """The exit code tells how collecting went."""
    done = connected("collect", "an-id", "--no-load", AVATAR_TASKS_API_KEY="wrong")
    assert (done.code, KEY in done.err) == (3, False)


def test_load_can_skip_publishing_and_load_a_single_run(
    connected: CommandLine, no_gateway: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """As a run tells the one that it starts beside it."""
    runs = [connected("collect", one, "--no-load", "--json").json["run_id"] for one in gateway.world.ids[:2]]
    loaded = no_gateway("load", "--run", runs[1], "--no-publish", "--json").json
    assert (loaded["answers_loaded"], loaded["published"]) == (1, None)
    assert not (tmp_path / PUBLISHED).exists()
    assert no_gateway("load", "--json").json["answers_loaded"] == 1
    assert published(tmp_path, "tasks") == 2


def test_load_warns_of_a_damaged_segment_and_loads_the_rest(
    connected: CommandLine, no_gateway: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """On stderr, and for machines."""
    for one in gateway.world.ids[:2]:
        connected("collect", one, "--no-load")
    broken = next((tmp_path / "data/archive/observations").rglob("*.parquet"))
    broken.write_bytes(b"no parquet")
    done = no_gateway("load", "--json")
    assert (done.code, done.json["answers_loaded"], len(done.json["damaged"])) == (0, 1, 1)
    assert broken.stem in json.dumps(done.json["damaged"])
    assert f"warning: {done.json['damaged'][0]}" in done.err


def test_load_refuses_a_place_where_nothing_was_archived(no_gateway: CommandLine, tmp_path: Path) -> None:
    """It is hardly the one that was meant, and an empty warehouse would be taken for an answer."""
    done = no_gateway("load", "--data-dir", "dta")
    assert (done.code, "dta/archive" in done.err) == (2, True)
    assert not (tmp_path / "dta").exists()


def test_an_error_while_the_last_state_is_read_is_that_error(tmp_path: Path) -> None:
    """Of a lake that is lost on the way, also where nothing has been published; what is read then is empty."""
    run = runs.begin(Settings(data_dir=tmp_path / "data"), "collect")
    with last_known(run) as con:
        assert con.execute("select count(*) from tasks").fetchone() == (0,)
    with pytest.raises(LakeError, match="gone"), last_known(run):
        raise LakeError("gone")
