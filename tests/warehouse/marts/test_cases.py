"""Every view and macro, case by case: rows in, rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.marts.cases import MARTS, Case, all_cases, differences, uses_calendar
from tests.warehouse.tables import rolled_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

#: In a second time zone only where the session's time zone could make a difference.
CASES = [
    pytest.param(case, zone, id=f"{case.view}/{case.folder.name}-{zone}")
    for case in all_cases()
    for zone in ("UTC", "Asia/Kolkata")
    if zone == "UTC" or uses_calendar(case.view)
]


@pytest.fixture
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, its tables empty."""
    with rolled_back() as con:
        yield con


@pytest.mark.parametrize(("case", "zone"), CASES)
def test_a_view_has_the_rows_that_the_case_expects(case: Case, zone: str, empty: duckdb.DuckDBPyConnection) -> None:
    """Rows in, rows out, whatever the time zone of the session."""
    empty.execute("set timezone = $zone", {"zone": zone})
    case.fill(empty)
    actual, expected = case.found(empty)
    assert differences(actual, expected) == []


@pytest.mark.parametrize("view", MARTS)
def test_every_view_has_a_case(view: str) -> None:
    """A view without a case folder is a view that is not tested."""
    assert any(case.view == view for case in all_cases())


def test_every_case_is_of_a_view() -> None:
    """A case whose view is gone would never run."""
    assert {case.view for case in all_cases()} <= set(MARTS)
