"""The data dictionary has all that there is, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.tables import rolled_back
from warehouse.database.schema import Definition, definitions
from warehouse.dictionary import DOCS, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

EVERYTHING = [*definitions("tables"), *definitions("marts")]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, its tables empty."""
    with rolled_back() as con:
        yield con


def test_the_dictionary_is_current() -> None:
    """`docs/warehouse.md` is what `python -m warehouse.dictionary` makes of the headers."""
    assert (DOCS / "warehouse.md").read_text(encoding="utf-8") == render()


def test_the_dictionary_has_everything() -> None:
    """Every table, view and macro has its entry."""
    text = render()
    assert [one.name for one in EVERYTHING if f"### {one.name}" not in text] == []


@pytest.mark.parametrize("one", [pytest.param(one, id=one.name) for one in EVERYTHING if one.kind == "macro"])
def test_the_header_of_a_macro_describes_what_it_gives_or_takes(
    one: Definition, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """The columns of a table macro; the parameters of a scalar one."""
    kind, parameters = warehouse.execute(
        "select function_type, parameters from duckdb_functions() where function_name = $name", {"name": one.name}
    ).fetchall()[0]
    if kind == "table_macro":
        nothing = ", ".join("null" for _ in parameters)
        assert list(one.columns) == _columns(warehouse, f"from {one.name}({nothing})")
    else:
        assert list(one.columns) == parameters


def _columns(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [name for name, *_ in con.execute(f"describe {query}").fetchall()]
