"""What a view says of a task's kind depends on that kind alone, whatever else is in the tables and however it is named.

Three worlds beside a plain one: with tasks that are in no curve (an unknown status, no time of submission), with the
same ids at another gateway and under another action, all of which fare differently, and without the action's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.warehouse.marts.cases import differences
from tests.warehouse.marts.test_identity_conflicts import call, has_rows
from tests.warehouse.tables import rolled_back, rows
from warehouse.database.schema import definitions

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb

    Rows = dict[str, list[dict[str, Any]]]

#: 900 tasks of one kind, one a minute. From midnight on more of them fail and all take longer; the last twenty run, as
#: do a few earlier ones. Ids were accepted in lists of ten minutes; each task was polled twice.
WORLD: Final = """
insert into tasks by name
select
    'here' as source,
    'task-' || range as task_id,
    'sing' as action,
    range < 880 and luck < 96 as is_terminal,
    if(is_terminal, if(luck < if(range < 600, 8, 40), 'FAILURE', 'SUCCESS'), 'IN_PROGRESS') as status,
    if(status = 'FAILURE', ['upstream lost', 'no face'][1 + luck % 2], null) as fail_reason,
    if(status = 'FAILURE', ['provider', 'input'][1 + luck % 2], null) as fail_class,
    if(status = 'FAILURE' and luck % 2 = 0, 'upstream', null) as fail_rule,
    '2026-01-19 14:00:00+00'::timestamptz + to_seconds(60 * range) as submit_time,
    if(is_terminal, (40 + luck) * if(range < 600, 1, 1.6), null) as latency_seconds,
    latency_seconds / 4 as queue_seconds,
    latency_seconds * 3 / 4 as run_seconds,
    if(luck = 50, null, submit_time + to_microseconds((latency_seconds * 1e6)::bigint)) as finish_time,
    submit_time + to_microseconds((queue_seconds * 1e6)::bigint) as start_time,
    '2026-01-20 05:00:00+00'::timestamptz as last_observed_at,
    submit_time + to_seconds(20) as first_observed_at,
    if(is_terminal, first_observed_at, last_observed_at) as last_running_at,
    if(is_terminal, submit_time + to_seconds(400), null) as first_terminal_at,
    to_timestamp(ceil(epoch(submit_time) / 600) * 600) as requested_at,
    1000 as quota,
    ['one', 'two'][1 + range % 2] as platform,
    'task_envelope' as shape,
    if(luck = 50, ['finish_missing'], []) as quality_flags,
    if(status = 'SUCCESS', 'https://example.com/' || range, null) as result_url,
    if(status = 'SUCCESS', submit_time + interval 1 day, null) as result_expires_at,
from (select range, (hash(range) % 97)::bigint as luck from range(900));
insert into works by name
select source, task_id, hash(task_id) % 40 as work_hash, 't' || hash(task_id) % 3 as template_id, 1 as pt_count,
from tasks;
insert into observations by name
select source, task_id, unnest([first_observed_at, last_observed_at]) as observed_at, 'task' as outcome,
    unnest(['IN_PROGRESS', status]) as status, 20 as elapsed_ms, 1 as attempts, 0 as refusals, task_id as request_id
from tasks;
insert into requests by name select source, task_id, requested_at from tasks;
insert into runs by name select 'here' as source, '2026-01-20 04:59:00+00' as finished_at;
insert into pending by name
select source, task_id, requested_at, submit_time, status, last_observed_at as last_asked_at, 0 as missing_count,
from tasks
where not is_terminal;
insert into observations by name
select 'here' as source, 'lost-' || range as task_id, '2026-01-19 20:30:00+00' as observed_at, 'missing' as outcome,
    20 as elapsed_ms, 1 as attempts, 0 as refusals
from range(100);
insert into pending by name
select 'here' as source, 'lost-' || range as task_id, '2026-01-19 14:00:00+00' as requested_at,
    '2026-01-19 20:30:00+00' as last_asked_at, 3 + range % 3 as missing_count, 'missing' as last_outcome,
