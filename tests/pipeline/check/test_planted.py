"""`check` finds what keeps a run from working, or will surprise, and says what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
from pydantic import SecretStr

from avatar_tasks.commands.check import check_prefect
from pipeline import run as runs
from pipeline.check.all_checks import check_everything
from pipeline.check.folder import _place
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.settings import Settings
from simulator import Account, ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY
from tests.gateway.servers import Reply, Request, answer, closed_port, serving
from tests.pipeline.discovery.lists import TOKEN, USER
from warehouse.database.locks import sole_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.check.finding import Checked, State

ENV: Final = "AVATAR_TASKS_"
MISSING: Final = b'{"code":"task_not_exist","message":"task_not_exist","data":null}'


@dataclass(frozen=True)
class Site:
    """A gateway that is in order, and a folder in which some of its tasks were collected."""

    base_url: str
    app: SimulatedGateway
    folder: Path


@dataclass(frozen=True)
class Planted:
    """A misconfiguration, and what `check` is to say about it.

    Attributes:
        finding: the name of the finding that is about it.
        words: in its text or its remedy: what to do.
        exit_code: what `check` ends with.
        environment: settings that differ from those in order; '' is not set.
        prepare: what is done to the working folder, which `data` is in.
        reply: what answers in place of the gateway.
        state: of the finding.
        also: the name of another error that it causes.
    """

    finding: str
    words: str
    exit_code: int = 2
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], object] = lambda _folder: None
    reply: Callable[[Request], Reply] | None = None
    state: State = "error"
    also: str = ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    world = World(seed=5, tasks=4, start=end - timedelta(days=2), end=end, odd_share=0)
    folder = tmp_path_factory.mktemp("in_order")
    app = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()), account=Account(TOKEN, USER))
    with serve(app) as base_url:
        run = runs.begin(Settings(base_url=base_url, api_key=SecretStr(KEY), data_dir=folder / "data"), "collect")
        begin_folder(run, scheduled=False)
        asyncio.run(CollectRun(run, CollectRequest(world.ids[:3])).collect())
        yield Site(base_url, app, folder)


@pytest.fixture
def checked(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Planted], Checked]:
    """What `check` finds where one thing is planted; `.env` and `data` are in the working folder."""
    shutil.copytree(site.folder, tmp_path, dirs_exist_ok=True)
    for name in os.environ:
        if name.startswith((ENV, "PREFECT_", "SSL_CERT")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def check(planted: Planted) -> Checked:
        planted.prepare(tmp_path)
        with contextlib.ExitStack() as stack:
            url = site.base_url if planted.reply is None else stack.enter_context(serving(planted.reply)).url
            in_order = {"BASE_URL": url, "API_KEY": KEY, "ACCESS_TOKEN": TOKEN, "USER_ID": USER}
            for name, value in (in_order | planted.environment).items():
                monkeypatch.setenv(
                    name if name.startswith("PREFECT") else ENV + name,
                    value.replace("URL", url).replace("TLS", url.replace("http:", "https:")),
                )
            return check_everything({}, check_prefect)

    return check


def _gateway(date: datetime | None = None, **paths: Reply) -> Callable[[Request], Reply]:
    """A server that knows no task, and answers other paths as said (by the last part of the path)."""

    def reply(request: Request) -> Reply:
        last = request.line.split(" ")[1].partition("?")[0].rpartition("/")[2]
        headers = {"Date": format_datetime(date, usegmt=True)} if date else {}
        return paths.get(last) or answer(400, MISSING, content_type="application/json", **headers)

    return reply


def _page(_request: Request) -> Reply:
    return answer(200, b"<html><title>Console</title></html>", content_type="text/html")


def _env(text: str, encoding: str = "utf-8", mode: int = 0o600) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / ".env").write_text(text, encoding=encoding)
        (folder / ".env").chmod(mode)

    return write


def _without_archive(folder: Path) -> None:
    shutil.rmtree(folder / "data" / "archive")


def _without_answers(folder: Path) -> None:
    shutil.rmtree(folder / "data" / "archive" / "observations")


def _without_tables(folder: Path) -> None:
    shutil.rmtree(folder / "data" / "published")
    (folder / "data" / "warehouse.duckdb").unlink()


def _of_a_demo(folder: Path) -> None:
    mark = folder / "data" / "archive" / ".avatar-tasks.json"
    mark.write_text(mark.read_text().replace('"real"', '"demo"'))


def _unreadable_mark(folder: Path) -> None:
    (folder / "data" / "archive" / ".avatar-tasks.json").write_text("{")


def _with_more_answers(folder: Path) -> None:
    [segment, *_] = (folder / "data" / "archive" / "requests").rglob("*.parquet")
    shutil.copy(segment, segment.with_name("20990101T000000-0123456789ab-000000.parquet"))


def _file_as_folder(folder: Path) -> None:
    (folder / "file").write_text("")


PLANTED: Final = {
    "a misspelt setting": Planted("settings", "did you mean AVATAR_TASKS_CONCURRENCY", 2, {"CONCURENCY": "4"}),
    "a value out of range": Planted("settings", "AVATAR_TASKS_CONCURRENCY cannot be used", 2, {"CONCURRENCY": "0"}),
    "the key in another setting": Planted(
        "settings", "put keys only into AVATAR_TASKS_API_KEY", 2, {"SOURCE": f"sk-{'a1' * 20}"}
    ),
    "a .env in UTF-16": Planted("settings", "Save it as UTF-8", 2, prepare=_env("A=b", "utf-16")),
    "a secret that others may read": Planted(
        ".env", "chmod 600", 0, prepare=_env(f"{ENV}API_KEY={KEY}", mode=0o644), state="warning"
    ),
    "another value in .env than in the environment": Planted(
        "RATE", f"unset {ENV}RATE", 0, {"RATE": "5"}, _env(f"{ENV}RATE=7"), state="warning"
    ),
    "no gateway": Planted("BASE_URL", "export AVATAR_TASKS_BASE_URL", 2, {"BASE_URL": ""}),
    "the task's path in the address": Planted("BASE_URL", "leave it out", 2, {"BASE_URL": "URL/avatar/task/"}),
    "a path without the id": Planted("settings", "such as /avatar/task/{id}", 2, {"TASK_PATH": "/v1/videos/"}),
    "a path that the gateway does not have": Planted(
        "single", "AVATAR_TASKS_TASK_PATH", 2, {"TASK_PATH": "/v1/videos/{id}"}
    ),
    "nobody listens there": Planted(
        "address", "Check host and port", 5, {"BASE_URL": f"http://127.0.0.1:{closed_port()}"}
    ),
    "https for http": Planted("address", "has to begin with http:// or https://", 5, {"BASE_URL": "TLS"}),
    "a dashboard answers": Planted("single", "Compare scheme, host, port and path", 2, reply=_page),
    "no time for an answer": Planted(
        "address", "Raise AVATAR_TASKS_TIMEOUT", 5, {"TIMEOUT": "0.05"}, reply=lambda _: Reply(b"", "hang", 1)
    ),
    "it redirects": Planted(
        "single",
        "not followed, to https://new.example/avatar",
        2,
        reply=lambda _: answer(301, b"", Location="https://new.example/avatar"),
    ),
    "it refuses every request": Planted("single", "set AVATAR_TASKS_RATE", 5, reply=lambda _: answer(429, b"")),
    "its database is down": Planted(
        "single",
        "Run again later",
        5,
        reply=lambda _: answer(500, MISSING.replace(b"task_not_exist", b"get_task_failed")),
    ),
    "no key": Planted("API_KEY", "Set AVATAR_TASKS_API_KEY", 3, {"API_KEY": ""}, state="warning", also="API_KEY"),
    "a wrong key": Planted("API_KEY", "mistyped, expired, or the key of another gateway", 3, {"API_KEY": "sk-wrong"}),
    "a key with a line break": Planted("API_KEY", "Copy it again", 2, {"API_KEY": "two\nlines"}),
    "a user's number with a line break": Planted("ACCESS_TOKEN", "AVATAR_TASKS_USER_ID has a", 2, {"USER_ID": "7\n8"}),
    "another account's key": Planted(
        "single",
        "belongs to the account of these tasks",
        0,
        {"ACCESS_TOKEN": "", "USER_ID": ""},
        reply=_gateway(),
        state="warning",
    ),
    "a wrong token": Planted("list", "Check AVATAR_TASKS_ACCESS_TOKEN", 3, {"ACCESS_TOKEN": "wrong"}),
    "a token without the user": Planted(
        "USER_ID", "Set AVATAR_TASKS_USER_ID", 3, {"USER_ID": ""}, state="warning", also="list"
    ),
    "a token where there is no list": Planted(
        "list",
        "Give ids instead",
        2,
        reply=_gateway(self=answer(404, b'{"error":{"message":"Invalid URL (GET /api)"}}')),
    ),
    "many ids at once where that is not offered": Planted(
        "bulk",
        "Set AVATAR_TASKS_FETCH",
        0,
        {"FETCH": "bulk", "ACCESS_TOKEN": "", "USER_ID": ""},
        reply=_gateway(),
        state="warning",
    ),
    "a clock two hours behind": Planted(
        "clock",
        "timedatectl",
        0,
        {"ACCESS_TOKEN": "", "USER_ID": ""},
        reply=_gateway(datetime.now(UTC) + timedelta(hours=2)),
        state="warning",
    ),
    "a file in place of the folder": Planted("DATA_DIR", "to a folder", 2, {"DATA_DIR": "file"}, _file_as_folder),
    "an archive that is not mounted": Planted("archive", "Mount it", prepare=_without_archive),
    "an archive that lost answers": Planted("archive", "rebuild --accept-loss", prepare=_without_answers),
    "a mark that cannot be read": Planted("archive", "restore it from a backup", prepare=_unreadable_mark),
    "the folder of a demo": Planted("archive", "a folder for real work", 0, prepare=_of_a_demo, state="warning"),
    "answers that are not loaded": Planted(
        "archive", "avatar-tasks load", 0, prepare=_with_more_answers, state="warning"
    ),
    "nothing published": Planted("WAREHOUSE", "avatar-tasks load", prepare=_without_tables),
    "decisions that cannot be read": Planted(
        "analysis.toml",
        "analysis.toml",
        prepare=lambda folder: (folder / "data" / "analysis.toml").write_text("[pricing"),
    ),
    "a lake that is down": Planted(
        "WAREHOUSE", "lake", 2, {"WAREHOUSE": f"ducklake:postgres:host=127.0.0.1 port={closed_port()} dbname=lake"}
    ),
    "Prefect is down": Planted(
        "server", "prefect server start", 5, {"PREFECT_API_URL": f"http://127.0.0.1:{closed_port()}/api"}
    ),
    "a block without a server": Planted("block", "PREFECT_API_URL", 2, {"API_KEY": "", "API_KEY_BLOCK": "gateway-key"}),
}


@pytest.mark.parametrize("planted", [pytest.param(one, id=name) for name, one in PLANTED.items()])
def test_what_is_wrong_is_found_and_the_remedy_named(planted: Planted, checked: Callable[[Planted], Checked]) -> None:
    """Each by itself; nothing but what was planted is an error, and no secret is in what is said."""
    found = checked(planted)
    said = [(one.name, one.state, planted.words in f"{one.text} {one.remedy}") for one in found.findings]
    assert (planted.finding, planted.state, True) in said, found.as_dict()
    errors = {one.name for one in found.findings if one.state == "error"}
    assert errors <= {planted.finding, planted.also}, found.as_dict()
    assert found.exit_code == planted.exit_code
    assert KEY not in str(found.as_dict())
    assert TOKEN not in str(found.as_dict())


def test_where_everything_is_in_order_nothing_is_said_to_be_wrong(
    checked: Callable[[Planted], Checked], site: Site
) -> None:
    """And what the gateway offers is known by four requests, one of each sort, none of which changed anything."""
    before = (site.app.total_calls, site.app.account.calls.copy() if site.app.account else None)
    found = checked(Planted("", ""))
    assert [one for one in found.findings if one.state in {"warning", "error"}] == []
    assert found.exit_code == 0
    assert found.offers == {
        "single": True,
        "bulk": True,
        "list": "new",
        "status": {"version": "v1.0.0-sim", "quota_per_unit": 500_000},
        "rate_limit_headers": None,
    }
    assert before[1] is not None
    assert site.app.account is not None
    assert site.app.total_calls - before[0] == 1
    assert (site.app.account.calls - before[1]).total() == 3
    origins = {one.name: (one.value, one.origin) for one in found.settings}
    assert origins["api_key"] == ("***", "environment")
    assert origins["rate"] == ("none", "default")


def test_a_locked_warehouse_is_named_with_its_process(checked: Callable[[Planted], Checked]) -> None:
    """Collecting goes on, so that it is no error."""
    with sole_writer(Path("data/warehouse.duckdb").absolute(), 0):
        found = checked(Planted("", ""))
    [lock] = [one for one in found.findings if one.name == "lock"]
    assert (lock.state, found.exit_code) == ("warning", 0)
    assert f"process {os.getpid()}" in lock.text
    assert "Wait until it has finished" in str(lock.remedy)


def test_limits_that_the_gateway_states_are_shown(checked: Callable[[Planted], Checked]) -> None:
    """Whatever the gateway, such headers have these names."""
    reply = answer(400, MISSING, X_RateLimit_Limit="180", X_RateLimit_Remaining="3", content_type="application/json")
    found = checked(dataclasses.replace(PLANTED["another account's key"], reply=lambda _request: reply))
    assert found.offers["rate_limit_headers"] == {"x-ratelimit-limit": "180", "x-ratelimit-remaining": "3"}


def test_an_answer_to_many_ids_that_says_something_else_is_not_offered(
    checked: Callable[[Planted], Checked], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Than the task's own answer does: `collect` would not rely on it, either."""
    assert site.app.account is not None
    monkeypatch.setattr(site.app.account, "bulk", "stale")
    found = checked(Planted("", "", environment={"FETCH": "bulk"}))
    [bulk] = [one for one in found.findings if one.name == "bulk"]
    assert (bulk.state, found.offers["bulk"], found.exit_code) == ("warning", False, 0)
    assert "differs from the answer for the single task" in bulk.text


def test_a_file_system_that_is_mounted_read_only_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For chmod does not help there; nothing is said of a user who may write."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    found = _place(tmp_path)
    assert (found.state, "read-only" in found.text, "remount" in str(found.remedy)) == ("error", True, True)
