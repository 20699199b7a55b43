"""`avatar-tasks load` beside a run: whatever happens to it nothing is lost, and the run says what went wrong."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from pipeline import load as loading
from pipeline import run as runs
from pipeline.collect import child_loader
from pipeline.collect.child_loader import child_environment, load_in_child
from pipeline.load_command import load
from pipeline.run import Reporter, Sizes
from pipeline.settings import SECRET_SETTINGS, Settings
from tests.command_line import KEY
from tests.pipeline.archiving import poll
from tests.warehouse.answers import file_of
from warehouse.archive.segments import Archive
from warehouse.database.locks import sole_writer
from warehouse.database.writer import open_writer
from warehouse.load.loader import Loaded

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pipeline.run import Run
    from tests.command_line import Gateway
    from warehouse.archive.parquet import Kind, Segment

PATIENCE_SECONDS = 30.0
IDS = 40


@pytest.fixture
def warnings() -> list[str]:
    """What the run has warned of."""
    return []


@pytest.fixture
def begun(tmp_path: Path, gateway: Gateway, warnings: list[str]) -> Run:
    """A run that has archived nothing yet."""
    settings = Settings(base_url=gateway.base_url, api_key=SecretStr(KEY), data_dir=tmp_path / "data")
    return runs.begin(settings, "collect", reporter=Reporter(warn=warnings.append))


@pytest.fixture
def run(begun: Run, gateway: Gateway) -> Run:
    """A run that has archived an answer about each of some ids, and loaded none."""
    poll(begun, gateway.world.ids[:IDS])
    return begun


@pytest.fixture
def quick(quick_command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is started in a tenth of the time."""
    monkeypatch.setattr(child_loader, "COMMAND", (*quick_command, *child_loader.COMMAND[1:]))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of `avatar-tasks load`, to be written."""
    program = tmp_path / "avatar-tasks"
    program.touch(0o700)
    monkeypatch.setattr(child_loader, "COMMAND", (str(program),))
    return program


def tasks(run: Run) -> int:
    with open_writer(run.paths.warehouse, PATIENCE_SECONDS) as con:
        [[count]] = con.execute("select count(*) from tasks").fetchall()
        return int(count)


@pytest.mark.usefixtures("quick")
def test_it_loads_what_the_run_has_archived_by_now(run: Run, gateway: Gateway, warnings: list[str]) -> None:
    """And nothing twice. What other runs archived is loaded by the run itself, before and after."""
    poll(runs.begin(run.settings, "collect"), gateway.world.ids[-5:])
    assert (load_in_child(run), tasks(run)) == (Loaded(1, IDS), IDS)
    assert (load_in_child(run), tasks(run)) == (Loaded(), IDS)
    poll(run, gateway.world.ids[IDS : IDS + 10])
    assert (load_in_child(run), tasks(run)) == (Loaded(1, 10), IDS + 10)
    assert not run.paths.published.exists()
    assert warnings == []


@pytest.mark.parametrize(
    ("usual", "passes"),
    [
        pytest.param(IDS, 3, id="until-few-come-meanwhile"),
        pytest.param(IDS - 1, 1, id="not-if-many-come-as-the-run-loads-them-faster"),
    ],
)
def test_what_the_run_archives_while_it_loads_is_loaded_too(
    run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, usual: int, passes: int
) -> None:
    """Of four batches, each archived while the one before is loaded, it leaves those after a small one."""
    coming = iter([IDS, 3, IDS])
    listed, ids = Archive.segments, iter(gateway.world.ids[IDS:])

    def growing(self: Archive, kind: Kind, known: Collection[str] = ()) -> list[Segment]:
        found = list(listed(self, kind, known))
        if kind == "observations":
            poll(run, [next(ids) for _ in range(next(coming))])
        return found

    loading_run = dataclasses.replace(run, sizes=Sizes(load_answers=usual))
    monkeypatch.setattr(Archive, "segments", growing)
    assert load(loading_run, publish=False, of_run=run.run_id).segments_loaded == passes


@pytest.mark.usefixtures("quick")
def test_a_locked_warehouse_is_not_waited_for(run: Run, warnings: list[str]) -> None:
    """Of that the run warns at its end."""
    with sole_writer(run.paths.warehouse, 0):
        began = time.monotonic()
        assert load_in_child(run) == Loaded()
        assert time.monotonic() - began < run.settings.lock_wait / 3
    assert (load_in_child(run), warnings) == (Loaded(1, IDS), [])


@pytest.mark.usefixtures("quick")
def test_of_a_damaged_segment_the_run_warns_once(run: Run, gateway: Gateway, warnings: list[str]) -> None:
    """The rest is loaded."""
    [segment] = run.store.segments("observations")
    poll(run, gateway.world.ids[IDS : IDS + 10])
    file_of(segment).write_bytes(b"no parquet")
    assert (load_in_child(run), load_in_child(run), tasks(run)) == (Loaded(1, 10), Loaded(), 10)
    [warning] = warnings
    assert segment.segment_id in warning


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        pytest.param("#!/bin/sh\nkill -9 $$\n", "exit code -9", id="killed"),
        pytest.param("#!/bin/sh\necho no room >&2; exit 1\n", "no room", id="a traceback"),
        pytest.param('#!/bin/sh\necho \'{"error": "no such file"}\'; exit 2\n', "no such file", id="an error of ours"),
        pytest.param("#!/no/such/shell\n", "cannot be started", id="not to be started"),
    ],
)
def test_when_it_fails_the_run_says_why_and_loads_at_its_end(
    run: Run, warnings: list[str], command: Path, program: str, reason: str
) -> None:
    """Once, however often it fails."""
    command.write_text(program)
    assert (load_in_child(run), load_in_child(run)) == (Loaded(), Loaded())
    [warning] = warnings
    assert reason in warning
    assert "loaded at the end" in warning
    with loading.writer(run, 0) as writer, writer.open_loaded():
        assert writer.loaded.answers == IDS


def test_it_knows_no_key_and_is_in_a_group_of_its_own(
    begun: Run, command: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the key's name is written. Ctrl-C goes to a whole group, and the run has to come to its end."""
    monkeypatch.setenv("AVATAR_TASKS_API_KEY", KEY)
    monkeypatch.setenv("avatar_tasks_Api_Key", KEY)
    command.write_text(
        f"#!/bin/sh\nenv > {tmp_path}/seen\nps -o pgid= $$ > {tmp_path}/group\necho $$ >> {tmp_path}/group"
    )
    load_in_child(begun)
    seen = (tmp_path / "seen").read_text()
    assert f"AVATAR_TASKS_DATA_DIR={begun.paths.root}" in seen
    assert KEY not in seen
    group, process = (tmp_path / "group").read_text().split()
    assert group == process


