"""Several workers on one lake, and the cost of a load as the lake grows.

    python -m benchmarks.lake [--ids 9000] [--answers 60000] [--rounds 3] [--only workers|loads|loading]

The simulated gateway, in a separate process, answers after 50 ms and allows each worker 16 requests in flight;
PostgreSQL is started for the benchmark and only has to be installed. Each figure about workers is a complete `collect`
of the same ids, by one worker or split among three: start, plan, fetch, load into a new lake.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.inputs import bodies
from gateway.observation import Observation
from pipeline.collect.batches import answers_frame
from tests import postgres
from tests.warehouse.answers import SUCCESS_WITH_WORK
from transforms.schema import REQUESTS
from warehouse.analysis import read_analysis
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.ducklake.lake import Lake
from warehouse.ducklake.sessions import lake_writer, open_lake
from warehouse.load import loader as load
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from warehouse.archive.parquet import Segment

COLLECT = [
    sys.executable,
    "-c",
    "from avatar_tasks.cli import main; main()",
    "collect",
    "--no-prefect",
    "--no-refresh",
    "--concurrency",
    "16",
]
SERVE = """
import sys
from datetime import UTC, datetime, timedelta
from simulator import SimulatedGateway, World, run
end = datetime.now(UTC) - timedelta(days=1)
world = World(seed=3, tasks=int(sys.argv[1]), start=end - timedelta(days=7), end=end, odd_share=0.0)
app = SimulatedGateway(world, latency_seconds=0.05, cache_size=10**6)
app.prerender()
open("ids.txt", "w").write("".join(f"{one}\\n" for one in world.ids))
run(app, 0, on_ready=lambda url: print(url, flush=True))
"""
LOAD = """
import sys
from pipeline import load
from pipeline.run import Reporter, begin
from pipeline.settings import read_settings
run = begin(read_settings(), "load", reporter=Reporter(info=print))
print("ready", flush=True)
sys.stdin.readline()
with load.writer(run, 600) as writer, writer.open_loaded():
    pass