from range(40);
insert into polling_policy select distinct source, 0.25, 15, 3600, 3, 20000 from tasks;
insert into failure_rules values (1, 'upstream', 'upstream', 'provider', false);
insert into objectives values ('fast', 'here', 'sing', 100, 0.95);
insert into pricing values (500000, 1, 'unit');
"""

#: A quarter more of a status that nobody understands, and as many works that came without their task.
ODD: Final = """
insert into tasks by name
select * replace (
    'odd ' || task_id as task_id,
    'UNKNOWN' as status,
    false as is_terminal,
    null as fail_reason, null as fail_class, null as fail_rule, null as latency_seconds, null as queue_seconds,
    null as run_seconds, null as start_time, null as finish_time, null as first_terminal_at, null as result_url,
    null as result_expires_at, last_observed_at as last_running_at, [] as quality_flags
)
from tasks
where hash(task_id) % 4 = 0;
insert into tasks by name
select * replace (
    'odd, too ' || task_id as task_id,
    if(is_terminal, 'SUCCESS', 'IN_PROGRESS') as status,
    null as fail_reason, null as fail_class, null as fail_rule, null as submit_time, null as latency_seconds,
    null as queue_seconds, null as run_seconds, null as result_url, null as result_expires_at, [] as quality_flags
)
from tasks
where hash(task_id) % 4 = 1 and not starts_with(task_id, 'odd');
insert into works by name
select source, task_id, if(submit_time is null, '1', task_id) as work_hash, 't1' as template_id, 1 as pt_count,
from tasks
where starts_with(task_id, 'odd');
"""
NOT_ODD: Final = "delete from {} where starts_with(task_id, 'odd')"

#: The same tasks once more at another gateway, where lists were drawn from running tasks, and under other ids and
#: another action: what succeeded here failed there, and took half as long.
OTHERS: Final = """
create temp table others as
select * replace (
    if(is_terminal, if(status = 'SUCCESS', 'FAILURE', 'SUCCESS'), status) as status,
    if(status = 'SUCCESS', 'else', null) as fail_reason,
    if(status = 'SUCCESS', 'input', null) as fail_class,
    null as fail_rule,
    latency_seconds / 2 + 0.25 as latency_seconds,
    queue_seconds / 2 as queue_seconds,
    run_seconds / 2 as run_seconds,
    submit_time + to_microseconds(epoch_us(finish_time - submit_time) // 2) as finish_time,
    submit_time + to_microseconds(epoch_us(start_time - submit_time) // 2) as start_time
)
from tasks;
insert into tasks by name
select * replace ('there' as source, last_observed_at + interval 3 hours as last_observed_at) from others;
insert into tasks by name
select * replace (
    'other ' || task_id as task_id, 'dance' as action, requested_at + interval 5 minutes as requested_at
)
from others;
create temp table other_works as from works;
insert into works by name select * replace ('there' as source) from other_works;
insert into works by name
select * replace ('other ' || task_id as task_id, 'x' || work_hash as work_hash) from other_works;
insert into observations by name
select * replace ('there' as source, observed_at - interval 5 hours as observed_at, 'r' as request_id)
from observations;
insert into requests by name select 'there' as source, task_id, requested_at, 'running' as drawn_from from requests;
insert into runs by name select 'there' as source, '2026-01-20 04:00:00+00' as finished_at;
insert into pending by name
select * replace ('there' as source, 'malformed' as last_outcome, 3 as missing_count) from pending;
"""
#: What was submitted before or after the ranges of time that some macros are called with.
OUTSIDE: Final = "delete from tasks where submit_time < '2026-01-19 18:00:00Z' or submit_time >= '2026-01-20 02:00:00Z'"
_RANGE: Final = "('2026-01-19 18:00:00Z', '2026-01-20 02:00:00Z')"
_TWO: Final = "('2026-01-19 18:00:00Z', '2026-01-19 20:00:00Z', '2026-01-20 00:00:00Z', '2026-01-20 02:00:00Z')"
#: The ten youngest fail at once; those of their age that will succeed still run.
YOUNG: Final = """
update tasks
set status = 'FAILURE', is_terminal = true, fail_class = 'provider', latency_seconds = 1
where submit_time >= '2026-01-20 04:50:00Z'
"""
OF_FOLLOWED_UP: Final = ("change_points_between", "drivers_between", "period_comparison")
RANGES: Final = {
    "change_points_between": _RANGE,
    "drivers_between": _RANGE,
    "latency_life_table_between": _RANGE,
    "latency_survival_between": _RANGE,
    "outcome_incidence_between": _RANGE,
    "period_comparison": _TWO,
}


#: All but those that only call a macro.
VIEWS: Final = [one.name for one in definitions("marts") if has_rows(one) and " as\nfrom " not in one.sql]
#: Views of all gateways and kinds together, of which some compare kinds.
OF_ALL: Final = {"data_quality", "drivers", "drivers_between", "failure_reasons", "failure_reasons_unmatched"}
#: Columns of that sort: numbers of a curve, corrections for all that was looked at, and flags made of those.
COLUMNS_OF_ALL: Final = {"curve_number", "q_value", "is_clear", "is_anomaly"}
#: What counts every task, the odd ones included.
COUNTING: Final = {"data_quality", "data_quality_by"}
COLUMNS_COUNTING: Final = {"submitted", "unknown", "tasks", "quota_known_share", "charged_unknown"}


@pytest.fixture(scope="module")
def worlds() -> dict[str, Rows]:
    """What every view says in each of the worlds, all at one time."""
    with rolled_back() as con:
        con.execute(WORLD)
        found = {"plain": told(con)}
        con.execute(ODD)
        found["odd"] = told(con)
        for table in ("tasks", "works"):
            con.execute(NOT_ODD.format(table))
        for table in ("tasks", "objectives"):
            con.execute(f"update {table} set action = null")  # noqa: S608 - one of two names
        found["nameless"] = told(con)
        for table in ("tasks", "objectives"):
            con.execute(f"update {table} set action = 'sing'")  # noqa: S608 - one of two names
        con.execute(OTHERS)
        found["others"] = told(con)
    with rolled_back() as con:
        con.execute(WORLD)
        found["whole"] = in_range(con)
        con.execute(OUTSIDE)
        found["cut"] = in_range(con)
    with rolled_back() as con:
        con.execute(WORLD)
        con.execute(YOUNG)
        found["young"] = {name: rows(con, f"from {call(name)} order by all") for name in OF_FOLLOWED_UP}
    return found


def told(con: duckdb.DuckDBPyConnection) -> Rows:
    return {name: rows(con, f"from {call(name)} order by all") for name in VIEWS}


def in_range(con: duckdb.DuckDBPyConnection) -> Rows:
    return {name: rows(con, f"from {name}{arguments} order by all") for name, arguments in RANGES.items()}


def is_of(row: dict[str, Any], prefix: str) -> bool:
    return str(row.get("task_id", row.get("first_task_id"))).startswith(prefix)


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]], but: Collection[str] = ()) -> None:
    """The same rows, floats to nine digits, lists in any order."""
    both = [
        [tuple(sorted(v) if isinstance(v, list) else v for name, v in row.items() if name not in but) for row in one]
        for one in (found, expected)
    ]
    assert differences(*both) == []


@pytest.mark.parametrize("view", sorted(set(VIEWS) - COUNTING))
def test_what_is_in_no_curve_changes_no_figure(worlds: dict[str, Rows], view: str) -> None:
    """Not a quarter of the tasks with a status that nobody understands, nor works without their task."""
    found = [row for row in worlds["odd"][view] if not is_of(row, "odd")]
    assert_same(found, worlds["plain"][view], COLUMNS_COUNTING)


@pytest.mark.parametrize("view", sorted(set(VIEWS) - OF_ALL))
def test_other_gateways_and_kinds_of_task_change_no_figure(worlds: dict[str, Rows], view: str) -> None:
    """Neither the same ids at another gateway nor other tasks at the same one."""
    found = [
        row
        for row in worlds["others"][view]
        if row.get("source") == "here" and row.get("action") != "dance" and not is_of(row, "other")
    ]
    if view == "accepted_lists":  # those of the other kind were accepted in other minutes
        found = [row for row in found if row["accepted_minute"].minute % 10 == 0]
    expected = [row for row in worlds["plain"][view] if row["source"]]
    assert_same(found, expected, COLUMNS_OF_ALL)


@pytest.mark.parametrize("view", RANGES)
def test_what_is_outside_of_the_range_of_time_changes_no_figure(worlds: dict[str, Rows], view: str) -> None:
    """A period is what was submitted from its first instant on, up to its last."""
    assert worlds["whole"][view]
    assert_same(worlds["whole"][view], worlds["cut"][view])


@pytest.mark.parametrize("view", OF_FOLLOWED_UP)
def test_tasks_too_young_to_be_compared_change_no_figure(worlds: dict[str, Rows], view: str) -> None:
    """Of those that were watched for a short time only the quick ends are known."""
    assert_same(worlds["young"][view], worlds["plain"][view])


@pytest.mark.parametrize("view", VIEWS)
def test_a_kind_without_a_name_is_a_kind_like_any_other(worlds: dict[str, Rows], view: str) -> None:
    """NULL is compared as a value."""
    names = ("action", "objective_action")
    named = [row | {one: None for one in names if row.get(one) == "sing"} for row in worlds["plain"][view]]
    assert_same(worlds["nameless"][view], named)


@pytest.mark.parametrize("view", VIEWS)
def test_the_world_has_something_for_every_view(worlds: dict[str, Rows], view: str) -> None:
    """Of no rows nothing would be tested."""
    assert worlds["plain"][view] or view in {"lasting_storms_at", "mixed_up_answers"}
