"""One log line for each run: easy to grep by run id, date and reason, and to parse as logfmt or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ExitCode
from pipeline.interrupts import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pipeline.run import Run

#: Why a run ended with its exit code, in one word for grep.
REASONS: Final[dict[int, str]] = {
    ExitCode.DONE: "done",
    ExitCode.UNEXPECTED: "failed",
    ExitCode.UNUSABLE_INPUT: "unusable_input",
    ExitCode.KEY_REFUSED: "key_refused",
    ExitCode.NOT_LOADED: "not_loaded",
    ExitCode.UNREACHABLE: "unreachable",
    INTERRUPTED: "interrupted",
}

#: The commands whose runs leave a line.
LEAVE_LINES: Final = ("collect", "load", "maintain")

_FIRST: Final = ("run_id", "source", "problem", "seconds", "exit_code")


def run_fields(command: str, summary: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The fields of the line: the command, when it ended (UTC), how and why, how long it took, and every count.

    Args:
        command: collect, load or maintain.
        summary: what its `--json` prints; whole numbers in it are counts, also those one level deeper.
        at: when it ended.
    """
    found = {"run": command, "run_id": summary.get("run_id"), "source": summary.get("source"), "at": _moment(at)}
    code = int(summary["exit_code"])
    found |= {"exit": code, "reason": REASONS[code], "seconds": summary["seconds"], **dict(_counts(summary))}
    found["problem"] = summary.get("problem")
    return {name: value for name, value in found.items() if value is not None}


def failed_summary(run: Run, exit_code: int, problem: str) -> dict[str, Any]:
    """What is known about a run that an error or a signal ended before it had a summary."""
    seconds = round(run.clock.monotonic() - run.began, 3)
    facts = {"run_id": run.run_id, "source": run.settings.source, "seconds": seconds}
    return {**facts, "exit_code": int(exit_code), "problem": problem}


def _counts(summary: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in summary.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", count) for inner, count in value.items() if _is_count(count))
        elif _is_count(value) and name not in _FIRST:
            yield name, value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def run_line(command: str, summary: Mapping[str, Any], at: datetime, log_format: str = "text") -> str:
    """The fields as `name=value` pairs, or as a JSON object if `log_format` is `json`."""
    fields = run_fields(command, summary, at)
    if log_format == "json":
        return json.dumps(fields, ensure_ascii=False)
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _value(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' "=\n') else json.dumps(text, ensure_ascii=False)


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
