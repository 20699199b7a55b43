"""Collect: ids to loaded tables, beside a plain httpx and pandas script and a bare aiohttp loop.

Each contender is a separate process, measured from its start to its end, including imports. The bare loop discards the
bodies, so its result is only the number of answers.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from benchmarks.harness import OURS, Contest, Outcome, Row, at_least, at_most, compete, run_process
from benchmarks.inputs import fast_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND: Final = (OURS, "collect", "--no-prefect", "--json")
_IDS: Final = 20_000
_IDS_WITH_LATENCY: Final = 5 * _IDS  # enough that start and end matter little: the sustained rate
_LATENCY_SECONDS: Final = 0.1
_LATENCY_IN_FLIGHT: Final = 256
_IDS_FAR_AWAY: Final = 3 * _IDS
_FEW, _MANY = 64, 512
_ROUNDS_OF_SCRIPT: Final = 5  # single rounds vary by a fifth
_ROUNDS_OF_BOTH: Final = 10  # single rounds vary by a tenth, and the bar allows a twentieth
_SECONDS_FOR_FEW, _SECONDS_FOR_MANY = 0.025, 0.2  # latencies that allow the same rate

# The result of ours and of the script in the same form: counts and a checksum of the columns that both have.
TABLES: Final = """
    select
        (select (count(*), bit_xor(hash(
            task_id, action, status, epoch(submit_time)::bigint, epoch(start_time)::bigint, epoch(finish_time)::bigint,
            case when status = 'FAILURE' then fail_reason end
        ))) from tasks),
        (select (count(*), bit_xor(hash(task_id, epoch_ms(create_time), work_name, template_id, work_video_path)))
            from works),
        (select (count(*), bit_xor(hash(task_id, audio_url))) from pt_infos),
"""
_SCRIPT: Final = """
    select
        (select (count(*), bit_xor(hash(
            task_id, action, status, nullif(submit_time, 0), nullif(start_time, 0), nullif(finish_time, 0),
            case when status = 'FAILURE' then nullif(fail_reason, '') end
        ))) from tasks),
        (select (count(*), bit_xor(hash(
            task_id, create_time, nullif(work_name, ''), nullif(template_id, ''), nullif(work_video_path, '')
        ))) from works),
        (select (count(*), bit_xor(hash(task_id, nullif(audio_url, '')))) from pt_infos),
