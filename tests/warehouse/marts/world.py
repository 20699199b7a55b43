"""A warehouse filled with what a simulated world knows of itself, as a few looks at it would have found it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pytest

from simulator import World
from simulator.life import observe
from transforms.params import asked_for
from transforms.schema import OBSERVATIONS, PT_INFOS, REQUESTS, SCHEMA_DRIFT, TASKS, TIME, WORKS
from warehouse.database.publish import publish
from warehouse.database.writer import open_writer
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

END: Final = datetime(2025, 1, 20, 12, tzinfo=UTC)

#: Hours and seconds before `END` at which somebody looked; the last tasks are still running then.
LOOKS: Final = tuple(END - timedelta(seconds=ago) for ago in (3 * 86_400, 86_400, 3600, 90, 60, 30, 0))

_TASKS: Final = pl.Schema(
    {
        **TASKS,
        "requested_at": TIME,
        "first_observed_at": TIME,
        "last_observed_at": TIME,
        "observation_count": pl.Int64(),
        "last_running_at": TIME,
        "first_terminal_at": TIME,
    }
)

_SETTINGS: Final = """
insert into objectives values
    ('within-two-minutes', null, null, 120, 0.95),
    ('avatar-within-five-minutes', null, 'avatar-generate', 300, 0.99);
insert into failure_rules values (1, 'no-channel', '渠道|channel|upstream', 'gateway', false);
update tasks set result_expires_at = finish_time + interval 1 day where status = 'SUCCESS';
update tasks set fail_rule = 'no-channel' where fail_class = 'gateway';
insert into pricing values (500000, 1, 'unit');
insert into pending by name
select source, task_id, requested_at, submit_time, status, last_observed_at as last_asked_at, 0 as missing_count,
from tasks
where not is_terminal;
insert into polling_policy select distinct source, 0.25, 15, 3600, 3, 1e10 from tasks;
"""

Row = dict[str, Any]


@pytest.fixture(scope="session")
def week_paths(tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    """A published week of `make_world`, some tasks in flight, some stuck. Nobody writes to it."""
    paths = DataPaths(tmp_path_factory.mktemp("week"))
    with open_writer(paths.warehouse, 5) as con:
        fill(con, make_world())
    publish(paths, 5)
    return paths


def make_world() -> World:
    """A week of 800 tasks, some of which never end, and forty submitted in the last two minutes."""
    start = END - timedelta(days=7)
    return World(seed=5, tasks=800, start=start, end=END, odd_share=0.3, stuck_share=0.01, rush=40)


def fill(con: duckdb.DuckDBPyConnection, world: World) -> None:
    """Put what the looks found into the tables."""
    answers = [answer for look in LOOKS for answer in _answers(world, look)]
    truth = world.truth(END)
    histories = map(_history, _by_task(answers, truth.tasks))
    tasks = [row | past | _flags(row) for row, past in zip(truth.tasks, histories, strict=True)]
    _insert(con, "tasks", tasks, _TASKS)
    _insert(con, "works", truth.works, WORKS)
    _insert(con, "pt_infos", truth.pt_infos, PT_INFOS)
    _insert(con, "observations", answers, OBSERVATIONS)
    _insert(con, "schema_drift", [_surprise(tasks[0])], SCHEMA_DRIFT)
    requests = [{**_key(row), "requested_at": LOOKS[0], "run_id": "r"} for row in tasks]
    _insert(con, "requests", requests, REQUESTS)
    keep_asked(con)
    con.execute(_SETTINGS)


def keep_asked(con: duckdb.DuckDBPyConnection) -> None:
    """What loading keeps in `works` of the elements of pt_infos, which are there."""
    kept = asked_for(con.sql("from pt_infos").pl(), "source", "task_id")
    con.register("kept", kept)
    con.execute("""
        update works
        set
            pt_count = kept.pt_count,
            first_input_kind = kept.first_input_kind,
            first_text_length = kept.first_text_length,
            first_voice_engine_id = kept.first_voice_engine_id,
            first_lan = kept.first_lan,
            work_hash = md5(concat_ws('|', template_id, split_part(user_image_url, '?', 1), elements))
        from kept
        where works.source = kept.source and works.task_id = kept.task_id;
    """)
    con.unregister("kept")


def _answers(world: World, look: datetime) -> Iterable[Row]:
    seen = [(task.id, one) for task in world.tasks if (one := observe(task, look.timestamp())) is not None]
    for number, (task_id, one) in enumerate(seen):
        yield {
            "source": world.source,
            "task_id": task_id,
            "observed_at": look,
            "run_id": "r",
            "outcome": "task",
            "http_status": 200,
            "status": one.status,
            "elapsed_ms": 20.0 + number % 30,
            "attempts": 1 + number % 2,
            "refusals": 0,
            "body_hash": one.word,
        }


def _by_task(answers: Iterable[Row], tasks: Iterable[Row]) -> list[list[Row]]:
    seen: dict[tuple[str, str], list[Row]] = {(row["source"], row["task_id"]): [] for row in tasks}
    for answer in answers:
        seen[answer["source"], answer["task_id"]].append(answer)
    return list(seen.values())


def _history(seen: list[Row]) -> Row:
    """What the answers about one task, in order, say together."""
    running = [one["observed_at"] for one in seen if one["status"] not in {"SUCCESS", "FAILURE"}]
    ended = [one["observed_at"] for one in seen if one["status"] in {"SUCCESS", "FAILURE"}]
    return {
        "requested_at": LOOKS[0],
        "first_observed_at": seen[0]["observed_at"],
        "last_observed_at": seen[-1]["observed_at"],
        "observation_count": len(seen),
        "last_running_at": running[-1] if running else None,
        "first_terminal_at": ended[0] if ended else None,
    }


def _flags(row: Row) -> Row:
    return {"quality_flags": ["start_missing"] if row["is_terminal"] and not row["start_time"] else []}


def _surprise(task: Row) -> Row:
    return {
        "json_path": "$.data.new_field",
        "kind": "unknown_field",
        "json_type": "VARCHAR",
        "first_seen_at": LOOKS[0],
        "last_seen_at": END,
        "seen_count": 3,
        "example_task_id": task["task_id"],
    }


def _key(row: Mapping[str, Any]) -> Row:
    return {"source": row["source"], "task_id": row["task_id"]}


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Row], schema: pl.Schema) -> None:
    there = [name for name, *_ in con.execute(f"describe {table}").fetchall() if name in schema]
    known = [{name: row.get(name) for name in there} for row in rows]
    con.register("new_rows", pl.DataFrame(known, schema={name: schema[name] for name in there}))
    con.execute(f"insert into {table} by name from new_rows")
    con.unregister("new_rows")
