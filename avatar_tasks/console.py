"""How commands report: results to stdout; notices, progress and errors (in one line) to stderr."""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, Protocol

import click

from avatar_tasks.process import set_up_process
from avatar_tasks.streams import lost_output
from gateway.errors import GatewayError
from pipeline import interrupts
from pipeline.errors import AvatarTasksError, ExitCode, UnusableInputError, exit_code_of
from pipeline.threads import is_work_left
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.run import Reporter, Run

P = ParamSpec("P")

#: C0 and C1 control characters except line feed and tab, and marks that change the direction of writing: texts from
#: gateways may contain any of them.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

#: Errors that the user has to fix: a file's name, its permissions, its disk.
_OF_THE_SYSTEM: Final = (
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
)

_LOG: Final = {"format": "text"}

#: The run of this process, from its start until its line is written, also if an error ends it.
_begun: Final[list[Run]] = []


def handle_errors(command: Callable[P, int | None]) -> Callable[P, None]:
    """Run a command's body. Its files are private; its errors become one line and an exit code, never a traceback.

    The body returns the exit code, or None for 0.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        set_up_process()
        with interrupts.handled():
            try:
                _require_working_folder()
                code = int(command(*args, **kwargs) or ExitCode.DONE)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every error ends as a sentence
                code, message = _ending(error)
                message = _show_error(message, code, as_json=bool(kwargs.get("as_json")))
                _show_failed_run(code, message)
        sys.exit(code)

    return wrapped


def _ending(error: BaseException) -> tuple[int, str]:
    """The exit code and the message of a command that this error ends."""
    if isinstance(error, KeyboardInterrupt) or interrupts.has_come():  # on a signal, libraries raise their own errors
        return interrupts.INTERRUPTED, "stopped; what was collected is kept: run the command again to continue"
    if isinstance(error, AvatarTasksError | WarehouseError | GatewayError):
        return int(exit_code_of(error)), str(error)
    if isinstance(error, OSError) and error.filename and error.errno in _OF_THE_SYSTEM:
        return int(ExitCode.UNUSABLE_INPUT), f"cannot use {error.filename}: {error.strerror}. What was archived is kept"
    from avatar_tasks.bugs import report_bug

    return int(ExitCode.UNEXPECTED), report_bug(error)


def _require_working_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        msg = f"the working folder cannot be used ({error.strerror}): was it deleted? Change to another and run again"
        raise UnusableInputError(msg) from None


def end_program(run: Callable[[], object]) -> NoReturn:
    """Run the whole command line; report an error that was not handled as a bug, and lost output as an error."""
    code: str | int | None = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - as above
        code, message = _ending(error)
        show(f"avatar-tasks: {message}")
    if (lost := lost_output()) and not code:
        code = int(ExitCode.UNUSABLE_INPUT)
        show(f"avatar-tasks: cannot write to stdout: {lost.strerror}. The work is done, but its output is not complete")
    if is_work_left():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
    sys.exit(code)


def _show_error(message: str, code: int, *, as_json: bool) -> str:
    """Show an error, without keys and passwords that a library may have put in the message; returns what was shown."""
    from avatar_tasks.bugs import masked

    message = masked(message)
    if as_json:
        show_json({"error": message, "exit_code": code})
    show(f"avatar-tasks: {message}", "error")
    return message


def use_log_format(log_format: str) -> None:
    """From now on, write notices as lines of text or as JSON objects (setting LOG_FORMAT)."""
    _LOG["format"] = log_format


def show(line: str, level: str = "info") -> None:
    """Write a notice for people or logs to stderr."""
    if _LOG["format"] == "json":
        if line.strip():
            _show_fields({"level": level, "message": harmless(line.removeprefix("avatar-tasks: "))})
    else:
        click.echo(harmless(line), err=True)


def _show_fields(fields: dict[str, Any]) -> None:
    click.echo(json.dumps({"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", **fields}), err=True)


def show_line_of(source: str, line: str) -> None:
    """Show a line that the child process for one of several gateways wrote to stderr, with the source's name.

    The line of a run has the name already; JSON objects get it as a field.
    """
    if _LOG["format"] == "json":
        try:
            click.echo(json.dumps({"source": source, **json.loads(line)}), err=True)
        except ValueError:
            _show_fields({"level": "info", "source": source, "message": harmless(line)})
    elif line.startswith("run="):
        click.echo(harmless(line), err=True)
    elif line.strip():
        click.echo(harmless(f"{source}: {line.removeprefix('avatar-tasks: ')}"), err=True)


def show_answer(line: str) -> None:
    """Write a line of the result to stdout, so that a pipe or a file gets it."""
    click.echo(harmless(line))


def harmless(text: str) -> str:
    """Text that is safe for a terminal: control characters and marks for the direction of writing are replaced."""
    return _CONTROLS.sub("\ufffd", text)


def show_json(value: dict[str, Any]) -> None:
    """Write one JSON object to stdout."""
    click.echo(json_text(value))


def json_text(value: dict[str, Any]) -> str:
    """One JSON object; with JSON escapes if stdout's encoding lacks a character, e.g. for half a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, default=str)
    return text


