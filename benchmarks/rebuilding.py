"""What deriving the warehouse from the archive costs, beside bare DuckDB reading the same bodies into three tables.

Ours ends with every table, view and published copy; the peer with tasks, works and pt_infos as its JSON reader gives
them. Both end with as many rows of each and the same sum of latencies.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from benchmarks.bodies import END as FIRST_LOOK
from benchmarks.bodies import answers, fill_archive
from benchmarks.harness import Row, at_least, at_most, compete, run_process
from warehouse.archive import Archive
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS: Final = 200_000
RUN: Final = "20260301T000000-bench"
PEER: Final = Path(__file__).with_name("peers") / "bare_duckdb.sql"
_OURS: Final = "from flows.cli import main; main()"
_PEER: Final = """
import sys, duckdb
with duckdb.connect("peer.duckdb") as con:
    con.execute(open(sys.argv[1], encoding="utf-8").read())
"""
_CHECK: Final = """
    select
        (select count(*) from tasks),
        (select count(*) from works),
        (select count(*) from pt_infos),
        (select sum(latency_seconds)::bigint from tasks)
"""


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Speed beside bare DuckDB, and the peak of memory at a quarter of the ids and at all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder, count = Path(name), int(IDS * scale)
        quarter = count // 4
        for ids in (quarter, count):
            fill_archive(Archive(DataPaths(folder / str(ids)).archive), ids)
        _write_bodies(folder / "bodies.ndjson", count)
        ours = folder / str(count)

        contest = compete(
            {
                "ours": lambda: run_process(
                    [sys.executable, "-c", _OURS, "rebuild", "--data-dir", "."],
                    lambda: _rows(ours / "warehouse.duckdb"),
                    ours,
                ),
                "bare duckdb": lambda: run_process(
                    [sys.executable, "-c", _PEER, str(PEER)], lambda: _rows(folder / "peer.duckdb"), folder
                ),
            },
            rounds,
        )
        detail = f"{count / contest.seconds('ours'):,.0f} answers/s, bare {count / contest.seconds('bare duckdb'):,.0f}"
        yield Row("rebuilding", contest.times("bare duckdb", "ours"), "times as fast", at_least(0.6), detail)
        small = folder / str(quarter)
        peak = run_process(
            [sys.executable, "-c", _OURS, "rebuild", "--data-dir", "."],
            lambda: _rows(small / "warehouse.duckdb"),
            small,
        ).peak_mb
        detail = f"{contest.peak_mb('ours'):,.0f} MB for {count:,} ids, {peak:,.0f} MB for {quarter:,}"
        yield Row("peak memory of rebuilding", contest.peak_mb("ours"), "MB", at_most(2000), detail)


def _write_bodies(path: Path, count: int) -> None:
    with path.open("wb") as file:
        for frame in answers(count, RUN, FIRST_LOOK):
            file.writelines(body + b"\n" for body in frame["body"])


def _rows(path: Path) -> object:
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(_CHECK).fetchall()
