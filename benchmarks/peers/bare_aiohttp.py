"""Poll the ids of a file with aiohttp alone and discard the bodies: `bare_aiohttp URL IDS_FILE IN_FLIGHT OUT`."""

import asyncio
import sys
from pathlib import Path

import aiohttp


async def fetch(url: str, ids: list[str], in_flight: int) -> int:
    """The number of answers with status 200."""
    todo, answered = iter(ids), 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal answered
        for task_id in todo:
            async with session.get(f"{url}/avatar/task/{task_id}") as response:
                await response.read()
                answered += response.status == 200

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        await asyncio.gather(*(work(session) for _ in range(in_flight)))
    return answered


def main(url: str, ids_file: str, in_flight: str, out: str) -> None:
    """Write the number of answers to `out`."""
    ids = Path(ids_file).read_text().split()
    Path(out).write_text(str(asyncio.run(fetch(url, ids, int(in_flight)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
