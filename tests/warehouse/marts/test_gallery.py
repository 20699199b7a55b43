"""The example queries of `docs/queries/`: each runs on a simulated world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.marts.world import fill, make_world
from warehouse.database.scratch import scratch
from warehouse.dictionary import QUERIES, question, render_gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

FILES = sorted(QUERIES.glob("*.sql"))


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with a week of tasks."""
    with scratch() as con:
        fill(con, make_world())
        con.execute("set timezone = 'Asia/Kolkata'")
        yield con


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_a_question_has_an_answer(path: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Every query runs and finds something in a world that has everything."""
    assert "?" in question(path)
    rows = warehouse.execute(path.read_text(encoding="utf-8")).fetchall()
    assert rows
    assert not all(value is None for row in rows for value in row)


def test_the_list_of_questions_is_current() -> None:
    """`docs/queries/README.md` is what `python -m warehouse.dictionary` makes."""
    assert (QUERIES / "README.md").read_text(encoding="utf-8") == render_gallery()
