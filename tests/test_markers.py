"""`make unit` stays quick: what needs a server, a browser or a process has a marker, given automatically."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import BY_FIXTURE, group_of, markers_for

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("file", "fixtures", "markers"),
    [
        pytest.param("flows/test_flow.py", ["tmp_path", "server_home"], {"prefect"}, id="a Prefect server"),
        pytest.param("warehouse/ducklake/test_load.py", ["postgres"], {"postgres"}, id="a PostgreSQL server"),
        pytest.param("reports/test_browser.py", ["browser"], {"browser", "e2e"}, id="a browser"),
        pytest.param("avatar_tasks/test_sql.py", ["connected"], {"e2e"}, id="the command line"),
        pytest.param("promises/test_crash.py", [], {"e2e"}, id="a promise"),
        pytest.param("warehouse/load/test_ledger.py", [], {"e2e"}, id="loads of archives"),
        pytest.param("flows/test_fan_out.py", ["server_home", "postgres"], {"prefect", "postgres"}, id="two servers"),
        pytest.param("warehouse/marts/test_cases.py", ["tmp_path"], set(), id="nothing of the kind"),
    ],
)
def test_what_a_test_uses_gives_its_markers(file: str, fixtures: Sequence[str], markers: set[str]) -> None:
    """By its fixtures and by its folder."""
    assert markers_for(HERE / file, fixtures) == markers


@pytest.mark.parametrize(
    ("file", "group"),
    [
        pytest.param("flows/test_fan_out.py", "flows", id="one Prefect server"),
        pytest.param("warehouse/ducklake/test_load.py", "warehouse/ducklake", id="one PostgreSQL server"),
        pytest.param("warehouse/marts/test_cases.py", "warehouse/marts/test_cases.py", id="what a module makes once"),
    ],
)
def test_tests_that_share_what_takes_long_to_start_run_in_one_process(file: str, group: str) -> None:
    """So that each is started once."""
    assert group_of(file) == group
    assert (HERE / group).exists()


def test_a_fixture_that_gives_a_marker_is_one_of_a_conftest_or_a_test() -> None:
    """A fixture that was renamed would silently give no marker any more."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in HERE.rglob("*.py"))
    assert [name for name in BY_FIXTURE if f"\ndef {name}(" not in text] == []


def test_a_process_of_an_unmarked_test_is_refused() -> None:
    """This is one; the message says what to do."""
    with pytest.raises(
        RuntimeError, match=r"test_a_process_of_an_unmarked_test_is_refused starts .* pytest\.mark\.e2e"
    ):
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.e2e
def test_a_process_of_a_marked_test_runs() -> None:
    """As before."""
    assert subprocess.run([sys.executable, "-c", ""], check=True).returncode == 0
