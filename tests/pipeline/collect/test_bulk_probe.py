"""`FETCH=auto`, the default: many ids at once only where such answers were seen to say the same as single ones."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from gateway.clock import Clock
from pipeline import run as runs
from pipeline.collect.bulk.comparison import bulk_task, compare, single_task
from pipeline.collect.bulk.memory import BulkMemory, Remembered
from pipeline.collect.bulk.probe import _sample
from pipeline.collect.bulk.requests import Bulk
from pipeline.collect.client import make_client
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.settings import Settings
from simulator import Account, ManualClock, RateLimit, SimulatedGateway, World, serve
from simulator.account import BULK, BULK_KINDS, BulkKind
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.collect.summary import Summary
    from pipeline.run import Run

END = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
TASKS = 60


@dataclass
class Site:
    """A gateway that offers many ids at once in some way, and runs with the default settings against it."""

    folder: Path
    base_url: str
    app: SimulatedGateway
    account: Account
    later: timedelta = timedelta(0)
    said: list[str] = field(default_factory=list)

    @property
    def posts(self) -> int:
        return self.account.calls[BULK]

    def begin(self) -> Run:
        settings = Settings(base_url=self.base_url, api_key=SecretStr(KEY), data_dir=self.folder / "data")
        clock = Clock(now=lambda: datetime.now(UTC) + self.later)
        run = runs.begin(settings, "collect", clock=clock, reporter=runs.Reporter(self.said.append))
        begin_folder(run, scheduled=False)
        return run

    def left(self) -> int:
        """Request all tasks; how many are left to single requests."""

        async def main() -> int:
            run = self.begin()
            async with make_client(run) as client:
                return len(await Bulk(run, client).fetch(self.app.world.ids))

        return asyncio.run(main())

    def collect(self) -> Summary:
        """A whole run for all tasks, whatever is known of them."""
        request = CollectRequest(self.app.world.ids, refresh=False, again=True)
        return asyncio.run(CollectRun(self.begin(), request).collect())

    def remembered(self) -> str | None:
        path = self.folder / "data" / ".gateways" / "default.json"
        return str(json.loads(path.read_text())["bulk"]) if path.exists() else None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = World(seed=5, tasks=TASKS, start=END - timedelta(days=2), end=END, odd_share=0)
    account = Account("token")
    app = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()), account=account)
    with ExitStack() as stack:
        yield Site(tmp_path, stack.enter_context(serve(app)), app, account)


@pytest.mark.parametrize(
    ("kind", "state", "posts", "left"),
    [
        ("tasks", "equal", 2, 0),
        ("rows", "equal", 2, 0),
        ("stale", "other", 2, TASKS - 3),
        ("text", "other", 2, TASKS - 3),
        ("unknown", "absent", 1, TASKS - 3),
        ("refused", "absent", 1, TASKS),
        ("absent", "absent", 1, TASKS),
    ],
)
def test_it_is_relied_on_where_three_tasks_are_the_same(
    site: Site, kind: BulkKind, state: str, posts: int, left: int
) -> None:
    """And a second run pays for nothing that the first has found out."""
    site.account.bulk = kind
    assert (site.left(), site.remembered(), site.posts) == (left, state, posts)
    assert site.left() == (0 if state == "equal" else TASKS)
    assert site.posts == posts + (state == "equal")
    assert len([line for line in site.said if "many ids" in line]) == (state != "absent")


def test_every_kind_that_the_simulator_plays_is_tried() -> None:
    [mark] = test_it_is_relied_on_where_three_tasks_are_the_same.pytestmark  # type: ignore[attr-defined]
    assert {one[0] for one in mark.args[1]} == set(BULK_KINDS)


def test_where_it_lies_the_tables_are_the_worlds_truth(site: Site) -> None:
    """Nothing of what it said is loaded, although it is in the archive."""
    site.account.bulk = "stale"
    summary = site.collect()
    assert (summary.exit_code, summary.outcomes, summary.requests) == (0, {"task": TASKS}, TASKS + 2), summary.problem
    assert_equal_to_truth(published(site.folder), site.app.world.truth(site.app.clock()))
    pages = rows(published(site.folder), "list_pages", ["query", "items"])
    assert {(page["query"].partition("=")[0], page["items"]) for page in pages} == {("probe", 3), ("probe", 20)}


def test_with_gaps_the_ids_that_are_left_out_get_a_request_of_their_own(site: Site) -> None:
    site.account.bulk_gap_share = 0.3
    summary = site.collect()
    assert (summary.outcomes, site.remembered()) == ({"task": TASKS}, "equal")
    assert 8 < site.app.total_calls < TASKS / 2
    assert_equal_to_truth(published(site.folder), site.app.world.truth(site.app.clock()))


def test_tasks_of_several_statuses_are_compared() -> None:
    """An answer may be right about ended tasks and late about all others."""
    words = ["SUCCESS", "SUCCESS", "SUCCESS", "IN_PROGRESS", "SUCCESS", "FAILURE"]
    tasks = {str(number): {"status": word} for number, word in enumerate(words)}
    assert _sample(tasks) == ["0", "3", "5"]
    assert _sample({"0": tasks["0"], "1": tasks["1"]}) == ["0", "1"]


def test_the_limit_of_a_gateway_counts_for_many_ids_at_once_too(site: Site) -> None:
    """What is refused is sent again, and nothing is concluded from it."""
    site.app._rate_limit = RateLimit(per_second=20, burst=1)
    assert (site.left(), site.remembered()) == (0, "equal")
    assert 429 in site.app.statuses


def test_what_was_seen_is_looked_at_again_after_a_while(site: Site) -> None:
    """A gateway without it costs one request in a day; one that began to answer otherwise is not relied on for long."""
    site.account.bulk = "absent"
    for hours, posts in ((0, 1), (23, 1), (25, 2)):
        site.later = timedelta(hours=hours)
        site.left()
        assert site.posts == posts
    site.account.bulk, site.later = "tasks", timedelta(hours=50)
    assert (site.left(), site.remembered()) == (0, "equal")
    site.account.bulk, site.later = "stale", timedelta(hours=57)
    assert (site.left(), site.remembered()) == (TASKS - 3, "other")


def test_of_another_version_it_is_looked_at_again_with_the_next_run(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.left()
    monkeypatch.setattr("simulator.app.VERSION", b"v2.0.0-sim")
    assert (site.left(), site.remembered()) == (0, None)
    assert (site.left(), site.remembered()) == (0, "equal")


def test_where_it_is_offered_no_more_a_run_goes_on_without_it(site: Site) -> None:
    """And remembers that."""
    site.account.bulk = "refused"
    BulkMemory(site.begin()).write(Remembered("equal", "v1.0.0-sim"))
    assert (site.left(), site.remembered(), site.posts) == (TASKS, "absent", 1)
    assert "HTTP 403" in site.said[-1]


def test_what_was_seen_of_another_address_or_path_counts_for_nothing(site: Site) -> None:
    site.left()
    others: dict[str, dict[str, Any]] = {
        "same": {},
        "address": {"base_url": "https://gateway.example"},
        "path": {"task_path": "/suno/fetch/{id}"},
        "source": {"source": "eu"},
    }
    common: dict[str, Any] = {"base_url": site.base_url, "data_dir": site.folder / "data"}
    memory = {
        name: BulkMemory(runs.begin(Settings(**(common | settings)), "test")).read()
        for name, settings in others.items()
    }
    assert memory == {"same": Remembered("equal", "v1.0.0-sim"), "address": None, "path": None, "source": None}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"bulk": "equal"}', b"\xff", b'{"at": 7, "bulk": []}'])
def test_a_damaged_memory_is_as_if_nothing_had_been_seen(site: Site, damage: bytes) -> None:
    run = runs.begin(Settings(data_dir=site.folder / "data"), "test")
    memory = BulkMemory(run)
    memory.write(Remembered("equal"))
    (run.paths.gateways / "default.json").write_bytes(damage)
    assert memory.read() is None


@pytest.mark.parametrize("version", ["[]", '{"a": 1}', "7", "[" * 100_000])
def test_a_memory_with_a_version_that_is_none_ends_no_run(site: Site, version: str) -> None:
    """Somebody, or another program, has edited it: the gateway is looked at again."""
    assert (site.left(), site.remembered()) == (0, "equal")
    path = site.folder / "data" / ".gateways" / "default.json"
    path.write_text(path.read_text().replace('"v1.0.0-sim"', version))
    assert BulkMemory(site.begin()).read() is None
    assert (site.left(), site.remembered()) == (0, "equal")


ENDED: dict[str, Any] = {"task_id": "a", "status": "SUCCESS", "data": {"url": "https://x.example/v.mp4?sign=1"}}


@pytest.mark.parametrize(
    ("single", "before", "after", "verdict"),
    [
        pytest.param(ENDED, ENDED, None, "same", id="the same"),
        pytest.param(ENDED, ENDED | {"user_id": 7}, None, "same", id="more fields"),
        pytest.param(
            ENDED, ENDED | {"data": {"url": "https://x.example/v.mp4?sign=2"}}, None, "same", id="signed again"
        ),
        pytest.param(ENDED | {"quota": 1}, ENDED, ENDED, "other", id="fewer fields"),
        pytest.param(ENDED, {"status": "QUEUED"}, {"status": "QUEUED"}, "other", id="late"),
        pytest.param(ENDED, {"status": "QUEUED"}, ENDED, "same", id="it ended meanwhile"),
        pytest.param(ENDED, {"progress": "1%"}, {"progress": "2%"}, "unclear", id="it moves on"),
        pytest.param(ENDED, {"status": "QUEUED"}, None, "unclear", id="a gap the second time"),
        pytest.param({}, ENDED, ENDED, "other", id="the key does not see it"),
        pytest.param(None, ENDED, ENDED, "unclear", id="the single request failed"),
    ],
)
def test_two_answers_about_a_task_are_compared(
    single: dict[str, Any] | None, before: dict[str, Any], after: dict[str, Any] | None, verdict: str
) -> None:
    assert compare(single, before, after) == verdict


@pytest.mark.parametrize(
    ("status", "body", "task"),
    [
        (200, b'{"code":"success","data":{"task_id":"a"}}', {"task_id": "a"}),
        (200, b'{"code":"success","data":null}', {}),
        (400, b'{"code":"task_not_exist"}', {}),
        (200, b"<html>", None),
        (500, b'{"code":"get_task_failed"}', None),
        (None, None, None),
        (200, b"[" * 100_000, None),
    ],
)
def test_a_task_is_found_in_a_single_answer(
    status: int | None, body: bytes | None, task: dict[str, Any] | None
) -> None:
    assert single_task(status, body) == task
    assert bulk_task(b"7") == {}