"""
WORKERS = 3
_ANSWERS = 10_000
_MILLION = 1_000_000


def collect(folder: Path, base_url: str, lake: Lake, ids: list[str], workers: int) -> float:
    """Seconds until `workers` have collected the ids, each one its share."""
    processes = []
    environment = os.environ | {
        "AVATAR_TASKS_BASE_URL": base_url,
        "AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:{lake.catalog}",
        "AVATAR_TASKS_LAKE_DATA": lake.data,
        "PYTHONPATH": str(Path.cwd()),
    }
    with tempfile.TemporaryDirectory(dir=folder) as work:
        for number in range(workers):
            Path(work, f"{number}.txt").write_text("\n".join(ids[number::workers]), encoding="utf-8")
        started = time.monotonic()
        for number in range(workers):
            arguments = [*COLLECT, "--ids-file", f"{number}.txt"]
            processes.append(subprocess.Popen(arguments, cwd=work, env=environment, stderr=subprocess.DEVNULL))
        assert [process.wait(600) for process in processes] == [0] * workers
        seconds = time.monotonic() - started
        if workers == 1:
            archive = sum(path.stat().st_size for path in Path(work).rglob("data/archive/**/*.parquet"))
            files = sum(path.stat().st_size for path in Path(lake.data).rglob("*.parquet"))
            print(f"bytes per task: {archive / len(ids):,.0f} in the archive, {files / len(ids):,.0f} in the lake")
        return seconds


def new_lake(server: postgres.Postgres, folder: Path) -> Lake:
    catalog = server.new_database()
    lake = Lake(catalog, str(folder / catalog.split()[0]))
    with lake_writer(lake, 10):
        return lake


def measure_workers(server: postgres.Postgres, folder: Path, rounds: int, count: int) -> None:
    """One and three workers alternately, each time into a new lake."""
    command = [sys.executable, "-c", SERVE, str(count)]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    gateway = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert gateway.stdout is not None
    try:
        base_url = gateway.stdout.readline().strip()
        ids = (folder / "ids.txt").read_text(encoding="utf-8").split()
        ratios = []
        for number in range(1, rounds + 1):
            one, three = (collect(folder, base_url, new_lake(server, folder), ids, n) for n in (1, WORKERS))
            ratios.append(one / three)
            print(f"round {number}: {count / one:,.0f} tasks/s by one worker, {count / three:,.0f} by {WORKERS}")
        print(f"{WORKERS} workers / one: {statistics.median(ratios):.2f} times as fast (bar: at least 1.5)")
    finally:
        gateway.terminate()
        gateway.wait()


def answers(store: Archive, name: str, at: datetime) -> list[Segment]:
    """Segments with `_ANSWERS` new ids and an answer about each."""
    ids = [f"{name}{number:024d}" for number in range(_ANSWERS)]
    rows = pl.DataFrame([("default", one, at, name, None) for one in ids], schema=REQUESTS, orient="row")
    facts = (at, 200, "application/json", SUCCESS_WITH_WORK.body, False, 50.0, 1, 0, "req", "v1", None)
    seen = [Observation("default", one, *facts) for one in ids]
    return [
        store.write("requests", rows, segment_id=f"{name}-r", at=at),
        store.write("observations", answers_frame(seen, f"{name}-o", name), segment_id=f"{name}-o", at=at),
    ]


def load_once(lake: Lake, segments: list[Segment]) -> float:
    with lake_writer(lake, 10) as con:
        started = time.monotonic()
        load.load(con, segments, read_analysis(Path("none")), PollingPolicy())
        return time.monotonic() - started


def measure_loads(server: postgres.Postgres, folder: Path, rounds: int) -> None:
    """The same load, alternately into an empty lake and into one of a million tasks."""
    store, began = Archive(LocalFolder(folder / "archive")), datetime.now(UTC) - timedelta(days=1)
    large = new_lake(server, folder)
    load_once(large, answers(store, "first", began - timedelta(days=30)))
    with lake_writer(large, 10) as con:
        for table in ("observations", "tasks", "works", "pt_infos", "requests"):
            con.execute(  # a month of loads, one a day, in as many files
                f"insert into {table} select t.* replace (md5(t.task_id || n) as task_id) "  # noqa: S608 - names of ours
                f"from {table} as t, range({_MILLION // _ANSWERS}) as more(n)"
            )
    ratios = []
    for number in range(1, rounds + 1):
        segments = answers(store, f"round{number}", began + timedelta(hours=number))
        small, big = (load_once(lake, segments) for lake in (new_lake(server, folder), large))
        ratios.append(big / small)
        print(f"round {number}: {_ANSWERS:,} answers in {small:.2f} s into an empty lake, {big:.2f} s into a million")
    print(f"into a million tasks / into none: {statistics.median(ratios):.2f} (bar: at most 2)")
    size = sum(path.stat().st_size for path in Path(large.data).rglob("*.parquet"))
    print(f"files of the lake of a million: {size / 1e6:,.0f} MB, of one and the same answer")


def fill(store: Archive, count: int) -> None:
    """Write ids and answers in segments of 500, numbered like those of a run."""
    numbers = (f"20260301T000000-000000000000-{number:06d}" for number in itertools.count())
    for frame in bodies.answers(count, "20260301T000000-bench", bodies.END):
        for part in frame.iter_slices(500):
            store.write("requests", bodies.requests_of(part), segment_id=next(numbers), at=bodies.END)
            store.write("observations", part, segment_id=next(numbers), at=bodies.END)


def load_waiting(folder: Path, lake: Lake, workers: int) -> float:
    """Seconds until `workers` that begin at the same time have loaded the whole archive, without starting them."""
    environment = os.environ | {
        "AVATAR_TASKS_WAREHOUSE": f"ducklake:postgres:{lake.catalog}",
        "AVATAR_TASKS_LAKE_DATA": lake.data,
        "AVATAR_TASKS_DATA_DIR": str(folder),
        "PYTHONPATH": str(Path.cwd()),
    }
    command = [sys.executable, "-c", LOAD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=folder, env=environment, **pipes) for _ in range(workers)]
    for process in processes:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
    started = time.monotonic()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    assert [process.wait(900) for process in processes] == [0] * workers
    return time.monotonic() - started


def measure_loading(server: postgres.Postgres, folder: Path, rounds: int, count: int) -> None:
    """One worker and three load the same archive, each time into a new lake."""
    fill(Archive(LocalFolder(folder / "loading" / "archive")), count)
    ratios = []
    for number in range(1, rounds + 1):
        seconds = {}
        for workers in (1, WORKERS) if number % 2 else (WORKERS, 1):
            lake = new_lake(server, folder)
            seconds[workers] = load_waiting(folder / "loading", lake, workers)
            with open_lake(lake) as con:
                assert con.execute("select count(*) from observations").fetchall() == [(count,)]
        ratios.append(seconds[1] / seconds[WORKERS])
        rates = [f"{count / seconds[workers]:,.0f} by {workers}" for workers in (1, WORKERS)]
        print(f"round {number}: answers loaded a second: {', '.join(rates)}")
    print(f"{WORKERS} workers loading / one: {statistics.median(ratios):.2f} times as fast (bar: at least 1.6)")


def main() -> None:
    """Print all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ids", type=int, default=9_000)
    parser.add_argument("--answers", type=int, default=60_000)
    parser.add_argument("--only", choices=("workers", "loads", "loading"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, postgres.running() as server:
        if options.only in {None, "loads"}:
            measure_loads(server, Path(name), options.rounds)
        if options.only in {None, "loading"}:
            measure_loading(server, Path(name), options.rounds, options.answers)
        if options.only in {None, "workers"}:
            measure_workers(server, Path(name), options.rounds, options.ids)


if __name__ == "__main__":
    main()
