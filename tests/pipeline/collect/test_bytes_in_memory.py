"""What a run holds between socket and archive is bounded in bytes and in descriptors, whatever the answers are."""

from __future__ import annotations

import functools
import gzip
import json
import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.wire.descriptors import RESERVED, most_in_flight
from tests.command_line import COMMAND
from tests.gateway.servers import Reply, Request, answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.command_line import CommandLine

ROOT = Path(__file__).parents[3]
MEGABYTE = random.Random(1).randbytes(500_000).hex().encode()
TASK = b'{"code":"success","message":"","data":{"task_id":"%s","status":"SUCCESS","submit_time":1736868741}}'

#: Two batches at once, to the archive; nothing is loaded.
FETCH = """
import asyncio, json, pathlib, resource, sys
from pipeline import run as runs
from pipeline.collect.batches import fetch_batch
from pipeline.collect.client import make_client
from pipeline.settings import Settings

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

async def main(url, folder, count):
    run = runs.begin(Settings(base_url=url, data_dir=pathlib.Path(folder)), "collect")
    async with make_client(run) as client:
        await fetch_batch(run, client, ["small"])
        idle = peak_mb()
        halves = ([f"t{number}" for number in range(half, count, 2)] for half in (0, 1))
        answers = sum(await asyncio.gather(*(fetch_batch(run, client, ids) for ids in halves)))
    print(json.dumps({"answers": answers, "above_idle_mb": peak_mb() - idle, "held": run.memory.in_use,
                      "most_held_mb": run.memory.peak / 1e6, "failures": client.stats.failures}))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def large(request: Request) -> Reply:
    return answer(200, b'{"a":"' + (b"" if request.task_id == "small" else MEGABYTE) + b'"}')


@functools.cache
def packed() -> bytes:
    return gzip.compress(b" " * 100_000_000)


def bomb(request: Request) -> Reply:
    return answer(200) if request.task_id == "small" else answer(200, packed(), Content_Encoding="gzip")


def fetch(reply: Callable[[Request], Reply], folder: Path, count: int) -> dict[str, float]:
    with serving(reply) as server:
        done = subprocess.run(
            [sys.executable, "-c", FETCH, server.url, str(folder), str(count)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("reply", "count", "most_mb"),
    [
        pytest.param(large, 80, 150, id="megabytes"),
        pytest.param(bomb, 70, 250, id="bombs"),
        pytest.param(large, 1000, 150, id="a thousand megabytes", marks=pytest.mark.soak),
        pytest.param(bomb, 400, 250, id="four hundred bombs", marks=pytest.mark.soak),
    ],
)
def test_memory_is_bounded_in_bytes(
    reply: Callable[[Request], Reply], count: int, most_mb: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the default concurrency, and more answers than are in flight at once.

    A bomb is 100 MB when unpacked, of which 8 MB are kept; on its way into a segment there are several copies of one.
    """
    found = fetch(reply, tmp_path, count)
    assert (found["answers"], found["failures"], found["held"]) == (count, 0, 0)
    assert found["above_idle_mb"] < most_mb
    assert found["most_held_mb"] <= 32
    if count > 200:
        with capsys.disabled():
            print(f"\n{count} {reply.__name__} answers: {found}")  # noqa: T201 - the figures of docs/promises.md


def test_with_64_descriptors_there_are_fewer_in_flight(avatar_tasks: CommandLine) -> None:
    """All ids arrive, and one sentence says which limit to raise."""
    (avatar_tasks.folder / "ids.txt").write_text("\n".join(f"ok-{number}" for number in range(300)))
    with serving(lambda request: answer(200, TASK % request.task_id.encode())) as server:
        done = subprocess.run(
            ["/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *COMMAND, "collect", "--ids-file", "ids.txt", "--json"],
            cwd=avatar_tasks.folder,
            env=avatar_tasks.whole_environment() | {"AVATAR_TASKS_BASE_URL": server.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statuses"] == {"SUCCESS": 300}
    assert "ulimit -n 104" in done.stderr


def test_a_soft_limit_is_raised_where_the_hard_one_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many systems allow 256 or 1,024 by default and thousands on request."""
    limits = [(256, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limit: limits.append(limit))
    assert most_in_flight(64) == 64
    assert most_in_flight(512) == 512
    assert limits == [(256, 4096), (512 + RESERVED, 4096)]
    assert most_in_flight(9000) == 4096 - RESERVED
