"""Every analysis view says on a lake what it says on a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.marts.cases import Case, all_cases, differences
from warehouse.ducklake.lake import Lake
from warehouse.ducklake.sessions import lake_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    from _pytest.mark import ParameterSet

    from tests.postgres import Postgres


@pytest.fixture(scope="module")
def warehouse(postgres: Postgres, empty_lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake, its tables empty."""
    lake = Lake(postgres.new_database(empty_lake.catalog), empty_lake.data)
    with lake_writer(lake, wait_seconds=10) as con:
        yield con


def _cases() -> Iterator[ParameterSet]:
    """One of each view; `make soak` takes all."""
    seen: set[str] = set()
    for case in all_cases():
        marks = [pytest.mark.soak] if case.view in seen else []
        seen.add(case.view)
        yield pytest.param(case, id=f"{case.view}/{case.folder.name}", marks=marks)


@pytest.mark.parametrize("case", list(_cases()))
def test_a_view_says_what_the_case_expects(case: Case, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Rows in, rows out: the very cases that the same files are held to in a file."""
    warehouse.execute("begin")
    try:
        case.fill(warehouse)
        said, should = case.found(warehouse)
    finally:
        warehouse.execute("rollback")
    assert differences(said, should) == []
