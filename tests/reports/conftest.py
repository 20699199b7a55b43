"""Published warehouses of every sort, and one report of a simulated week, made once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

import pytest

from reports.cohort import Cohort
from reports.render import report_on, write_html
from tests.warehouse.marts.statistics import planted
from tests.warehouse.marts.statistics.planted import START
from tests.warehouse.marts.world import END
from warehouse.database.publish import publish
from warehouse.database.writer import open_writer
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

    from reports.report import Report

NOW: Final = datetime(2025, 1, 20, 12, 5, tzinfo=UTC)
#: When half of all tasks begin to fail in the page `changed`, and when it is made.
CHANGED_AT: Final = START + timedelta(days=8, hours=9)
CHANGED_END: Final = START + timedelta(days=14)

TASK: Final = """
    insert into tasks by name
    select
        'default' as source,
        'task-' || range as task_id,
        'avatar-generate' as action,
        $status as status,
        $status in ('SUCCESS', 'FAILURE') as is_terminal,
        if($status = 'FAILURE', 'GPU lost <script>alert(1)</script> 生成失败', null) as fail_reason,
        if($status = 'FAILURE', 'provider', null) as fail_class,
        '2025-01-20 10:00:00Z'::timestamptz + to_seconds(60 * range) as submit_time,
        submit_time + to_seconds(15) as start_time,
        if(is_terminal, submit_time + to_seconds(60), null) as finish_time,
        15.0 as queue_seconds,
        if(is_terminal, 45.0, null) as run_seconds,
        if(is_terminal, 60.0, null) as latency_seconds,
        if(is_terminal, 90.0, null) as provider_latency_seconds,
        'task_envelope' as shape,
        submit_time as first_observed_at,
        submit_time + to_seconds(70) as last_observed_at,
        if(is_terminal, submit_time + to_seconds(70), null) as first_terminal_at,
        []::varchar[] as quality_flags,
    from range($number)
"""


@dataclass(frozen=True)
class Made:
    """A report, and where it came from."""

    paths: DataPaths
    report: Report
    file: Path


def published(root: Path, put: Callable[[duckdb.DuckDBPyConnection], object]) -> DataPaths:
    """A published warehouse with what `put` puts into its tables."""
    root.mkdir(parents=True, exist_ok=True)
    paths = DataPaths(root)
    with open_writer(paths.warehouse, 5) as con:
        put(con)
    publish(paths, 5)
    return paths


def make(paths: DataPaths, cohort: Cohort | None = None, now: datetime = NOW) -> Made:
    report = report_on(paths, cohort or Cohort(), now)
    return Made(paths, report, write_html(report, paths.reports / "report.html"))


@pytest.fixture(scope="session")
def week(week_paths: DataPaths) -> Made:
    """The report on that week."""
    assert END < NOW
    return make(week_paths)


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The report on two weeks in which half of all fail from one hour on, and one voice engine takes a third longer."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        planted.fill(con, 3, tasks=6000, days=14, cause="slow", step_at=CHANGED_AT)
        con.execute("""
            update tasks set fail_reason = 'GPU lost 生成失败' where status = 'FAILURE';
            update tasks set result_url = 'https://cdn.example/' || task_id || '.mp4' where status = 'SUCCESS'""")

    return make(published(tmp_path_factory.mktemp("changed"), put), now=CHANGED_END)


class Values(HTMLParser):
    """The numbers of a page, `<data value data-name>`, by the id of the tile or figure they are in, and their name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, list[str]]] = {}
        self.ids: list[str] = []
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if (tag == "figure" or "tile" in (given.get("class") or "")) and given.get("id"):
            self.ids.append(given["id"] or "")
        if tag == "data":
            row = self.found.setdefault(self.ids[-1], {})
            row.setdefault(given.get("data-name") or "", []).append(given["value"] or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @classmethod
    def of(cls, page: str) -> Values:
        values = cls()
        values.feed(page)
        return values
