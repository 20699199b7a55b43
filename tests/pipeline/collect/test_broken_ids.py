"""Ids that the gateway fails on, from the command line to the next run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import duckdb

from tests.gateway.servers import Reply, Request, answer, serving

if TYPE_CHECKING:
    from tests.command_line import CommandLine

TASK = b'{"code":"success","message":"","data":{"task_id":"%s","status":"SUCCESS","submit_time":1736868741}}'
GET_TASK_FAILED = b'{"code":"get_task_failed","message":"get_task_failed","data":null}'
BROKEN = [f"broken{number}" for number in range(40)]
GOOD = [f"good{number}" for number in range(200)]


def reply(request: Request) -> Reply:
    if request.task_id.startswith("broken"):
        return answer(500, GET_TASK_FAILED, Content_Type="application/json")
    return answer(200, TASK % request.task_id.encode(), Content_Type="application/json")


def test_forty_broken_ids_before_two_hundred_good_ones(avatar_tasks: CommandLine) -> None:
    """All good ones arrive at once; the next run polls the broken ones after what is new, and is as quick."""
    with serving(reply) as server:
        connected = {"AVATAR_TASKS_BASE_URL": server.url}
        (avatar_tasks.folder / "ids.txt").write_text("\n".join(BROKEN + GOOD))
        began = time.monotonic()
        first = avatar_tasks("collect", "--ids-file", "ids.txt", "--json", **connected)
        assert (first.code, first.json["statuses"], first.json["unreachable"]) == (0, {"SUCCESS": 200}, 40)
        polled = len(server.requests)
        (avatar_tasks.folder / "ids.txt").write_text("\n".join([*BROKEN, *(f"new{number}" for number in range(100))]))
        second = avatar_tasks("collect", "--ids-file", "ids.txt", "--json", **connected)
        assert (second.code, second.json["statuses"]) == (0, {"SUCCESS": 100})
        assert time.monotonic() - began < 60
        later = [request.task_id for request in server.requests[polled:]]
    assert all(task_id.startswith("new") for task_id in later[:36])  # with at most 64 in flight
    with duckdb.connect(str(avatar_tasks.folder / "data" / "published" / "current.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from tasks where is_terminal").fetchone() == (300,)
