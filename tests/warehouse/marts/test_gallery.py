"""The example queries of `docs/queries/`: each runs on a simulated world."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from warehouse.backends.choose import reader
from warehouse.dictionary import QUERIES, asked_by, question, render_gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from warehouse.paths import DataPaths

FILES = sorted(QUERIES.glob("*.sql"))


@pytest.fixture(scope="module")
def warehouse(week_paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with a week of tasks."""
    with reader(week_paths) as con:
        con.execute("set timezone = 'Asia/Kolkata'")
        yield con


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_a_question_has_an_answer(path: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Every query runs and finds something in a world that has everything."""
    assert "?" in question(path)
    rows = warehouse.execute(path.read_text(encoding="utf-8")).fetchall()
    assert rows
    assert not all(value is None for row in rows for value in row)


def test_questions_are_answered_in_fewer_than_15_lines_and_asked_by_everybody() -> None:
    """By a product owner, an SRE and somebody from finance, five of each at least."""
    texts = {path.name: path.read_text(encoding="utf-8").splitlines() for path in FILES}
    lines = {
        name: [line for line in text if line.strip() and not line.startswith("--")] for name, text in texts.items()
    }
    assert not {name: len(found) for name, found in lines.items() if len(found) >= 15}
    asked = Counter(asked_by(path) for path in FILES)
    assert min(asked[who] for who in ("product owner", "SRE", "finance")) >= 5
    assert set(asked) == {"product owner", "SRE", "finance", "everybody"}
    assert len(FILES) >= 25


def test_the_list_of_questions_is_current() -> None:
    """`docs/queries/README.md` is what `python -m warehouse.dictionary` makes."""
    assert (QUERIES / "README.md").read_text(encoding="utf-8") == render_gallery()
