"""`FETCH`: many ids in one request where the gateway answers that, and one request each for all that it does not."""

# ruff: noqa: ANN401 - settings and arguments of any kind are passed through

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from pipeline import run as runs
from pipeline.collect.bulk.requests import Bulk
from pipeline.collect.client import make_client
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.evidence.answers import bodies
from pipeline.settings import Settings
from simulator import Account, ManualClock, SimulatedGateway, World, serve
from simulator.answers import Answer, dashboard, database_failed, missing, ok
from tests.avatar_tasks.test_main_job import assert_equal_to_truth, published
from tests.command_line import KEY
from tests.pipeline.tables import rows
from transforms.pages import BULK_QUERY
from transforms.schema import body_hash
from warehouse.archive import parquet
from warehouse.archive.segments import Archive
from warehouse.door import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.collect.summary import Summary
    from pipeline.run import Run

END = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
TASKS = 120


class Odd(Account):
    """An account whose answers to many ids are as `answers` says, where it says anything."""

    answers: Callable[[], Answer] | None = None

    def _bulk(self, *arguments: Any) -> Answer:
        return super()._bulk(*arguments) if self.answers is None else self.answers()


@dataclass
class Site:
    """A gateway with an account, and runs against it in this process."""

    folder: Path
    base_url: str
    app: SimulatedGateway
    account: Odd

    @property
    def posts(self) -> int:
        return self.account.calls["/suno/fetch"]

    def begin(self, **settings: Any) -> Run:
        given: dict[str, Any] = {"base_url": self.base_url, "api_key": SecretStr(KEY), "data_dir": self.folder / "data"}
        run = runs.begin(Settings(**(given | {"fetch": "bulk"} | settings)), "collect")
        begin_folder(run, scheduled=False)
        return run

    def bulk(self, ids: Sequence[str], **settings: Any) -> list[str]:
        """The ids that are left to single requests."""
        run = self.begin(**settings)

        async def main() -> list[str]:
            async with make_client(run) as client:
                return await Bulk(run, client).fetch(ids)

        return asyncio.run(main())

    def collect(self, *ids: str, load: bool = False, **settings: Any) -> Summary:
        run = self.begin(**settings)
        return asyncio.run(CollectRun(run, CollectRequest(ids or self.app.world.ids, load=load)).collect())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = World(seed=5, tasks=TASKS, start=END - timedelta(days=2), end=END, odd_share=0)
    account = Odd("token")
    app = SimulatedGateway(world, key=KEY, clock=ManualClock(world.all_terminal_at()), account=account)
    with ExitStack() as stack:
        yield Site(tmp_path, stack.enter_context(serve(app)), app, account)


def test_a_hundred_ids_are_answered_by_one_request(site: Site) -> None:
    """The tables are what single answers would make them, and no id is counted as discovered."""
    summary = site.collect(load=True)
    assert (summary.exit_code, summary.fetched, summary.unreachable) == (0, TASKS, 0), summary.problem
    assert_equal_to_truth(published(site.folder), site.app.world.truth(site.app.clock()))
    assert (site.posts, site.app.total_calls, summary.requests) == (2, 0, 2)
    [counts] = rows(published(site.folder), "id_accounting", ["accepted", "given", "discovered"])
    assert counts == {"accepted": TASKS, "given": TASKS, "discovered": 0}


def test_what_is_archived_is_what_came_and_evidence_finds_each_answer_in_it(site: Site) -> None:
    site.collect(*site.app.world.ids[:3], load=True)
    store = Archive(Settings(data_dir=site.folder / "data").paths.storage)
    [page] = parquet.read(*store.segments("list_pages")).to_dicts()
    assert page["query"] == BULK_QUERY + ",".join(page["query"].removeprefix(BULK_QUERY).split(","))
    assert page["body_hash"] == body_hash(page["body"])
    with connect(site.folder / "data") as con:
        wanted = con.sql("select source, task_id, body_hash, segment_id from observations").pl()
    found = list(bodies(store, wanted, []))
    assert {one[0] for one in found} == set(wanted["body_hash"])
    assert all(one[2].removeprefix(b'{"code":"success","message":"","data":')[:-1] in page["body"] for one in found)


def test_an_id_that_is_not_in_the_answer_gets_a_request_of_its_own(site: Site) -> None:
    """It is missing only if that says so."""
    site.account.bulk_gap_share = 0.2
    summary = site.collect(*site.app.world.ids, "0" * 32)
    assert (summary.outcomes, summary.exit_code) == ({"task": TASKS, "missing": 1}, 0)
    assert 10 < site.app.total_calls < TASKS / 2
    assert site.app.calls["0" * 32] == 1


REFUSED = b'{"error":{"message":"This token has no access to model suno","type":"new_api_error"}}'


def test_a_run_goes_on_with_single_requests_where_the_path_is_not_there(site: Site) -> None:
    site.app.account = None
    summary = site.collect()
    assert (summary.exit_code, summary.outcomes, site.app.total_calls) == (0, {"task": TASKS}, TASKS), summary.problem


@pytest.mark.parametrize(
    "bulk",
    [
        pytest.param(dashboard, id="no such path"),
        pytest.param(lambda: Answer(403, REFUSED), id="the key is limited to some models"),
        pytest.param(lambda: Answer(401, REFUSED), id="it wants another key"),
        pytest.param(database_failed, id="it always fails", marks=pytest.mark.soak),
        pytest.param(missing, id="it takes the ids for one id"),
        pytest.param(lambda: ok(b'{"code":"success","message":"","data":null}'), id="it knows none"),
        pytest.param(lambda: ok(b'{"code":"success","data":[{"task_id":"other","status":"SUCCESS"}]}'), id="others"),
        pytest.param(lambda: ok(b'{"code":"success","data":[{"ta'), id="cut short"),
    ],
)
def test_every_id_is_left_to_single_requests(
    site: Site, bulk: Callable[[], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few requests in vain, of which the run warns."""
    monkeypatch.setattr(Odd, "answers", staticmethod(bulk))
    monkeypatch.setattr("pipeline.collect.bulk.requests.MOST_IDS", 20)
    assert site.bulk(site.app.world.ids) == site.app.world.ids
    assert site.posts <= 12  # three of six, each with its retries


def test_after_an_answer_that_was_too_large_fewer_ids_are_requested_at_once(site: Site) -> None:
    """Its own ids are left to single requests."""
    left = site.bulk(site.app.world.ids, max_body_bytes=131_072)
    assert (left, site.posts) == (site.app.world.ids[:100], 2)


@pytest.mark.parametrize(
    ("fetch", "ids", "posts"), [("auto", 10, 0), ("auto", 40, 2), ("bulk", 10, 1), ("bulk", 1, 0), ("single", 40, 0)]
)
def test_the_setting_says_whether_to_try(site: Site, fetch: str, ids: int, posts: int) -> None:
    left = site.bulk(site.app.world.ids[:ids], fetch=fetch)
    assert (site.posts, len(left)) == (posts, 0 if posts else ids)
