"""What logs get of a run: one line to grep, or JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import ExitCode
from pipeline.watch.run_line import REASONS, run_fields, run_line

if TYPE_CHECKING:
    from tests.command_line import CommandLine, Gateway

AT = datetime(2026, 1, 20, 3, 4, 5, tzinfo=UTC)
SUMMARY = {
    "run_id": "0123456789ab", "source": "default", "exit_code": ExitCode.KEY_REFUSED, "seconds": 1.25, "asked": 3,
    "outcomes": {"task": 2, "denied": 1}, "accept_other_ids": False, "problem": 'refused: "no\nkey"', "published": None,
    "other_ids": {"examples": []},
}  # fmt: skip


def test_a_run_is_one_line_with_id_date_reason_seconds_and_counts() -> None:
    """In logfmt, where quotes and line breaks are escaped, or JSON."""
    line = run_line("collect", SUMMARY, AT)
    assert line == (
        "run=collect run_id=0123456789ab source=default at=2026-01-20T03:04:05Z exit=3 reason=key_refused seconds=1.25 "
        'asked=3 outcomes.task=2 outcomes.denied=1 problem="refused: \\"no\\nkey\\""'
    )
    assert json.loads(run_line("collect", SUMMARY, AT, "json")) == run_fields("collect", SUMMARY, AT)


@pytest.mark.parametrize("code", [one for one in ExitCode if one != ExitCode.CONDITION_HOLDS])
def test_every_exit_code_of_a_run_has_a_reason_of_its_own(code: ExitCode) -> None:
    assert list(REASONS.values()).count(REASONS[code]) == 1


def test_a_run_leaves_its_line_in_a_journal_and_every_line_is_json_if_told(
    connected: CommandLine, gateway: Gateway
) -> None:
    """Stderr that is no terminal, as under systemd or cron."""
    ids = gateway.world.ids[:3]
    plain = connected("collect", *ids)
    [line] = [one for one in plain.err.splitlines() if one.startswith("run=collect ")]
    for words in ("reason=done", "exit=0", "outcomes.task=3", "requests=3", "segments_loaded="):
        assert words in line
    logged = connected("collect", "no id!", *ids, AVATAR_TASKS_LOG_FORMAT="json")
    lines = [json.loads(one) for one in logged.err.splitlines()]
    assert all({"at", "level", "message"} <= set(one) for one in lines)
    assert (lines[-1]["run"], lines[-1]["reason"], lines[-1]["skipped_terminal"]) == ("collect", "done", 3)
    refused = connected("collect", *ids, AVATAR_TASKS_LOG_FORMAT="json", AVATAR_TASKS_BASE_URL="nonsense")
    [error] = [json.loads(one) for one in refused.err.splitlines()]
    assert (refused.code, error["level"]) == (2, "error")


@pytest.mark.parametrize("command", ["collect", "load", "maintain"])
def test_a_run_that_an_error_ends_leaves_its_line_once(connected: CommandLine, command: str) -> None:
    """With its id and why; here the data folder may not be begun."""
    refused = connected(command, AVATAR_TASKS_FIRST_START="false")
    [line] = [one for one in refused.err.splitlines() if one.startswith("run=")]
    assert re.match(rf"run={command} run_id=[0-9a-f]{{12}} source=default at=\S+Z exit=2 reason=unusable_input ", line)
    assert line.endswith(' Nothing was changed"')
