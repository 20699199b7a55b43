"""Load bodies with dlt, into tables with inferred schemas: `dlt_bodies BODIES.ndjson FOLDER`.

The result is a table of the tasks, with the works as further columns, and a table for each list; no observations, no
schema drift. The answer about a task that was loaded last wins. Parameters that are a string are parsed first, so that
their elements become a table.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt


@dlt.resource(name="tasks", write_disposition="merge", primary_key="task_id")
def tasks(path: str) -> Iterator[dict[str, Any]]:
    """One task per body, with the elements of its parameters."""
    with Path(path).open("rb") as file:
        for body in file:
            task = json.loads(body)["data"]
            work = task["data"] or {}
            task["pt_infos"] = json.loads(work.get("animate_params_str") or "{}").get("pt_infos") or []
            yield task


def main(path: str, folder: str) -> None:
    """Write `peer.duckdb` in the folder."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    destination = dlt.destinations.duckdb(str(Path(folder) / "peer.duckdb"))
    pipeline = dlt.pipeline("bodies", pipelines_dir=folder, destination=destination, dataset_name="answers")
    pipeline.run(tasks(path)).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