class AnySummary(Protocol):
    """The summary of a command, in the forms for people and for machines."""

    @property
    def problem(self) -> str | None: ...

    def as_dict(self) -> dict[str, Any]: ...

    def as_lines(self) -> list[str]: ...


def show_summary(command: str, summary: AnySummary, *, as_json: bool, run_id: str | None = None) -> None:
    """Show a command's summary, as a JSON object on stdout or as lines for people; a problem always goes to stderr.

    If stderr is not a terminal, the line of the run follows, with all counts.
    """
    if as_json:
        show_json(summary.as_dict())
    else:
        for line in summary.as_lines():
            show(line)
    if summary.problem:
        show(f"avatar-tasks: {summary.problem}", "error")
    _show_run(command, {"run_id": run_id, **summary.as_dict()})


def _show_failed_run(code: int, problem: str) -> None:
    """Show the line of a run that an error or a signal ended before it had a summary."""
    from pipeline.watch.run_line import LEAVE_LINES, failed_summary

    for run in [one for one in _begun if one.command in LEAVE_LINES]:
        _show_run(run.command, failed_summary(run, code, problem))


def _show_run(command: str, summary: dict[str, Any]) -> None:
    """Show the line of a run, except as text on a terminal, where people have read the summary."""
    from pipeline.watch.run_line import run_fields, run_line

    _begun.clear()
    if _LOG["format"] != "json" and sys.stderr.isatty():
        return
    if _LOG["format"] == "json":
        _show_fields(
            {"level": "info", "message": f"run of {command}", **run_fields(command, summary, datetime.now(UTC))}
        )
    else:
        click.echo(harmless(run_line(command, summary, datetime.now(UTC))), err=True)


class Progress:
    """A progress bar on stderr, only on a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = self._start(total)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)
        if done >= total:
            self.stop()

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start(self, total: int) -> Any:  # noqa: ANN401 - rich is imported only where a bar is drawn
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Bar(*columns, console=Console(stderr=True), transient=True)
        bar.add_task(self._what, total=total)
        bar.start()
        return bar


def reporter_to(progress: Progress) -> Reporter:
    """A reporter to this console."""
    from pipeline.run import Reporter

    def info(line: str, level: str = "info") -> None:
        progress.stop()
        show(line, level)

    return Reporter(info, lambda line: info(f"warning: {line}", "warning"), progress, _begun.append)


def aligned(rows: list[tuple[str, object]]) -> Iterator[str]:
    """`name  value` lines with the values in one column."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        yield f"  {name:<{width}}  {value:,}" if isinstance(value, int) else f"  {name:<{width}}  {value}"
