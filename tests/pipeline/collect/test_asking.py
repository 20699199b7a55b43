"""What has come is loaded while the rest is on its way."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from pipeline import run as runs
from pipeline.collect import destination as destinations
from pipeline.collect.batches import fetch_batch
from pipeline.collect.client import make_client
from pipeline.collect.collect import CollectRun
from pipeline.collect.destination import destination_of
from pipeline.collect.fetch import Fetcher, Tally
from pipeline.collect.request import CollectRequest
from pipeline.run import Sizes
from pipeline.settings import Settings
from tests.command_line import KEY
from warehouse.database.locks import sole_writer
from warehouse.database.writer import open_writer

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.client import GatewayClient
    from pipeline.collect.destination import Destination
    from pipeline.run import Run
    from tests.command_line import Gateway

PATIENCE_SECONDS = 30.0
IDS_IN_A_BATCH = 100


@pytest.fixture
def run(tmp_path: Path, gateway: Gateway) -> Run:
    """A run whose batches and loads are small."""
    settings = Settings(base_url=gateway.base_url, api_key=SecretStr(KEY), data_dir=tmp_path / "data")
    return runs.begin(settings, "collect", sizes=Sizes(batch_ids=IDS_IN_A_BATCH, load_answers=IDS_IN_A_BATCH))


def todo(ids: list[str]) -> IO[bytes]:
    planned = BytesIO()
    pq.write_table(pa.table({"task_id": ids, "has_failed": [False] * len(ids)}), planned)
    return planned


async def fetch(run: Run, ids: list[str], *, wait_for_load: bool = False) -> tuple[Tally, Destination]:
    """Fetch in batches, of which all but the first, if so wished, wait until something has been loaded."""
    tally, destination, batches = Tally(planned=len(ids)), destination_of(run, load=True), 0

    async def run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
        nonlocal batches
        batches += 1
        if wait_for_load and batches > 1:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not destination.loaded.segments:  # noqa: ASYNC110 - a number has no event
                    await asyncio.sleep(0.02)
        return await fetch_batch(run, client, ids)

    async with make_client(run) as client:
        await Fetcher(run, client, destination, tally, run_batch).fetch(todo(ids))
    return tally, destination


def test_answers_are_loaded_before_the_last_has_come(run: Run, gateway: Gateway) -> None:
    """The later batches wait for a load of the first: it does not wait for them."""
    tally, destination = asyncio.run(fetch(run, gateway.world.ids, wait_for_load=True))
    assert tally.answered == len(gateway.world.ids)
    assert destination.loaded.segments


def test_few_ids_start_no_second_process(run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are loaded at the end before it would be there."""
    monkeypatch.setattr(destinations, "load_in_child", lambda _run: pytest.fail("a process"))
    few = gateway.world.ids[: IDS_IN_A_BATCH // 2]
    tally, _ = asyncio.run(fetch(run, few))
    assert tally.answered == len(few)


def test_ids_are_polled_before_they_are_loaded(run: Run, gateway: Gateway) -> None:
    """Only what earlier runs left is loaded first, for the plan rests on it. To load 100,000 takes 0.4 s."""
    asyncio.run(CollectRun(run, CollectRequest(gateway.world.ids[:10])).collect())
    later, seen = runs.begin(run.settings, "collect"), []

    async def run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
        seen.append((sorted(ids), accepted(run)))
        return await fetch_batch(run, client, ids)

    summary = asyncio.run(CollectRun(later, CollectRequest(gateway.world.ids[:30]), run_batch=run_batch).collect())
    assert seen == [(sorted(gateway.world.ids[10:30]), 10)]
    assert (summary.requested, summary.skipped_terminal, accepted(run)) == (30, 10, 40)


def accepted(run: Run) -> int:
    """Ids in the warehouse, one for each time it was given."""
    with open_writer(run.paths.warehouse, 0) as con:
        [[count]] = con.execute("select count(*) from requests").fetchall()
        return int(count)


def test_a_locked_warehouse_delays_no_request(run: Run, gateway: Gateway) -> None:
    """Everything is polled and archived, and nothing loaded."""
    with sole_writer(run.paths.warehouse, 0):
        tally, destination = asyncio.run(fetch(run, gateway.world.ids))
    assert tally.answered == len(gateway.world.ids)
    assert not destination.loaded.segments
    assert run.store.segments("observations")


def test_how_a_list_was_drawn_is_kept_with_its_ids(run: Run, gateway: Gateway) -> None:
    """In the archive and in `requests`, for the statistics; NULL where nobody said."""
    asyncio.run(CollectRun(run, CollectRequest(gateway.world.ids[:3], drawn_from="running")).collect())
    asyncio.run(CollectRun(runs.begin(run.settings, "collect"), CollectRequest(gateway.world.ids[3:5])).collect())
    with open_writer(run.paths.warehouse, 0) as con:
        found = con.execute("select drawn_from, count(*) from requests group by all order by all").fetchall()
    assert found == [("running", 3), (None, 2)]
