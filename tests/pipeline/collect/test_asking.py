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
from pipeline.collect import collect as collecting
from pipeline.collect import fetch as asking
from pipeline.collect.batches import fetch_batch
from pipeline.collect.collect import Options
from pipeline.collect.fetch import Tally, ask_all
from pipeline.intake.source import IdSource
from pipeline.settings import Settings
from tests.command_line import KEY
from warehouse.database import connection

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.client import GatewayClient
    from pipeline.run import Run
    from tests.command_line import Gateway

PATIENCE_SECONDS = 30.0
IDS_IN_A_BATCH = 100


@pytest.fixture
def run(tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose batches and loads are small."""
    monkeypatch.setattr(asking, "BATCH_IDS", IDS_IN_A_BATCH)
    monkeypatch.setattr(asking, "LOAD_ANSWERS", IDS_IN_A_BATCH)
    settings = Settings(base_url=gateway.base_url, api_key=SecretStr(KEY), data_dir=tmp_path / "data")
    return runs.begin(settings, "collect")


def todo(ids: list[str]) -> IO[bytes]:
    planned = BytesIO()
    pq.write_table(pa.table({"task_id": ids, "has_failed": [False] * len(ids)}), planned)
    return planned


async def ask(run: Run, ids: IO[bytes], tally: Tally, *, wait_for_load: bool) -> None:
    """Ask in batches, of which all but the first, if so wished, wait until something has been loaded."""
    batches = 0

    async def run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
        nonlocal batches
        batches += 1
        if wait_for_load and batches > 1:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not tally.segments_loaded:  # noqa: ASYNC110 - a number has no event
                    await asyncio.sleep(0.02)
        return await fetch_batch(run, client, ids)

    async with collecting.make_client(run) as client:
        await ask_all(run, client, ids, tally, run_batch)


def test_answers_are_loaded_before_the_last_has_come(run: Run, gateway: Gateway) -> None:
    """The later batches wait for a load of the first: it does not wait for them."""
    tally = Tally(asked=len(gateway.world.ids))
    asyncio.run(ask(run, todo(gateway.world.ids), tally, wait_for_load=True))
    assert tally.answered == len(gateway.world.ids)
    assert tally.segments_loaded


def test_for_few_no_process_is_started(run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are loaded at the end before it would be there."""
    monkeypatch.setattr(asking, "load_in_child", lambda _run: pytest.fail("a process"))
    few = gateway.world.ids[: IDS_IN_A_BATCH + IDS_IN_A_BATCH // 3]
    tally = Tally(asked=len(few))
    asyncio.run(ask(run, todo(few), tally, wait_for_load=False))
    assert tally.answered == len(few)


def test_ids_are_asked_for_before_they_are_loaded(run: Run, gateway: Gateway) -> None:
    """Only what earlier runs left is loaded first, for the plan rests on it. To load 100,000 takes 0.4 s."""
    asyncio.run(collecting.collect(run, IdSource(ids=tuple(gateway.world.ids[:10])), Options()))
    later, seen = runs.begin(run.settings, "collect"), []

    async def run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
        seen.append((sorted(ids), accepted(run)))
        return await fetch_batch(run, client, ids)

    summary = asyncio.run(collecting.collect(later, IdSource(ids=tuple(gateway.world.ids[:30])), Options(), run_batch))
    assert seen == [(sorted(gateway.world.ids[10:30]), 10)]
    assert (summary.requested, summary.skipped_terminal, accepted(run)) == (30, 10, 40)


def accepted(run: Run) -> int:
    """Ids in the warehouse, one for each time it was given."""
    with connection.writer(run.paths.warehouse, 0) as con:
        [[count]] = con.execute("select count(*) from requests").fetchall()
        return int(count)


def test_a_warehouse_that_somebody_holds_holds_nobody_up(run: Run, gateway: Gateway) -> None:
    """Everything is asked and archived, and nothing loaded."""
    tally = Tally(asked=len(gateway.world.ids))
    with connection.sole_writer(run.paths.warehouse, 0):
        asyncio.run(ask(run, todo(gateway.world.ids), tally, wait_for_load=False))
    assert tally.answered == len(gateway.world.ids)
    assert not tally.segments_loaded
    assert run.store.segments("observations")
