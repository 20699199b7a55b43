"""How commands speak: people's words and progress to stderr, data and `--json` to stdout, errors in one line."""

from __future__ import annotations

import functools
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import click

from flows.errors import AvatarTasksError, ExitCode
from flows.garbage import looked_for_little_by_commands
from flows.private import keep_private
from gateway.errors import GatewayError
from warehouse.errors import AnalysisFileError, ArchiveError, NothingPublishedError, WarehouseError, WarehouseHeldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.run import Voice

P = ParamSpec("P")

#: C0 and C1 controls but line feed and tab, and what changes the direction of writing: gateways' texts may hold any.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_UNUSABLE = (AnalysisFileError, ArchiveError, NothingPublishedError, GatewayError)


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code that an error of ours ends a command with."""
    if isinstance(error, AvatarTasksError):
        return error.exit_code
    if isinstance(error, WarehouseHeldError):
        return ExitCode.NOT_LOADED
    return ExitCode.UNUSABLE_INPUT if isinstance(error, _UNUSABLE) else ExitCode.UNEXPECTED


def ends_well(command: Callable[P, int | None]) -> Callable[P, None]:
    """Run a command's body: what it creates is private, its errors become one line and an exit code, never a traceback.

    A body returns its exit code, or None for 0.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        keep_private()
        looked_for_little_by_commands()
        try:
            code = command(*args, **kwargs) or ExitCode.DONE
        except (AvatarTasksError, WarehouseError, GatewayError) as error:
            code = exit_code_of(error)
            _show_error(str(error), code, as_json=bool(kwargs.get("as_json")))
        except KeyboardInterrupt:
            code = 130
            _show_error(
                "stopped; what was collected is kept, run again to go on", code, as_json=bool(kwargs.get("as_json"))
            )
        except BrokenPipeError:
            sys.stderr.close()  # whoever read our output has had enough
            code = ExitCode.DONE
        sys.exit(int(code))

    return wrapped


def _show_error(message: str, code: int, *, as_json: bool) -> None:
    if as_json:
        show_json({"error": message, "exit_code": int(code)})
    tell(f"avatar-tasks: {message}")


def tell(line: str) -> None:
    """A line for people."""
    click.echo(harmless(line), err=True)


def harmless(text: str) -> str:
    """Text that a terminal only shows: what would move its cursor, colour it or turn its writing around is replaced."""
    return _CONTROLS.sub("\ufffd", text)


def show_json(value: dict[str, Any]) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


class Progress:
    """A progress bar on stderr, only where somebody watches."""

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


def voice(progress: Progress) -> Voice:
    """A run's voice on this console."""
    from flows.run import Voice

    def say(line: str) -> None:
        progress.stop()
        tell(line)

    return Voice(say=say, warn=lambda line: say(f"warning: {line}"), progress=progress)


def aligned(rows: list[tuple[str, object]]) -> Iterator[str]:
    """`name  value` lines with the values in one column."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        yield f"  {name:<{width}}  {value:,}" if isinstance(value, int) else f"  {name:<{width}}  {value}"
