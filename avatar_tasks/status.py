"""`status`: what is known, in words, as JSON or for Prometheus, and which conditions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from avatar_tasks.console import aligned, harmless, json_text, show
from pipeline.errors import ExitCode, UnusableInputError
from pipeline.status import facts
from pipeline.watch import conditions, prometheus
from pipeline.watch.measures import read_measures
from warehouse.archive.atomic import atomic_write
from warehouse.errors import ArchiveError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.watch.conditions import Alarm
    from warehouse.paths import DataPaths

#: A collector of metrics runs as another user.
_READABLE_FOR_ALL = 0o644


def run_status(paths: DataPaths, kind: str, out: Path | None, texts: Sequence[str]) -> int:
    """Print what is known and, on stderr, each condition that holds; returns the exit code.

    Args:
        paths: of the data folder.
        kind: text, json or prometheus.
        out: a file instead of stdout.
        texts: conditions as they were typed. If nothing can be read, they hold, and no other error is raised.

    Raises:
        UnusableInputError: when a condition is not understood, or there is no archive.
        NothingPublishedError: when nothing has been published yet, and no conditions are given.
    """
    wanted = conditions.read_conditions(texts)
    alarms = conditions.judge(wanted, read_measures(paths)) if wanted else []
    try:
        _write(
            _prometheus(paths, out) if kind == "prometheus" else _known(paths, kind, alarms, checked=bool(wanted)), out
        )
    except (ArchiveError, UnusableInputError, WarehouseError) as error:
        if not wanted:
            raise
        if kind == "json":
            _write(json_text({"error": str(error), "alarms": conditions.as_json(alarms)}), out)
    for alarm in alarms:
        show(f"avatar-tasks: {alarm.line}", alarm.severity)
    return ExitCode.CONDITION_HOLDS if alarms else ExitCode.DONE


def _known(paths: DataPaths, kind: str, alarms: Iterable[Alarm], *, checked: bool) -> str:
    found = facts(paths)
    if kind == "json":
        found["warehouse_held_by"] = found["warehouse_locked_by"]  # its name up to 0.1; gone in 0.3
        return json_text({**found, **({"alarms": conditions.as_json(alarms)} if checked else {})})
    return "\n".join(harmless(line) for line in _in_words(found))


def _in_words(found: dict[str, Any]) -> Iterable[str]:
    for section, value in found.items():
        yield section.replace("_", " ")
        rows = list(value.items()) if isinstance(value, dict) else [("", value)]
        if section == "sources":
            rows = [(name, _of_source(one)) for name, one in rows]
        yield from aligned([(str(name), number) for name, number in rows])


def _of_source(found: dict[str, Any]) -> str:
    """The state of one of several gateways, in a sentence."""
    counts = f"{found['tasks']:,} tasks, {found['running']:,} of them running, {found['due']:,} ids due"
    answered = (
        f"last answer {found['last_answer_at']:%Y-%m-%d %H:%M} UTC" if found["last_answer_at"] else "no answer yet"
    )
    ended = f"; the last collect ended with {found['exit_code']}: {found['problem']}" if found["exit_code"] else ""
    left = "; not in sources.toml: nothing polls its ids" if found.get("is_listed") is False else ""
    return f"{counts}; {answered}{ended}{left}"


def _prometheus(paths: DataPaths, out: Path | None) -> str:
    """The metrics. If nothing can be read, writes the metrics that say so, and then raises the error."""
    try:
        return prometheus.as_text(prometheus.read_samples(paths)).rstrip("\n")
    except (ArchiveError, UnusableInputError, WarehouseError):
        _write(prometheus.as_text(prometheus.unreadable(paths)).rstrip("\n"), out)
        raise


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text)
        return
    whole = out.with_name(f"{out.name}.new")  # a textfile collector reads all files that end in .prom, also hidden ones
    with atomic_write(whole, mode=_READABLE_FOR_ALL) as file:
        file.write(f"{text}\n".encode("utf-8", "replace"))
    whole.replace(out)
