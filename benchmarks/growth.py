"""The cost of loading, planning, status and publishing on five million tasks, compared with few or none.

Each round loads ten thousand new answers, one in fifty of them about a task that has long been in flight, into an empty
warehouse and into one of five million tasks.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import polars as pl

from benchmarks.harness import Outcome, Row, at_most, compete, timed
from benchmarks.inputs.bodies import END, answers
from benchmarks.inputs.filled import fill
from pipeline.status import facts
from warehouse.analysis import read_analysis
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader
from warehouse.database.publish import publish, publish_closed
from warehouse.database.writer import open_writer
from warehouse.load.large import load_in_steps
from warehouse.paths import DataPaths
from warehouse.plan import PollRequest, new_todo, write_todo
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse.archive.parquet import Segment

TASKS: Final = 5_000_000
#: Tasks in the two warehouses in which loading is compared once more.
FEW: Final = 1_000_000
MOST: Final = 25_000_000
NEW: Final = 10_000
OLD: Final = NEW // 50

#: Loads after which the last row group of DuckDB, 122,880 rows, has been filled once: the fuller it is, the more a
#: checkpoint has to compress again.
CYCLE: Final = 13


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Loading, planning, status, publishing."""
    with tempfile.TemporaryDirectory() as name:
        large = DataPaths(Path(name) / "large")
        large.root.mkdir()
        fill(large, int(TASKS * scale))
        yield _loading(Path(name), large, rounds)
        publish(large, wait_seconds=5)
        yield _planning(large, rounds)
        seconds = median(timed(lambda: len(facts(large))).seconds for _ in range(rounds))
        yield Row(
            "status", seconds, "s", at_most(1), "everything that the command shows, the report's headline included"
        )
        yield _publishing(large, rounds)
    with tempfile.TemporaryDirectory() as name:
        yield _loading_into_more(Path(name), rounds, scale)


def _loading(folder: Path, large: DataPaths, rounds: int) -> Row:
    store, numbers = Archive(LocalFolder(folder / "archive")), itertools.count()
    old_ids = _pending(large)
    segments: dict[int, Segment] = {}

    def segment(number: int) -> Segment:
        if number not in segments:
            segments[number] = _new_segment(store, number, old_ids)
        return segments[number]

    turns = {"empty": itertools.count(), "large": itertools.count()}
    contest = compete(
        {
            "empty": lambda: _load(folder / f"empty{next(numbers)}.duckdb", segment(next(turns["empty"]))),
            "large": lambda: _load(large.warehouse, segment(next(turns["large"]))),
        },
        max(rounds, CYCLE),
    )
    detail = f"{contest.seconds('large'):.2f} s, into an empty one {contest.seconds('empty'):.2f} s"
    return Row(f"loading {NEW:,} answers", contest.times("large", "empty"), "times an empty one", at_most(2), detail)


def _loading_into_more(folder: Path, rounds: int, scale: float) -> Row:
    """Each into a warehouse with answers about its own tasks."""
    store = Archive(LocalFolder(folder / "archive"))
    segments: dict[str, Iterator[Segment]] = {}
    few, most = DataPaths(folder / "few"), DataPaths(folder / "most")
    for number, paths in enumerate((few, most)):
        paths.root.mkdir()
        fill(paths, int(FEW * scale))
        _repeat(paths, MOST // FEW if paths is most else 1)
        segments[paths.root.name] = _segments(store, 10_000 * (number + 1), _pending(paths))
    loads = {
        what: partial(lambda one: _load(folder / one / "warehouse.duckdb", next(segments[one])), what)
        for what in segments
    }
    contest = compete(loads, max(rounds, CYCLE))
    detail = f"{contest.seconds('most'):.2f} s, beside {contest.seconds('few'):.2f} s"
    what = f"loading {NEW:,} answers into {MOST / 1e6:.0f} million tasks"
    return Row(what, contest.times("most", "few"), f"times into {FEW / 1e6:.0f} million", at_most(1.5), detail)


def _repeat(paths: DataPaths, times: int) -> None:
    """Multiply the tasks of a warehouse, with other ids: creating all at once would need memory for all of them."""
    with open_writer(paths.warehouse, wait_seconds=5) as con:
        con.execute("set memory_limit = '5GB'")
        for table in ("observations", "tasks", "works", "pt_infos", "requests", "pending"):
            con.execute(f"create temp table once as from {table}")
            for number in range(1, times):
                con.execute(
                    f"insert into {table} select * replace (md5(task_id || {number}) as task_id) from once"  # noqa: S608
                )
            con.execute("drop table once")
            con.execute("checkpoint")


def _segments(store: Archive, first: int, old_ids: pl.Series) -> Iterator[Segment]:
    return (_new_segment(store, number, old_ids) for number in itertools.count(first))


def _pending(paths: DataPaths) -> pl.Series:
    with open_writer(paths.warehouse, wait_seconds=5) as con:
        return con.execute("select task_id from pending order by all limit ?", [OLD]).pl()["task_id"]


def _new_segment(store: Archive, number: int, old_ids: pl.Series) -> Segment:
    [frame] = answers(NEW, f"growth-{number}", END + timedelta(hours=1 + number % 10_000))
    new, more = frame.slice(0, len(old_ids)), frame.slice(len(old_ids))
    renamed = zip(new["body"], new["task_id"], old_ids, strict=True)
    bodies = [body.replace(new_id.encode(), old_id.encode()) for body, new_id, old_id in renamed]
    old = new.with_columns(old_ids.alias("task_id"), pl.Series("body", bodies))
    return store.write("observations", pl.concat([old, more]), segment_id=f"growth-{number}", at=END)


def _load(warehouse: Path, segment: Segment) -> Outcome:
    analysis = read_analysis(warehouse.with_name("analysis.toml"))
    with open_writer(warehouse, wait_seconds=5) as con:

        def work() -> int:
            done = sum(one.answers for one in load_in_steps(con, [segment], analysis, PollingPolicy()))
            con.execute("checkpoint")
            return done

        return timed(work)


def _planning(paths: DataPaths, rounds: int) -> Row:
    with reader(paths) as con, new_todo(paths.root) as todo:
        outcomes = [timed(lambda: write_todo(con, PollRequest("default"), END, todo).to_ask) for _ in range(rounds)]
    detail = f"{outcomes[0].rows:,} ids due"
    return Row("planning: what is due", median(one.seconds for one in outcomes), "s", at_most(1), detail)


def _publishing(paths: DataPaths, rounds: int) -> Row:
    size = paths.warehouse.stat().st_size

    def published() -> int:
        publish_closed(paths)
        return paths.published.stat().st_size

    def copied() -> int:
        """Copy the file beside the last copy and then replace it, as one must if there are readers."""
        unfinished, copy = paths.root / "unfinished.duckdb", paths.root / "copy.duckdb"
        shutil.copyfile(paths.warehouse, unfinished)
        _sync(unfinished)
        unfinished.replace(copy)
        return copy.stat().st_size

    contest = compete({"publish": lambda: timed(published), "copy": lambda: timed(copied)}, rounds)
    detail = f"{size / 1e6:,.0f} MB in {contest.seconds('publish'):.2f} s, copied in {contest.seconds('copy'):.2f} s"
    return Row("publishing", contest.times("publish", "copy"), "times a copy", at_most(1.1), detail)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
