"""The first screen: every accepted id, every class of status, how old it is, and the same words wherever it is told."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

import pytest

from avatar_tasks import demo
from flows import report
from flows._prefect import artifacts
from pipeline.headline import headline
from pipeline.status import facts
from reports.cohort import Cohort
from reports.render import report_on
from tests.reports.conftest import NOW, TASK, Made, Values, make, published

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


POLICY: Final = "insert into polling_policy values ('default', 0.25, 15, 3600, 3, 1e10)"
REQUESTED: Final = "'2025-01-20 10:00:00Z'::timestamptz as requested_at"

#: 17 ids that were understood, two of them of a status nobody knows; 3 that were not, one given up, one never asked.
ODD: Final = f"""
    update tasks set status = 'UNKNOWN', is_terminal = false, finish_time = null, latency_seconds = null
    where task_id in ('task-3', 'task-4');
    insert into pending by name
    select
        'default' as source,
        id as task_id,
        {REQUESTED},
        requested_at as last_asked_at,
        if(id = 'lost', 3, 0) as missing_count,
        if(id like 'garbled%', 'malformed', if(id = 'lost', 'missing', null)) as last_outcome,
    from (values ('garbled-1'), ('garbled-2'), ('garbled-3'), ('lost'), ('new')) as ids(id);
    update pending set last_asked_at = null where task_id = 'new';
    insert into requests by name
    select source, task_id, {REQUESTED}, 'r' as run_id from tasks
    union all
    select source, task_id, requested_at, 'r' as run_id from pending;
    {POLICY}
"""  # noqa: S608 - a text of our own
ACCOUNTED: Final = "22 ids accepted: 17 understood, 3 quarantined, 1 given up, 1 pending"


def put_odd(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(TASK, {"status": "SUCCESS", "number": 17})
    con.execute(ODD)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report of a warehouse that lacks ids, and has statuses that nobody understands."""
    return make(published(tmp_path_factory.mktemp("odd"), put_odd))


def put_unclear(con: duckdb.DuckDBPyConnection) -> None:
    """Twenty tasks accepted at once, half of which took a minute, and ten accepted after a minute: two had ended."""
    con.execute(TASK, {"status": "SUCCESS", "number": 30})
    con.execute("""
        update tasks set
            submit_time = '2025-01-20 09:00:00Z',
            requested_at = if(number < 10, '2025-01-20 09:01:00Z', '2025-01-20 09:00:00Z')::timestamptz,
            latency_seconds = seconds,
            finish_time = '2025-01-20 09:00:00Z'::timestamptz + to_seconds(seconds)
        from (
            select
                range as number,
                case when range < 2 then 50 when range < 10 then 52 + 7 * range else 4 * range - 20 end as seconds,
            from range(30)
        ) where task_id = 'task-' || number""")


def test_lists_of_which_nobody_knows_how_they_were_drawn_are_named(tmp_path: Path) -> None:
    """In report and status, with what ends doubt; where a setting says it, nothing is said."""
    paths = published(tmp_path / "unclear", put_unclear)
    begins = "Whether 1 list of ids (10 tasks) came from running tasks alone is unclear"
    assert any(line.startswith(begins) for line in report_on(paths, Cohort(), NOW).in_short)
    assert facts(paths)["all_in_all"]["lists of ids"].startswith(begins)

    def put_clear(con: duckdb.DuckDBPyConnection) -> None:
        put_unclear(con)
        con.execute("""insert into requests by name
            select source, task_id, requested_at, 'r' as run_id, 'running' as drawn_from from tasks""")

    assert "lists of ids" not in facts(published(tmp_path / "clear", put_clear))["all_in_all"]


def text_of(made: Made) -> str:
    return " ".join(" ".join(Values.of(made.file.read_text(encoding="utf-8")).text).split())


def test_ids_that_are_in_no_figure_are_on_the_first_screen(odd: Made) -> None:
    """A total that says 17 says of how many, in report, status and demo; the four parts add up."""
    sentence = f"{ACCOUNTED}. 5 ids (22.7%) are in no figure here."
    assert sentence in odd.report.in_short
    tasks = odd.report.tiles[0]
    assert (tasks.value, tasks.tone, ACCOUNTED in tasks.notes) == (17, "bad", True)
    assert ACCOUNTED in text_of(odd)
    assert ("ids", ACCOUNTED) in headline(odd.paths, NOW)
    assert facts(odd.paths)["all_in_all"]["ids"] == ACCOUNTED


def test_a_status_nobody_understands_is_neither_running_nor_ended(odd: Made) -> None:
    """It has a number of its own in the counts, and a sentence."""
    assert "15 succeeded, 0 failed, 0 in flight, 2 of unknown status" in odd.report.tiles[0].notes
    assert {tile.key: tile.value for tile in odd.report.tiles}["in_flight"] == 0
    said = " ".join(odd.report.in_short)
    assert "2 tasks have a status that nobody understands: neither running nor ended, and in no curve." in said
    assert "No task is known to be running." in said
    assert "Every task has ended." not in said


def test_a_report_of_what_was_not_heard_of_lately_says_so_first(odd: Made, week: Made, tmp_path: Path) -> None:
    """Ids are due and no answer has come; where answers came, nothing is late."""
    assert odd.report.in_short[0].startswith("Not up to date: no usable answer has come yet although ids are due")
    assert not any("Not up to date" in line for line in week.report.in_short)
    objective = next(iter(facts_of_objectives(tmp_path / "slo").values()))
    assert "not known: no answer since" in objective
    assert "; in January 2025 100.0% of 3 were good" in objective, "long ago, not this month"


def facts_of_objectives(root: Path) -> dict[str, str]:
    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": 3})
        con.execute("insert into objectives values ('o', null, null, 120, 0.99)")

    found: dict[str, str] = facts(published(root, put))["objectives"]
    return found


def test_command_line_report_and_notebook_print_the_same(week: Made) -> None:
    """One definition of each headline figure: what `demo`, `status` and the artifacts print is what the tiles say."""
    printed = headline(week.paths, NOW)
    page, said = text_of(week), dict(printed)
    assert facts(week.paths, NOW)["all_in_all"] == said
    for tile in week.report.tiles:
        line = said[tile.label.lower()]
        for words in (tile.shown, tile.range_shown, *tile.notes):
            assert " ".join(words.split()) in page
            assert words in line or words in said["ids"]
    assert said["whose fault"] in html.unescape(page)


def test_every_place_prints_the_same_lines() -> None:
    """`demo`, the flow's summary and the report's flow take them from the one function."""
    assert [vars(place)["headline"] for place in (demo, artifacts, report)] == [headline] * 3


def test_the_rate_of_the_provider_counts_what_a_rule_says_is_the_providers(tmp_path: Path) -> None:
    """Refused content and bad input are not: 2 of 20 are theirs where 6 of 20 failed."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": 20})
        con.execute("""
            update tasks set status = 'FAILURE',
                fail_class = ['provider', 'input', 'content_policy', 'unknown', 'provider', 'account'][range_number + 1]
            from (select range as range_number from range(6)) where task_id = 'task-' || range_number""")

    found = dict(headline(published(tmp_path, put), NOW))
    assert found["failure rate"].startswith("30%")
    assert "by the provider 10% (2.8% to 30.1%)" in found["failure rate"]
