"""The header of a `.sql` file is read in one way, for the catalog, the dictionary and the example queries."""

from __future__ import annotations

import pytest

from warehouse.database.header import Header, read_header

WHOLE = """\
-- One row per task,
-- running or not.
--
-- task_id: the id
-- age_seconds: how old: at the last poll
--   at it
--
-- After a formula
-- of Wilson.
--
-- And more.
create view v as
-- inside
select 1
"""


def test_a_header_has_grain_columns_and_notes() -> None:
    """Lines of a block belong together; what comes after the header does not belong to it."""
    assert read_header(WHOLE) == Header(
        title="One row per task,",
        grain="One row per task, running or not.",
        columns={"task_id": "the id", "age_seconds": "how old: at the last poll at it"},
        notes=("After a formula of Wilson.", "And more."),
    )


@pytest.mark.parametrize(
    ("sql", "title"),
    [
        pytest.param("-- What is stuck?\n-- A remark.\nfrom stuck_tasks", "What is stuck?", id="a question"),
        pytest.param("--What is stuck?\n", "What is stuck?", id="without a space"),
        pytest.param("from stuck_tasks -- all", "", id="no header"),
        pytest.param("", "", id="an empty file"),
    ],
)
def test_a_file_may_have_a_title_alone(sql: str, title: str) -> None:
    """An example query has its question first, and no columns."""
    found = read_header(sql)
    assert (found.title, found.columns, found.notes) == (title, {}, ())
