"""Answers in an archive that no warehouse knows of yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipeline.collect.batches import fetch_batch
from pipeline.collect.client import make_client
from pipeline.data_folder import begin_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.run import Run


def poll(run: Run, ids: Sequence[str]) -> None:
    """Archive an answer about each of some ids, as a batch of the run."""
    begin_folder(run, scheduled=False)

    async def main() -> None:
        async with make_client(run) as client:
            assert await fetch_batch(run, client, ids) == len(ids)

    asyncio.run(main())
