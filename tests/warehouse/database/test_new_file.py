"""A new warehouse file is a copy of an empty one that is kept beside the modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.warehouse.tables import column
from warehouse.database import schema, writer
from warehouse.database.log_check import change_state
from warehouse.database.writer import open_writer

if TYPE_CHECKING:
    from pathlib import Path

#: Everything that the statements of a new warehouse leave in its catalog.
CATALOG = """
    select kind, name, comment, sql from (
        select 'table' as kind, table_name as name, comment, sql from duckdb_tables()
        union all
        select 'view', view_name, comment, sql from duckdb_views() where not internal
        union all
        select 'macro', function_name, comment, macro_definition from duckdb_functions() where not internal
        union all
        select 'column', table_name || '.' || column_name, comment, data_type from duckdb_columns() where not internal
    ) order by all
"""


def catalog_of(path: Path) -> list[tuple[str, ...]]:
    for _ in range(3):  # DuckDB writes definitions in words of its own, which settle as it reads them back
        with open_writer(path, 5) as con:
            change_state(con)
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(CATALOG).fetchall()


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwritable() -> Path:
        raise PermissionError

    monkeypatch.setattr(writer, "empty_file", unwritable)


def test_a_copy_has_what_the_statements_make(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Tables, views, macros, and every comment, also where nothing can be kept beside the modules."""
    copied = catalog_of(tmp_path / "copied.duckdb")
    request.getfixturevalue("no_cache")
    made = catalog_of(tmp_path / "made.duckdb")
    assert copied == made
    assert len(made) > 500


def test_two_new_warehouses_do_not_begin_with_the_same_state(tmp_path: Path) -> None:
    """Or the log of one would pass for the log of the other."""
    states = set()
    for name in ("one", "two"):
        with open_writer(tmp_path / f"{name}.duckdb", 5) as con:
            states.update(column(con, "select state from catalog_version"))
    assert len(states) == 2


def test_another_version_of_a_view_is_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The kept file is named after all statements and DuckDB's version, and the one before it goes."""
    package = tmp_path / "package"
    for folder in ("tables", "marts", "queries"):
        (package / folder).mkdir(parents=True)
        for path in (schema.PACKAGE / folder).glob("*.sql"):
            (package / folder / path.name).symlink_to(path)
    monkeypatch.setattr(schema, "PACKAGE", package)

    def forget() -> None:
        schema.definitions.cache_clear()
        schema.fingerprint.cache_clear()

    request.addfinalizer(forget)
    forget()
    with open_writer(tmp_path / "before.duckdb", 5):
        [before] = (package / "__pycache__").glob("empty-*")
    (package / "marts" / "added.sql").write_text(
        "-- One row: a test.\n--\n-- n: a number\ncreate or replace view added as\nselect 7 as n;\n", encoding="utf-8"
    )
    forget()
    with open_writer(tmp_path / "after.duckdb", 5) as con:
        assert column(con, "from added") == [7]
    [after] = (package / "__pycache__").glob("empty-*")
    assert after != before
