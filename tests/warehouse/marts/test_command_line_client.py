"""The published file through the plain `duckdb` command line, with nothing of ours on its path."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.warehouse.marts.cases import MARTS
from warehouse.database.schema import definitions
from warehouse.dictionary import QUERIES

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.paths import DataPaths

VIEWS = [one.name for one in definitions("marts") if one.kind == "view"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        importlib.util.find_spec("duckdb_cli") is None, reason="the package duckdb-cli is not installed"
    ),
]


@pytest.fixture
def published(week_paths: DataPaths) -> Path:
    """What readers open, of a simulated world."""
    return week_paths.published


def duckdb(published: Path, sql: str, zone: str = "UTC") -> list[dict[str, Any]]:
    """The rows that `duckdb -readonly <published> "<sql>"` prints, run from a folder that is not ours."""
    done = subprocess.run(
        [sys.executable, "-m", "duckdb_cli", "-readonly", "-json", str(published), sql],
        cwd=published.parent,
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout) if done.stdout.strip() else []
    return rows


def test_a_view_answers_from_the_plain_command_line(published: Path) -> None:
    """`duckdb -readonly data/published/current.duckdb "from latency_daily"`."""
    days = duckdb(published, "from latency_daily order by all")
    assert sum(day["submitted"] for day in days) > 700
    assert {"bucket_start", "p50_seconds", "p99_seconds"} <= set(days[0])


def test_every_view_is_on_the_published_file_and_answers(published: Path) -> None:
    """All of them in one go; that any one fails is an error."""
    counts = " union all by name ".join(f"select '{view}' as name, count(*) as n from {view}" for view in VIEWS)  # noqa: S608
    assert {row["name"] for row in duckdb(published, counts)} == set(VIEWS)


def test_every_view_and_macro_has_its_comment(published: Path) -> None:
    """Comments are on the published copy, too."""
    commented = duckdb(
        published,
        """
        select view_name as name from duckdb_views() where comment is not null
        union all
        select function_name from duckdb_functions() where not internal and comment is not null
        """,
    )
    assert {row["name"] for row in commented} == set(MARTS)


def test_the_gallery_runs_there_in_any_time_zone(published: Path) -> None:
    """The same rows, whatever the time zone of the machine."""
    query = (QUERIES / "15-are-objectives-met.sql").read_text(encoding="utf-8")
    counts = (
        f"select objective, epoch(month_start) as month, good, total from ({query.rstrip().rstrip(';')}) order by all"  # noqa: S608
    )
    assert duckdb(published, counts, "Asia/Kolkata") == duckdb(published, counts)