def test_it_loads_where_the_run_works_whatever_else_is_set(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may have its settings from options; and a demo has its own, that nothing set for real work may reach."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("AVATAR_TASKS_ARCHIVE=elsewhere\nAVATAR_TASKS_POLL_MIN=99\n")
    monkeypatch.setenv("AVATAR_TASKS_WAREHOUSE", "elsewhere.duckdb")
    monkeypatch.setenv("avatar_tasks_data_dir", "elsewhere")
    settings = Settings.model_construct(data_dir=run.settings.data_dir, poll_min=7.0)
    there = dataclasses.replace(run, settings=settings)
    assert load_in_child(there).segments == 1
    assert not list(tmp_path.glob("elsewhere*"))
    with open_writer(there.paths.warehouse, PATIENCE_SECONDS) as con:
        assert con.execute("select min_seconds from polling_policy").fetchall() == [(7.0,)]
    assert "avatar_tasks_data_dir" not in child_environment(there)


@pytest.mark.parametrize(
    "name",
    [
        "avatar_tasks_api_key",
        "Avatar_Tasks_Api_Key_Block",
        "AVATAR_TASKS_ACCESS_TOKEN",
        "avatar_tasks_access_token",
        *(f"AVATAR_TASKS_{name.upper()}" for name in SECRET_SETTINGS),
    ],
)
def test_no_spelling_of_a_secret_reaches_it(begun: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read in any case, and so are the names of what must not be passed on."""
    monkeypatch.setenv(name, KEY)
    assert KEY not in child_environment(begun).values()
