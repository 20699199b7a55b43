"""The script that people would write first: httpx, pandas, DuckDB: `httpx_pandas URL IDS_FILE IN_FLIGHT OUT.duckdb`.

It knows one shape of answer, keeps no raw bodies, checks nothing, and loses everything when it fails.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pandas as pd


async def fetch(url: str, ids: list[str], in_flight: int) -> list[dict[str, Any]]:
    """The `data` of every answer."""
    gate = asyncio.Semaphore(in_flight)

    async def one(client: httpx.AsyncClient, task_id: str) -> dict[str, Any]:
        async with gate:
            response = await client.get(f"/avatar/task/{task_id}")
            response.raise_for_status()
            task: dict[str, Any] = response.json()["data"]
            return task

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
        return await asyncio.gather(*(one(client, task_id) for task_id in ids))


def elements(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The `pt_infos` of a task's parameters."""
    work = task["data"] or {}
    parameters = json.loads(work.get("animate_params_str") or "null") or {}
    return [{"task_id": task["task_id"], **element} for element in parameters.get("pt_infos") or []]


def load(tasks: list[dict[str, Any]], path: str) -> None:
    """Tables `tasks`, `works` and `pt_infos`."""
    frames = {
        "tasks": pd.DataFrame([{**task, "data": None} for task in tasks]).drop(columns="data"),
        "works": pd.json_normalize([{"task_id": task["task_id"], **task["data"]} for task in tasks if task["data"]]),
        "pt_infos": pd.DataFrame([element for task in tasks for element in elements(task)]),
    }
    with duckdb.connect(path) as con:
        for name, frame in frames.items():
            con.register("frame", frame)
            con.execute(f"create table {name} as from frame")


def main(url: str, ids_file: str, in_flight: str, out: str) -> None:
    """Fetch the ids and load the tables."""
    load(asyncio.run(fetch(url, Path(ids_file).read_text().split(), int(in_flight))), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
