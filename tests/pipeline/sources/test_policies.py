"""Each gateway of sources.toml is polled at its own pace, and everything that says what is due goes by that."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import UnusableInputError
from pipeline.settings import Settings, read_settings
from pipeline.sources.choose import chosen_sources, policy_of, settings_of
from simulator import ManualClock, SimulatedGateway, World, serve
from tests.command_line import CommandLine
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

TABLES = """
[[source]]
name = "eu"
base_url = "https://eu.example"
poll_min = 60
[[source]]
name = "us"
base_url = "https://us.example"
give_up_after = "2 days"
accept_other_ids = true
"""


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def policies(settings: Settings) -> dict[str | None, tuple[float, float, bool]]:
    """Of each source: least seconds between two polls, days until it is given up, and whether other ids are its own."""
    found = policy_of(settings)
    return {
        one.source: (one.min_seconds, one.give_up_after / timedelta(days=1), one.accept_other_ids)
        for one in (found, *found.others)
    }


def test_a_table_has_its_own_pace_and_the_environment_counts_where_it_has_none(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever gateway the settings in force are of, and where they are common to all."""
    (working_folder / "sources.toml").write_text(TABLES)
    monkeypatch.setenv("AVATAR_TASKS_POLL_MIN", "20")
    each = {"eu": (60, 7, False), "us": (20, 2, True)}
    assert policies(read_settings()) == {None: (20, 7, False)} | each
    for source in chosen_sources():
        assert policies(settings_of(source)) == each
        assert next(iter(policies(settings_of(source)))) == source.name
    monkeypatch.setenv("AVATAR_TASKS_SOURCE", "us")
    assert policies(read_settings()) == each
    demo = Settings.model_construct(source="demo", poll_min=1)
    assert list(policies(demo)) == ["demo"]


def test_without_the_file_there_is_one_policy(working_folder: Path) -> None:
    assert policies(Settings(poll_min=3)) == {"default": (3, 7, False)}
    assert policies(Settings(source="eu")) == {"eu": (15, 7, False)}
    assert not list(working_folder.iterdir())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("poll_min = 0", "poll_min cannot be used"),
        ('give_up_after = "whenever"', "give_up_after cannot be used"),
        ('give_up_after = "5 fortnights"', "unknown unit"),
        ("give_up_after = -1", "give_up_after cannot be used"),
        ('give_up_after = "99999999999 days"', "give_up_after cannot be used"),
        ("give_up_after = 1e300", "give_up_after cannot be used"),
    ],
)
def test_a_pace_that_cannot_be_used_is_named(working_folder: Path, line: str, words: str) -> None:
    (working_folder / "sources.toml").write_text(f"{TABLES}\n[[source]]\nname = 'x'\nbase_url = 'https://x'\n{line}")
    with pytest.raises(UnusableInputError, match=words) as refused:
        chosen_sources()
    assert "source 'x'" in str(refused.value)


@dataclass(frozen=True)
class Site:
    """Two gateways, each with a task that is still running, submitted some minutes ago."""

    command: CommandLine
    ids: dict[str, str]
    urls: dict[str, str]

    def write(self, **more: str) -> None:
        """Write sources.toml with these lines in the tables of these gateways, and with no others."""
        tables = [f'[[source]]\nname = "{name}"\nbase_url = "{self.urls[name]}"\n{line}' for name, line in more.items()]
        (self.command.folder / "sources.toml").write_text("\n".join(tables))

    def table(self, name: str, *columns: str) -> list[dict[str, Any]]:
        return rows(self.command.folder / "data" / "published" / "current.duckdb", name, [*columns])

    @property
    def paces(self) -> dict[str, float]:
        return {row["source"]: row["min_seconds"] for row in self.table("polling_policy", "source", "min_seconds")}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    now = datetime.now(UTC)
    with ExitStack() as stack:
        ids, urls = {}, {}
        for seed, name in enumerate(("eu", "us")):
            world = World(seed=seed, tasks=40, start=now - timedelta(hours=2), end=now, odd_share=0)
            running = [one for one in world.tasks if one.seen_running and (one.seen_end or 0) > one.seen_running + 30]
            task = running[-1]
            clock = ManualClock(datetime.fromtimestamp((task.seen_running or 0) + 15, UTC))
            urls[name] = stack.enter_context(serve(SimulatedGateway(world, clock=clock)))
            ids[name] = task.id
        yield Site(CommandLine(tmp_path), ids, urls)


def test_what_is_due_follows_the_settings_of_its_source(site: Site) -> None:
    """A run of one source leaves the other's as they are; `rebuild` and `maintain` give the same tables."""
    site.write(eu="poll_min = 1", us="poll_min = 40000")
    for name, one in site.ids.items():
        result = site.command("collect", "--source", name, one, "--json")
        assert (result.code, result.json["statuses"]) == (0, {"IN_PROGRESS": 1}), result.err
        assert site.paces == {"eu": 1, "us": 40_000}
    due = {row["source"]: row["due_at"] - row["last_asked_at"] for row in site.table("due_tasks", *DUE)}
    assert timedelta(seconds=1) <= due["eu"] < due["us"] == timedelta(hours=1)
    for word in ("rebuild", "maintain"):
        assert site.command(word).code == 0
        assert site.paces == {"eu": 1, "us": 40_000}
    stands = site.command("status", "--json").json["sources"]
    assert {name: one["running"] for name, one in stands.items()} == {"eu": 1, "us": 1}


DUE = ("source", "due_at", "last_asked_at")


def test_a_source_that_leaves_the_file_keeps_what_its_last_run_said(site: Site) -> None:
    """And so does each of two services without such a file, which have the same folder and settings of their own."""
    site.write(eu="poll_min = 1", us="poll_min = 40000")
    for name, one in site.ids.items():
        assert site.command("collect", "--source", name, one).code == 0
    site.write(eu="poll_min = 2")
    assert site.command("collect").code == 0
    assert site.paces == {"eu": 2, "us": 40_000}
    stands = site.command("status").out
    assert [line.split()[0] for line in stands.splitlines() if "not in sources.toml" in line] == ["us"]
    checked = site.command("check", "--json").json["findings"]
    assert [one["text"] for one in checked if one["name"] == "sources"] == [
        "1 ids of us are pending, but sources.toml has no such source: nothing polls them"
    ]
    (site.command.folder / "sources.toml").unlink()
    given = {f"AVATAR_TASKS_{name}": value for name, value in (("SOURCE", "us"), ("POLL_MIN", "3"))}
    assert site.command("collect", AVATAR_TASKS_BASE_URL=site.urls["us"], **given).code == 0
    assert site.paces == {"eu": 2, "us": 3}
    assert site.command("rebuild", AVATAR_TASKS_SOURCE="eu", AVATAR_TASKS_POLL_MIN="4").code == 0
    assert site.paces == {"eu": 4, "us": 3}


def test_retention_keeps_what_any_source_still_polls(site: Site) -> None:
    site.write(eu='give_up_after = "3 days"', us='give_up_after = "30 days"')
    for name, one in site.ids.items():
        assert site.command("collect", "--source", name, one).code == 0
    few = site.command("maintain", "--retain", "30", "--dry-run")
    assert (few.code, "at least 31 days" in few.err) == (2, True)


def test_maintenance_makes_no_source_of_its_own(site: Site) -> None:
    """It is about all of them: where the file lists one, there is one."""
    site.write(eu="")
    assert site.command("collect", site.ids["eu"]).code == 0
    assert site.command("maintain").code == 0
    assert [row["source"] for row in site.table("collection_freshness", "source")] == ["eu"]
    assert "sources" not in site.command("status", "--json").json
