"""One warehouse in memory for all of these tests, empty at the start of each: its catalog takes a while to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warehouse.database.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


@pytest.fixture(scope="session")
def _warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as con:
        yield con


@pytest.fixture
def con(_warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The warehouse, without a task and with its session in UTC."""
    _warehouse.execute("delete from tasks")
    _warehouse.execute("set timezone = 'UTC'")
    return _warehouse
