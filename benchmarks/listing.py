"""Listing: tasks by the gateway's list and by many ids at once, beside one request each, and under a limit.

The gateway answers at once, so that our own cost is compared, and then with latency. Each contender is a separate
process, measured from its start to its end. Under the limit, the number of requests decides.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from benchmarks.collecting import TABLES, Work
from benchmarks.harness import OURS, Outcome, Row, at_least, at_most, compete, run_process
from benchmarks.inputs import fast_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

_TASKS: Final = 20_000
_TASKS_UNDER_LIMIT: Final = 6_000
_LATENCY_SECONDS: Final = 0.1
_MOST_PAGES: Final = 250
_PAGE: Final = 100
_IN_FLIGHT: Final = 64  # ours by default


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway, a file with the ids of its tasks, and the summary of each contender's last run."""

    base_url: str
    ids_file: Path
    summaries: dict[str, dict[str, Any]]

    def single(self, *options: str) -> Outcome:
        return self._collect("single", "--ids-file", str(self.ids_file), *options)

    def bulk(self, *options: str) -> Outcome:
        return self._collect("bulk", "--ids-file", str(self.ids_file), *options, AVATAR_TASKS_FETCH="bulk")

    def script(self) -> Outcome:
        """The httpx and pandas script, which requests every id alone."""
        return Work(self.base_url, self.ids_file).script(_IN_FLIGHT)

    def listed(self, *options: str) -> Outcome:
        since = int((datetime.now(UTC) - fast_gateway.START).total_seconds())
        return self._collect("list", "--discover", "--since", f"{since}s", *options)

    def _collect(self, name: str, *options: str, **environment: str) -> Outcome:
        with tempfile.TemporaryDirectory(dir=self.ids_file.parent) as folder:
            published = Path(folder, "data", "published", "current.duckdb")

            def rows() -> object:
                with duckdb.connect(published, read_only=True) as con:
                    summary = con.execute("select summary from runs where command = 'collect'").fetchone()
                    assert summary is not None
                    self.summaries[name] = json.loads(summary[0])
                    return con.execute(TABLES).fetchone()

            settings = {"BASE_URL": self.base_url, "ACCESS_TOKEN": "any-token", "USER_ID": "7", "FETCH": "single"}
            environment = {f"AVATAR_TASKS_{key}": value for key, value in settings.items()} | environment
            return run_process([OURS, "collect", "--no-prefect", "--json", *options], rows, Path(folder), **environment)


def run(rounds: int, scale: float) -> Iterator[Row]:
    """As fast as the gateway allows, with latency, and under a limit of one request a second."""
    tasks = int(_TASKS * scale)
    for latency_seconds in (0.0, _LATENCY_SECONDS):
        with _site(tasks, latency_seconds) as site:
            yield from _beside_single(site, tasks, latency_seconds, rounds)
    tasks = int(_TASKS_UNDER_LIMIT * scale)
    with _site(tasks, 0.0) as site:
        yield from _under_limit(site, tasks)


def _beside_single(site: Site, tasks: int, latency_seconds: float, rounds: int) -> Iterator[Row]:
    contest = compete(
        {"single": site.single, "bulk": site.bulk, "list": site.listed, "httpx and pandas": site.script}, rounds
    )
    speeds = ", ".join(
        f"{name} {tasks / contest.seconds(name):,.0f}/s ({contest.cpu_seconds(name):.1f} s of CPU)"
        for name in contest.rounds[0]
    )
    at = f"{latency_seconds * 1000:g} ms latency"
    if not latency_seconds:
        pages = site.summaries["list"]["discovered"]["pages"]
        yield Row(f"requests for {tasks:,} tasks by list", pages, "requests", at_most(_MOST_PAGES), "a hundred a page")
    times = contest.times("single", "list")
    yield Row(f"{tasks:,} tasks by list, beside one request each, {at}", times, "times as fast", at_least(3), speeds)
    times = contest.times("httpx and pandas", "list")
    yield Row(f"{tasks:,} tasks by list, beside httpx and pandas, {at}", times, "times as fast", at_least(24), speeds)
    times, requests = contest.times("single", "bulk"), site.summaries["bulk"]["requests"]
    what = f"{tasks:,} tasks, a hundred ids a request, beside one each, {at}"
    yield Row(what, times, "times as fast", None, f"{requests} requests")


def _under_limit(site: Site, tasks: int) -> Iterator[Row]:
    limited = {"bulk": partial(site.bulk, "--rate", "1"), "list": partial(site.listed, "--rate", "1")}
    contest = compete(limited, 1)
    for name in limited:
        summary, seconds = site.summaries[name], contest.seconds(name)
        requests = summary["requests"] + (summary["discovered"] or {"pages": 0})["pages"]
        what = f"{tasks:,} tasks at one request a second, by {name}"
        detail = f"{seconds:.1f} s with start and load: {tasks / seconds * 60:,.0f} tasks a minute"
        yield Row(what, requests, "requests", at_most(tasks / _PAGE), detail)


@contextmanager
def _site(tasks: int, latency_seconds: float) -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder, fast_gateway.running(latency_seconds, tasks) as base_url:
        ids_file = Path(folder, "ids.txt")
        ids_file.write_text("\n".join(fast_gateway.ids(tasks)))
        yield Site(base_url, ids_file, {})
