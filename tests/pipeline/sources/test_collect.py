"""One `collect` for several gateways: each by itself, whatever happens to the others."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import pytest

from avatar_tasks.commands.collect import collect
from pipeline.check.all_checks import check_everything
from pipeline.collect.request import CollectRequest
from pipeline.errors import UnusableInputError
from pipeline.settings import Settings
from pipeline.sources.children import Children
from pipeline.sources.file import Source
from pipeline.sources.inbox import warn_of_strays
from pipeline.status import facts
from simulator import Account, ManualClock, SimulatedGateway, World, serve
from simulator.limits import RateLimit
from tests.command_line import CommandLine
from tests.gateway.servers import closed_port
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

END = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
KEYS = {"well": "key-of-well", "slow": "key-of-slow"}
TOKEN = "token-of-well"


@dataclass(frozen=True)
class Site:
    """Three gateways: `well`, `slow`, which allows two requests a second, and `down`; their ids are in an inbox."""

    command: CommandLine
    worlds: dict[str, World]
    apps: dict[str, SimulatedGateway]

    @property
    def folder(self) -> Path:
        return self.command.folder

    def drop(self, name: str, ids: list[str]) -> None:
        folder = self.folder / "inbox" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ids.txt").write_text("".join(f"{one}\n" for one in ids))
        os.utime(folder / "ids.txt", (time.time() - 60,) * 2)

    def published(self, table: str, key: str) -> set[tuple[str, str]]:
        """The keys of its rows, each with its source; none while nothing is published."""
        file = self.folder / "data" / "published" / "current.duckdb"
        return {(row["source"], row[key]) for row in rows(file, table, ["source", key])} if file.exists() else set()

    def of(self, name: str) -> set[tuple[str, str]]:
        return {(name, one) for one in self.worlds[name].ids}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    worlds = {
        name: World(seed=seed, tasks=60, start=END - timedelta(days=2), end=END, odd_share=0)
        for seed, name in enumerate(KEYS, 5)
    }
    clock = ManualClock(max(world.all_terminal_at() for world in worlds.values()))
    apps = {
        "well": SimulatedGateway(worlds["well"], key=KEYS["well"], clock=clock, account=Account(TOKEN)),
        "slow": SimulatedGateway(worlds["slow"], key=KEYS["slow"], clock=clock, rate_limit=RateLimit(2)),
    }
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serve(app)) for name, app in apps.items()}
        urls["down"] = f"http://127.0.0.1:{closed_port()}"
        lines = [f'[[source]]\nname = "{name}"\nbase_url = "{url}"' for name, url in urls.items()]
        more = {
            "well": 'api_key_env = "WELL_KEY"\naccess_token_env = "WELL_TOKEN"\nuser_id_env = "WELL_USER"',
            "slow": 'api_key_env = "SLOW_KEY"\nconcurrency = 2\nfetch = "single"',
            "down": "",
        }
        text = "\n".join(f"{line}\n{more[name]}" for line, name in zip(lines, urls, strict=True))
        (tmp_path / "sources.toml").write_text(text)
        secrets = {"WELL_KEY": KEYS["well"], "SLOW_KEY": KEYS["slow"], "WELL_TOKEN": TOKEN, "WELL_USER": "7"}
        yield Site(CommandLine(tmp_path, secrets), worlds, apps)


def until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> float:
    """Seconds until it happened, while a command runs."""
    began = time.monotonic()
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    return time.monotonic() - began


def test_one_that_is_down_or_throttles_or_crashes_holds_up_none_of_the_others(site: Site) -> None:
    """What the healthy one has can be read while another is far from done; each ends by itself.

    That is killed here, like a process that took too much memory: it is named, and the exit code is the worst. A signal
    for the command ends all of them, and what they have is kept.
    """
    for name, world in site.worlds.items():
        site.drop(name, world.ids)
    site.drop("down", site.worlds["well"].ids[:5])
    with site.command.start("collect", "--inbox", "inbox", "--json") as process:
        until(lambda: site.of("well") <= site.published("tasks", "task_id"), process)
        until(lambda: {"well", "down"} <= {name for name, _ in site.published("runs", "run_id")}, process)
        until(lambda: site.apps["slow"].total_calls > 3, process)
        [slow] = [one for one in psutil.Process(process.pid).children() if "slow" in _arguments(one)]
        slow.kill()
        out, err = process.communicate(timeout=60)
    found = json.loads(out)
    codes = {name: one["exit_code"] for name, one in found["sources"].items()}
    assert (process.returncode, codes) == (1, {"well": 0, "slow": 1, "down": 5}), err
    assert found["problem"] == "1 of 3 sources are done; slow ended with 1, down ended with 5"
    assert "ended by signal 9" in found["sources"]["slow"]["problem"]
    assert (found["asked"], found["statuses"]) == (65, found["sources"]["well"]["statuses"])
    stands = facts(Settings(data_dir=site.folder / "data").paths)["sources"]
    assert {name: (stands[name]["tasks"], stands[name]["exit_code"]) for name in ("well", "down")} == {
        "well": (60, 0),
        "down": (0, 5),
    }
    calls = site.apps["slow"].total_calls
    with site.command.start("collect") as process:
        until(lambda: site.apps["slow"].total_calls > calls + 3, process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert not [one for one in psutil.process_iter() if _is_ours(one, site.folder)], "a process goes on"
    assert site.command("load").code == 0
    assert {"well", "slow"} == {name for name, _ in site.published("tasks", "task_id")}


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has just ended
        return []


def _is_ours(process: psutil.Process, folder: Path) -> bool:
    try:
        return bool(process.cwd() == str(folder))
    except psutil.Error:
        return False


def test_the_list_is_walked_of_those_that_have_a_token_and_ids_need_a_gateway() -> None:
    """What cannot be about several gateways is refused before anything is started."""
    url = "https://gateway.example"
    sources = [Source(name="well", base_url=url, access_token_env="TOKEN"), Source(name="slow", base_url=url)]
    options: dict[str, Any] = {"rate": 5.0, "prefect": False, "first_start": None}

    def arguments(request: CollectRequest, *, of: list[Source] = sources) -> list[list[str]]:
        children = Children(of, request, options, notify=lambda _source, _line: None)
        return [list(children._arguments(one)) for one in of]

    both = ["--rate=5.0", "--no-prefect"]
    assert arguments(CollectRequest(discover=True)) == [["--rate=5.0", "--discover", "--no-prefect"], both]
    assert arguments(CollectRequest(inbox="-in", load=False))[1] == ["--inbox=-in", "--rate=5.0", "--no-load", both[1]]
    with pytest.raises(UnusableInputError, match=r"ids: sources\.toml has several .*, which is one of well, slow"):
        arguments(CollectRequest(["an-id"]))
    with pytest.raises(UnusableInputError, match=r"--ids-file: sources\.toml has several gateways"):
        arguments(CollectRequest(ids_file="-"))
    with pytest.raises(UnusableInputError, match=r"--discover: no source of sources.toml has access_token_env"):
        arguments(CollectRequest(discover=True), of=sources[1:])


def test_everything_that_is_typed_reaches_each_of_them() -> None:
    """But for ids, which are refused, and what is about this process alone."""
    wanted: dict[str, Any] = {
        "inbox": "in", "ids_column": "id", "discover": True, "since": "1h", "action": "sing", "again": True,
        "where": "true", "follow": True, "deadline_seconds": 5.0, "drawn_from": "all", "refresh": False, "load": False,
    }  # fmt: skip
    own = {"ids", "ids_file", "ids_from", "share", "sources"}
    assert wanted.keys() | own == {one.name for one in fields(CollectRequest)}
    source = Source(name="well", base_url="https://gateway.example", access_token_env="TOKEN")
    children = Children([source], CollectRequest(**wanted), {}, notify=lambda _source, _line: None)
    given = collect.make_context("collect", list(children._arguments(source))).params
    assert {name: given[name] for name in wanted} == wanted


def test_files_of_an_inbox_that_are_in_no_gateways_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "of_whom.txt").write_text("an-id")
    (tmp_path / "well").mkdir()
    said: list[str] = []
    warn_of_strays(str(tmp_path), [Source(name="well", base_url="https://gateway.example")], said.append)
    warn_of_strays(str(tmp_path / "well"), [], said.append)
    [line] = said
    assert "of_whom.txt" in line
    assert f"not read: move them to {tmp_path / 'well'}" in line


def test_check_looks_at_each_gateway_in_the_words_of_its_table(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.folder)
    for name, value in (site.command.environment | {"SLOW_KEY": "another"}).items():
        monkeypatch.setenv(name, value)
    site.apps["slow"]._rate_limit = None
    found = check_everything({})
    state = {(one.area, one.name): one.state for one in found.findings}
    assert (state["gateway well", "single"], state["gateway slow", "API_KEY"]) == ("ok", "error")
    remedies = {one.area: str(one.remedy) for one in found.findings if one.state == "error"}
    assert "SLOW_KEY" in remedies["gateway slow"]
    assert "base_url in sources.toml" in remedies["gateway down"]
    assert (found.exit_code, found.as_dict()["sources"]["well"]["list"]) == (3, "new")
    assert not [one for one in found.findings if "names it" in one.text]
    alone = check_everything({"source": "well"})
    assert (alone.exit_code, list(alone.sources)) == (0, ["well"])


def test_check_shows_no_password_and_names_a_key_that_goes_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQL of `ids_from` may hold a password, and a key in the environment is sent to no gateway of the file."""
    monkeypatch.chdir(tmp_path)
    query = "select id from postgres_scan('host=db password=hunter2', 'public', 'tasks')"
    url = f"http://127.0.0.1:{closed_port()}"
    table = (
        f'[[source]]\nname = "eu"\nbase_url = "{url}"\nids_from = "{query}"\naccess_token_env = "AVATAR_TASKS_USER_ID"'
    )
    (tmp_path / "sources.toml").write_text(table)
    for name in ("API_KEY", "USER_ID", "ACCESS_TOKEN"):
        monkeypatch.setenv(f"AVATAR_TASKS_{name}", f"value-of-{name}")
    found = check_everything({})
    assert "hunter2" not in str(found.as_dict())
    assert "value-of" not in str(found.as_dict())
    unused = {one.name: str(one.remedy) for one in found.findings if "no source of sources.toml names it" in one.text}
    assert unused.keys() == {"API_KEY", "ACCESS_TOKEN"}
    assert 'api_key_env = "AVATAR_TASKS_API_KEY"' in unused["API_KEY"]


def test_what_is_wrong_with_one_of_them_is_said_in_the_words_of_its_table(site: Site) -> None:
    """The usual variable for the key would be of no use to it."""
    refused = site.command("collect", "--source", "well", site.worlds["well"].ids[0], WELL_KEY="another")
    assert (refused.code, "Check WELL_KEY: it is mistyped" in refused.err) == (3, True), refused.err
    without = site.command("collect", "--source", "slow", "--discover")
    assert (without.code, "set access_token_env in sources.toml" in without.err) == (2, True), without.err
    down = site.command("collect", "--source", "down", "an-id")
    assert (down.code, "Check that base_url in sources.toml is right" in down.err) == (5, True), down.err