"""


@dataclass(frozen=True, slots=True)
class Work:
    """The task for the contenders."""

    base_url: str
    ids_file: Path

    def ours(self, in_flight: int, *, counted: bool = False) -> Outcome:
        """`avatar-tasks collect` as a process. `counted`: the result is the number of tasks, as for the bare loop."""
        with tempfile.TemporaryDirectory(dir=self.ids_file.parent) as name:
            published = Path(name, "data", "published", "current.duckdb")
            arguments = [*COMMAND, "--ids-file", str(self.ids_file), "--concurrency", str(in_flight)]
            query = "select count(*)::varchar from tasks" if counted else TABLES
            settings = {"AVATAR_TASKS_BASE_URL": self.base_url, "AVATAR_TASKS_FETCH": "single"}
            return run_process(arguments, partial(_read, published, query), Path(name), **settings)

    def script(self, in_flight: int) -> Outcome:
        """The httpx and pandas script."""
        return self._peer("httpx_pandas", in_flight, lambda out: _read(out, _SCRIPT))

    def bare(self, in_flight: int) -> Outcome:
        """The bare aiohttp loop."""
        return self._peer("bare_aiohttp", in_flight, lambda out: (out.read_text(),))

    def _peer(self, name: str, in_flight: int, rows: Callable[[Path], object]) -> Outcome:
        with tempfile.TemporaryDirectory(dir=self.ids_file.parent) as folder:
            out = Path(folder, "out")
            module = [sys.executable, "-m", f"benchmarks.peers.{name}"]
            arguments = [*module, self.base_url, str(self.ids_file), str(in_flight), str(out)]
            return run_process(arguments, lambda: rows(out), Path(folder))


def _read(path: Path, query: str) -> object:
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchone()


@contextmanager
def work(ids: int, latency_seconds: float = 0.0) -> Iterator[Work]:
    """A file with this many ids, and a gateway that answers them."""
    with tempfile.TemporaryDirectory() as folder, fast_gateway.running(latency_seconds) as base_url:
        path = Path(folder, "ids.txt")
        path.write_text("\n".join(fast_gateway.ids(ids)))
        yield Work(base_url, path)


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Compared with the script and the bare loop, at 512 in flight, and with latency."""
    ids = int(_IDS * scale)
    with work(ids) as here:
        pair = {"ours": partial(here.ours, _FEW), "httpx and pandas": partial(here.script, _FEW)}
        contest = compete(pair, max(rounds, _ROUNDS_OF_SCRIPT))
        yield _faster(contest, "httpx and pandas", ids, _FEW, 8)
        bare = {
            "ours": partial(here.ours, _FEW, counted=True),
            "ours at 512": partial(here.ours, _MANY, counted=True),
            "bare aiohttp": partial(here.bare, _FEW),
            "bare aiohttp at 512": partial(here.bare, _MANY),
        }
        contest = compete(bare, max(rounds, _ROUNDS_OF_BOTH))
        yield _faster(contest, "bare aiohttp", ids, _FEW, 0.5)
        costs = contest.times("ours at 512", "ours")
        yield Row("cost per id at 512 in flight", costs, "times that at 64", at_most(1.05), _speeds(contest, ids))
        costs = contest.times("bare aiohttp at 512", "bare aiohttp")
        yield Row(
            "the same of bare aiohttp", costs, "times that at 64", None, "448 connections more, and more sockets to ask"
        )
    yield _all_in_flight(int(_IDS_FAR_AWAY * scale), rounds)
    ids = int(_IDS_WITH_LATENCY * scale)
    with work(ids, _LATENCY_SECONDS) as here:
        yield _with_latency(here, ids, rounds)


def _faster(contest: Contest, peer: str, ids: int, in_flight: int, bar: float) -> Row:
    what = f"collect {ids:,} ids, {in_flight} in flight, beside {peer}"
    return Row(what, contest.times(peer, "ours"), "times as fast", at_least(bar), _speeds(contest, ids))


def _speeds(contest: Contest, ids: int) -> str:
    """Ids per second, and CPU time per id, which is the better measure on a machine that others use as well."""
    return ", ".join(
        f"{name} {ids / contest.seconds(name):,.0f}/s ({contest.cpu_seconds(name) / ids * 1e6:,.0f} µs of CPU each)"
        for name in contest.rounds[0]
    )


def _all_in_flight(ids: int, rounds: int) -> Row:
    """512 in flight compared with 64, with latency: without latency, collect itself limits the number in flight."""
    few, many = f"{_FEW} in flight", f"{_MANY} in flight"
    with work(ids, _SECONDS_FOR_FEW) as near, work(ids, _SECONDS_FOR_MANY) as far:
        contest = compete(
            {few: partial(near.ours, _FEW, counted=True), many: partial(far.ours, _MANY, counted=True)}, rounds
        )
    what = f"cost per id at {_MANY} in flight, {_SECONDS_FOR_MANY * 1000:g} ms latency"
    unit = f"times that at {_FEW}, {_SECONDS_FOR_FEW * 1000:g} ms"
    return Row(what, contest.times(many, few), unit, at_most(1.05), _speeds(contest, ids))


def _with_latency(here: Work, ids: int, rounds: int) -> Row:
    """Compared with the rate that the latency allows, or that bare aiohttp reaches here, whichever is less."""
    in_flight = _LATENCY_IN_FLIGHT
    contest = compete(
        {"ours": partial(here.ours, in_flight, counted=True), "bare aiohttp": partial(here.bare, in_flight)}, rounds
    )
    allowed = in_flight / _LATENCY_SECONDS
    limit = min(allowed, ids / contest.seconds("bare aiohttp"))
    what = f"collect {ids:,} ids, {in_flight} in flight, 100 ms latency"
    detail = f"{_speeds(contest, ids)}; the latency allows {allowed:,.0f}/s"
    return Row(what, ids / contest.seconds("ours") / limit, "of the limit", at_least(0.9), detail)
