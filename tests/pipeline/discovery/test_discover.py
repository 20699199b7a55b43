"""`collect --discover`: with no ids at all, the tables are what the gateway knows."""

from __future__ import annotations

import asyncio
import json
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.run import Sizes
from pipeline.settings import validated
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published, wait_until
from tests.command_line import KEY, CommandLine
from tests.gateway.servers import Reply, Request, answer, serving
from tests.pipeline.discovery.lists import TOKEN, USER, Listed, listed, plain_world
from tests.pipeline.tables import ordered, rows
from warehouse.ducklake.sessions import open_lake

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.account import Paging
    from warehouse.ducklake.lake import Lake

pytestmark = pytest.mark.e2e


def test_killed_while_it_walks_it_goes_on_from_what_was_seen_whole(tmp_path: Path) -> None:
    """Killed with -9 at several pages; then nothing is missing, no row is there twice, and no window is left out."""
    with listed(tmp_path, plain_world(350), paging="old") as site:
        for pages in (3, 30):
            limit = len(site.account.pages) + pages
            with site.command.start("collect", "--discover", AVATAR_TASKS_RATE="60") as process:
                wait_until(partial(_has_served, site, limit))
                process.send_signal(signal.SIGKILL)
        before = len(site.account.pages)
        result = site.command("collect", "--discover", "--json")
        assert (result.code, result.json["discovered"]["windows_open"]) == (0, 0), result.err
        assert_equal_to_truth(published(tmp_path), site.world.truth(site.clock()))
        assert len(site.account.pages) - before < 35  # it did not begin at the beginning
        site.command("rebuild")
        assert_equal_to_truth(published(tmp_path), site.world.truth(site.clock()))


def _has_served(site: Listed, pages: int) -> bool:
    return len(site.account.pages) >= pages


def test_without_any_ids_the_tables_are_what_the_gateway_knows(tmp_path: Path) -> None:
    """A task that has ended needs no request of its own."""
    with listed(tmp_path, plain_world(150)) as site:
        result = site.command("collect", "--discover", "--json")
        assert (result.code, result.json["discovered"]["tasks"], result.json["requests"]) == (0, 150, 0), result.err
        assert_equal_to_truth(published(tmp_path), site.world.truth(site.clock()))
    [account] = rows(published(tmp_path), "id_accounting", ["accepted", "ended", "given", "discovered"])
    assert account == {"accepted": 150, "ended": 150, "given": 0, "discovered": 150}


@pytest.mark.soak
def test_on_a_lake_the_tables_are_what_the_gateway_knows(tmp_path: Path, lake: Lake) -> None:
    """Twice: the second walk skips what the first has seen completely, and no row is there twice."""
    place = {"AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:{lake.catalog}", "AVATAR_TASKS_LAKE_DATA": lake.data}
    with listed(tmp_path, plain_world(150)) as site:
        first = site.command("collect", "--discover", "--json", **place)
        assert (first.code, first.json["discovered"]["tasks"], first.json["requests"]) == (0, 150, 0), first.err
        second = site.command("collect", "--discover", "--json", **place)
        assert (second.code, second.json["discovered"]["pages"] <= 4) == (0, True), second.json["discovered"]
        truth = site.world.truth(site.clock())
    with open_lake(lake) as con:
        for table, expected in (("tasks", truth.tasks), ("works", truth.works)):
            found = con.table(table).order("task_id").pl().select(expected[0].keys()).to_dicts()
            assert found == ordered(expected, ("task_id",)), table


def test_pages_are_loaded_before_the_last_has_come(tmp_path: Path) -> None:
    """In another process, while the list is walked: what that has loaded is not left to the end."""
    loaded_at: list[tuple[int, int]] = []
    with listed(tmp_path, plain_world(200), paging="old") as site:
        given = site.command.environment
        values = {name.removeprefix("AVATAR_TASKS_").lower(): text for name, text in given.items()}
        settings = validated({**values, "data_dir": tmp_path / "data", "rate": 30})
        run = runs.begin(settings, "collect", sizes=Sizes(load_answers=300))
        begin_folder(run, scheduled=False)
        collecting = CollectRun(run, CollectRequest(discover=True))
        load = collecting.destination.while_polling

        def counted() -> int:
            pages = len(site.account.pages)
            answers = load()
            loaded_at.append((pages, collecting.destination.loaded.segments))
            return answers

        collecting.destination.while_polling = counted  # type: ignore[method-assign]
        assert asyncio.run(collecting.collect()).exit_code == 0
        assert_equal_to_truth(published(tmp_path), site.world.truth(site.clock()))
        [(pages, segments), *_] = loaded_at
        assert 0 < pages < len(site.account.pages)
        assert segments > 0


@pytest.mark.parametrize(
    ("paging", "token", "code", "words"),
    [
        pytest.param("old", "another", 3, "AVATAR_TASKS_ACCESS_TOKEN", id="refused with 200"),
        pytest.param("new", "another", 3, "AVATAR_TASKS_ACCESS_TOKEN", id="refused with 401"),
        pytest.param(None, TOKEN, 2, "no list of tasks", id="no list"),
        pytest.param("new", "", 2, "set AVATAR_TASKS_ACCESS_TOKEN", id="no token"),
    ],
)
def test_what_keeps_from_walking_the_list_is_named(
    tmp_path: Path, paging: Paging | None, token: str, code: int, words: str
) -> None:
    """And does not keep from polling ids that were given, where there is a token at all."""
    with listed(tmp_path, plain_world(30), paging=paging or "new") as site:
        site.app.account = site.account if paging else None
        ids = site.world.ids[:3]
        result = site.command("collect", "--discover", *ids, "--json", AVATAR_TASKS_ACCESS_TOKEN=token)
        assert (result.code, words in result.err) == (code, True), result.err
        assert len(site.app.calls) == (3 if token else 0)


def test_the_key_never_goes_to_the_list_nor_the_token_anywhere_else_and_neither_is_kept(tmp_path: Path) -> None:
    """Although the gateway repeats the token in every page."""
    seen: list[tuple[str, str, str | None]] = []

    def echoing(request: Request) -> Reply:
        path = request.line.split(" ")[1].partition("?")[0]
        seen.append((path, request.headers["authorization"], request.headers.get("new-api-user")))
        if path != "/api/task/self":
            return answer(400, b'{"code":"task_not_exist","message":"task_not_exist","data":null}')
        said = {"success": False, "message": f"{TOKEN} is no token of user {USER}", "data": None}
        return answer(200, json.dumps(said).encode(), X_Oneapi_Request_Id=TOKEN)

    with serving(echoing) as server:
        environment = {
            "AVATAR_TASKS_BASE_URL": server.url,
            "AVATAR_TASKS_API_KEY": KEY,
            "AVATAR_TASKS_ACCESS_TOKEN": TOKEN,
            "AVATAR_TASKS_USER_ID": USER,
        }
        result = CommandLine(tmp_path, environment)("collect", "--discover", "some-id", TOKEN, "--json")
    assert {one for one in seen if one[0] == "/api/task/self"} == {("/api/task/self", TOKEN, USER)}
    assert {one for one in seen if one[0] != "/api/task/self"} == {("/avatar/task/some-id", f"Bearer {KEY}", None)}
    assert result.code == 3
    assert TOKEN not in result.out + result.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    pages = rows(published(tmp_path), "list_pages", ["message", "request_id"])
    assert {str(page) for page in pages} == {str({"message": f"*** is no token of user {USER}", "request_id": "***"})}
