"""Memory is bounded by what is in flight, not by the number of ids: `make soak`; by bytes: test_bytes_in_memory.py."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from benchmarks.harness import run_process
from simulator import ManualClock, SimulatedGateway, World, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.app import Receive, Scope, Send

BODY_BYTES = 500_000
#: Ids of a run and of a larger one; held in memory, the answers of the larger one would show.
FEW, MANY = 150, 750
#: What two such runs may differ by; answers held once would add 300 MB, of which half can be seen.
SPREAD_MB = 40

#: Batches, flushes and steps so small that a few hundred answers go through all of them many times.
COLLECT = """
import asyncio, sys
sys.modules["pandas"] = None  # which DuckDB would import
from pathlib import Path
from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.data_folder import begin_folder
from pipeline.settings import Settings

settings = Settings(base_url=sys.argv[1], data_dir=Path("data"))
sizes = runs.Sizes(batch_ids=10, flush_answers=10, load_answers=sys.maxsize, step_rows=25)
run = runs.begin(settings, "collect", sizes=sizes)
begin_folder(run, scheduled=False)
summary = asyncio.run(CollectRun(run, CollectRequest(ids_file="ids.txt")).collect())
sys.exit(summary.exit_code)
"""


class Talkative:
    """The simulated gateway, its answers drawn out with white space."""

    def __init__(self, app: SimulatedGateway) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers: list[tuple[bytes, bytes]] = message["headers"]  # type: ignore[assignment]
                kept = [one for one in headers if one[0] != b"content-length"]
                message = message | {"headers": [*kept, (b"content-length", b"%d" % BODY_BYTES)]}
            else:
                message = message | {"body": bytes(message["body"]).ljust(BODY_BYTES)}  # type: ignore[call-overload]
            await send(message)

        await self._app(scope, receive, send_more)  # type: ignore[arg-type]


@pytest.fixture
def talkative() -> Iterator[tuple[str, list[str]]]:
    """Its base URL, and ids it knows."""
    end = datetime(2026, 6, 1, tzinfo=UTC)
    world = World(seed=5, tasks=MANY, start=end - timedelta(days=7), end=end, odd_share=0.0)
    with serve(Talkative(SimulatedGateway(world, clock=ManualClock(world.all_terminal_at())))) as base_url:  # type: ignore[arg-type]
        yield base_url, world.ids


def peak_mb(folder: Path, base_url: str, ids: list[str]) -> float:
    """Of a run that collects them."""
    folder.mkdir()
    (folder / "ids.txt").write_text("\n".join(ids))
    return run_process([sys.executable, "-c", COLLECT, base_url], list, folder).peak_mb


@pytest.mark.e2e
@pytest.mark.soak
def test_many_times_the_ids_need_no_more_memory(tmp_path: Path, talkative: tuple[str, list[str]]) -> None:
    """Nor do the bodies stay in memory until the end."""
    base_url, ids = talkative
    of_few = peak_mb(tmp_path / "few", base_url, ids[:FEW])
    of_many = peak_mb(tmp_path / "many", base_url, ids[:MANY])
    assert of_many < of_few + SPREAD_MB
