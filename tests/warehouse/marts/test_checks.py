"""What cases of rows in and rows out cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.warehouse.tables import rolled_back
from transforms.tasks import _flags
from warehouse.database.schema import definitions
from warehouse.database.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

VIEWS = [one.name for one in definitions("marts") if one.kind == "view" and one.name != "data_quality"]


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse that is new."""
    with rolled_back() as con:
        yield con


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_warehouse_gives_no_rows(view: str, empty: duckdb.DuckDBPyConnection) -> None:
    """A warehouse that is new gives empty answers, not errors."""
    assert empty.execute(f"from {view}").fetchall() == []


def test_every_flag_has_its_check(empty: duckdb.DuckDBPyConnection) -> None:
    """A flag that a load sets and no check counts would go unnoticed."""
    checks = {name for (name,) in empty.execute("select check_name from data_quality").fetchall()}
    assert set(_flags()) | {"result_expired", "identity_conflict", "drawn_from_unclear"} == checks


def test_a_view_needs_no_extension() -> None:
    """Published files are read where nothing can be downloaded: everything is in DuckDB itself."""
    with scratch() as con:
        con.execute("set autoload_known_extensions = false")
        for view in VIEWS:
            con.execute(f"from {view}")
        loaded = con.execute("select extension_name, install_mode from duckdb_extensions() where loaded").pl()
    assert set(loaded.filter(pl.col("install_mode") != "STATICALLY_LINKED")["extension_name"]) == set()
