"""What every cohort reads of all tasks is evaluated once for each published copy."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from reports.cohort import Cohort, choose, open_cohort
from warehouse.database.publish import publish
from warehouse.database.reader import open_beside_published
from warehouse.database.writer import open_writer
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

IMAGES: Final = Cohort(actions=("avatar-image",))
VIEWS: Final = ("accepted_lists", "failure_chance", "kind_follow_up")


class Spy:
    """A connection that notes what is executed."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.statements = con, list[str]()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the connection has
        return getattr(self.con, name)

    def execute(self, query: str, *more: object) -> duckdb.DuckDBPyConnection:
        self.statements.append(query)
        return self.con.execute(query, *more)


@pytest.fixture
def paths(week_paths: DataPaths, tmp_path: Path) -> DataPaths:
    shutil.copytree(week_paths.root, tmp_path / "data", symlinks=True)
    return DataPaths(tmp_path / "data")


def evaluated(paths: DataPaths, cohort: Cohort, *, keeps: bool = False) -> set[str]:
    """The views of the published copy that are evaluated while a cohort is chosen."""
    with closing(open_beside_published(paths)) as con:
        choose(spy := Spy(con), cohort, keeps=keeps)  # type: ignore[arg-type]
    return {view for view in VIEWS if any(one.endswith(f"from published.{view}") for one in spy.statements)}


def test_another_choice_of_filters_evaluates_nothing_of_all_tasks_again(paths: DataPaths) -> None:
    """Nor does the first one after a page of all tasks, whose chances to fail are these."""
    assert evaluated(paths, Cohort(), keeps=True) == {"accepted_lists", "kind_follow_up"}
    assert evaluated(paths, IMAGES) == set()


def test_a_new_copy_is_read_again(paths: DataPaths) -> None:
    """The rows of the copy before it are forgotten."""
    assert evaluated(paths, IMAGES) == set(VIEWS)
    with open_writer(paths.warehouse, wait_seconds=5) as con:
        con.execute("update tasks set last_observed_at = last_observed_at + interval 7 minutes where not is_terminal")
    publish(paths, wait_seconds=5)
    assert evaluated(paths, IMAGES) == set(VIEWS)
    assert evaluated(paths, IMAGES) == set()


def test_rows_that_were_kept_are_those_of_the_views(paths: DataPaths) -> None:
    for _ in range(2):
        with closing(open_cohort(paths, IMAGES)) as con:
            for view in ("accepted_lists", "kind_follow_up"):
                assert con.sql(f"from cohort.{view} except from published.{view}").fetchall() == []
                assert con.sql(f"from published.{view} except from cohort.{view}").fetchall() == []
            chances = "select * replace (round(p_failure, 9) as p_failure) from {} where action = 'avatar-image'"
            here, there = (chances.format(f"{name}.failure_chance") for name in ("cohort", "published"))
            assert con.sql(f"{here} except {there}").fetchall() == con.sql(f"{there} except {here}").fetchall() == []
            assert con.sql(here).fetchall()
