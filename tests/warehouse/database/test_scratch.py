"""A warehouse in memory is a copy of an empty one, and like one that is made from the `.sql` files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from warehouse.database import scratch as temporary
from warehouse.database.scratch import scratch
from warehouse.database.session import in_memory, prepare

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

DESCRIBED = """
    select table_name as name, comment from duckdb_tables()
    union all select table_name || '.' || column_name, comment from duckdb_columns() where not internal
    union all select view_name, comment from duckdb_views() where not internal
    union all select function_name, comment from duckdb_functions() where not internal
    union all select constraint_text, table_name from duckdb_constraints()
    order by all
"""


def described(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return con.execute(DESCRIBED).fetchall()


def no_cache() -> Path:
    raise OSError("read-only")


@pytest.mark.parametrize("may_cache", [True, False])
def test_it_has_every_table_view_and_macro_with_its_comment(
    monkeypatch: pytest.MonkeyPatch, *, may_cache: bool
) -> None:
    """Also where no empty warehouse can be cached; and nothing else is attached to it."""
    if not may_cache:
        monkeypatch.setattr(temporary, "empty_file", no_cache)
    with contextlib.closing(in_memory()) as made, scratch() as con:
        prepare(made)
        assert described(con) == described(made) != []
        assert con.execute("select database_name from duckdb_databases() where not internal").fetchall() == [
            ("memory",)
        ]


def test_where_it_can_it_is_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nothing has to be created."""
    monkeypatch.setattr("warehouse.database.schema._renew", lambda _con: pytest.fail("created"))
    with scratch() as con:
        assert con.execute("select count(*) from due_tasks").fetchall() == [(0,)]
