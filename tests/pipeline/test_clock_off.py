"""A machine whose clock is a day off collects what it would have: times of tasks are the gateway's."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.watch.measures import read_measures
from tests.pipeline.tables import rows
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from tests.command_line import CommandLine, Gateway

COMMAND = """
import sys
from tests.promises.clocks import Shifted
Shifted(float(sys.argv.pop(1)))()
from avatar_tasks.cli import main
main()
"""
DAY = 86_400


def by_clock(command: CommandLine, seconds: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command on a machine whose clock is that far ahead."""
    return subprocess.run(
        [*command.program, "-c", COMMAND, str(seconds), *arguments],
        cwd=command.folder,
        env=command.whole_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "off", [pytest.param(DAY, id="ahead"), pytest.param(-DAY, id="behind", marks=pytest.mark.soak)]
)
def test_a_clock_that_is_a_day_off_is_named_and_costs_nothing(
    connected: CommandLine, quick_command: list[str], gateway: Gateway, off: int
) -> None:
    """By `check`. The tables have what they would have had; a run of tomorrow does not hide that nothing runs today."""
    connected = replace(connected, program=quick_command)
    columns, right = ["task_id", "status", "submit_time", "finish_time", "latency_seconds"], connected.folder / "right"
    ids = gateway.world.ids[:5]
    assert connected("collect", *ids, "--data-dir", str(right)).code == 0
    checked = by_clock(connected, off, "check")
    assert "-> Set this machine's clock" in checked.stdout, checked.stderr
    collected = by_clock(connected, off, "collect", *ids)
    assert collected.returncode == 0, collected.stderr
    data = DataPaths(connected.folder / "data")
    assert rows(data.published, "tasks", columns) == rows(DataPaths(right).published, "tasks", columns)
    assert connected("collect", gateway.world.ids[5]).code == 0
    later = datetime.now(UTC) + timedelta(minutes=20)
    stale = read_measures(data, later).values["stale"]
    assert stale is not None
    assert 19 * 60 < stale < 21 * 60
