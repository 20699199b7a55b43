"""A worker that dies takes its runs with it; their slot is free within 90 seconds. Long: `make soak`."""

from __future__ import annotations

import signal
import time

import psutil  # type: ignore[import-untyped]
import pytest

from tests.flows.test_operating import Plant, plant

__all__ = ["plant"]

pytestmark = pytest.mark.soak


def test_a_run_whose_worker_was_killed_is_crashed_within_90_seconds(plant: Plant) -> None:
    """And the next run completes; what came in the last five seconds (8 at once, each 0.25 s) is polled again."""
    operator, ids = plant.operator, list(plant.gateway.world.ids[:250])
    operator.drop_into_inbox("zombie.txt", ids)
    before = plant.gateway.total_calls
    run = operator.start_run("collect/collect", inbox=str(operator.inbox))
    operator.wait_for(lambda: plant.gateway.total_calls >= before + 8, "some requests")
    beats = "select count(*) from events where event = 'prefect.flow-run.heartbeat' and resource_id = ?"
    operator.wait_for(lambda: operator.ask(beats, f"prefect.flow-run.{run}") != [(0,)], "a heartbeat")
    worker = next(one for one in psutil.process_iter(["cmdline"]) if _is_worker(one, operator.folder.name))
    for process in (worker, *worker.children(recursive=True)):
        process.send_signal(signal.SIGKILL)
    began = time.monotonic()
    assert operator.end_of(run) == "Crashed"
    assert time.monotonic() - began < 90
    with operator.worker():
        assert operator.end_of(operator.start_run("collect/collect", inbox=str(operator.inbox))) == "Completed"
    assert plant.gateway.total_calls - before <= len(ids) + 5 * 32 + 8


def _is_worker(process: psutil.Process, folder: str) -> bool:
    return "worker" in (process.info["cmdline"] or []) and folder in process.cwd()
