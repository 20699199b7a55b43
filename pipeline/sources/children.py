"""`collect` for several gateways: a separate process for each, so that none can delay or end another.

Each is `avatar-tasks collect --source NAME`, with its own pace, breaker, memory and alerts. The warehouse's lock lets
them load one after another. A signal for this process is passed on once, and each child archives what it has. If this
process is killed, its children run to their end. Nothing is lost in either case.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import WORST_FIRST, ExitCode, UnusableInputError
from pipeline.sources.file import FILE
from pipeline.sources.summary import SourceEnd, SourcesSummary
from pipeline.spans import DEFAULT_SINCE

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.collect.request import CollectRequest
    from pipeline.sources.file import Source

#: The installed command, which finds its packages from any working folder.
COMMAND: Final = str(Path(sysconfig.get_path("scripts"), "avatar-tasks"))

_PIECE_BYTES: Final = 65_536


@dataclass(slots=True)
class Children:
    """One `collect` for each gateway, all at once.

    Args:
        sources: the gateways.
        request: what each has to do.
        options: settings and switches by name, as typed; None for those that were not.
        notify: called with the source and the line, for each line that a child writes to stderr.
        on_end: called when a child has ended.
    """

    sources: Sequence[Source]
    request: CollectRequest
    options: dict[str, Any]
    notify: Callable[[str, str], None]
    on_end: Callable[[SourceEnd], None] = lambda _end: None

    def __post_init__(self) -> None:
        """Raises UnusableInputError for options that can only be about one gateway."""
        about_one = {
            "ids": bool(self.request.ids),
            "--ids-file": self.request.ids_file is not None,
            "--ids-from": self.request.ids_from is not None,
            "--base-url": self.options.get("base_url") is not None,
        }
        names = ", ".join(one.name for one in self.sources)
        if given := next((name for name, is_given in about_one.items() if is_given), None):
            raise UnusableInputError(f"{given}: {FILE} has several gateways: add --source, which is one of {names}")
        if self.request.discover and not any(one.has_token for one in self.sources):
            raise UnusableInputError(f"--discover: no source of {FILE} has access_token_env or access_token_block")

    async def collect(self) -> SourcesSummary:
        """Run all and wait until every one has ended; the summary has all results and the worst exit code."""
        began = time.monotonic()
        # Without `return_exceptions`, the first error would end `gather` while the other children still run.
        ends = await asyncio.gather(*map(self._collect_one, self.sources), return_exceptions=True)
        if failure := next((one for one in ends if isinstance(one, BaseException)), None):
            raise failure
        return SourcesSummary([one for one in ends if isinstance(one, SourceEnd)], round(time.monotonic() - began, 3))

    async def _collect_one(self, source: Source) -> SourceEnd:
        try:
            end = await self._run(source)
        except OSError as error:
            words = f"{COMMAND} cannot be started: {error.strerror or error}"
            end = SourceEnd(source.name, ExitCode.UNEXPECTED, words, has_reported=False)
        self.on_end(end)
        return end

    async def _run(self, source: Source) -> SourceEnd:
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            "collect",
            "--source",
            source.name,
            "--json",
            *self._arguments(source),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            process_group=0,  # Ctrl-C reaches only this process, which passes it on
        )
        reading = asyncio.ensure_future(self._read(source.name, process))
        try:
            out = await asyncio.shield(reading)
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await _to_its_end(reading)
            raise
        return _end(source.name, process.returncode or 0, out)

    async def _read(self, name: str, process: Process) -> bytes:
        """Wait for the child; returns its stdout. Its lines on stderr are passed on as they come."""
        assert process.stdout is not None  # noqa: S101 - both are pipes
        out, _ = await asyncio.gather(process.stdout.read(), self._pass_on(name, process))
        await process.wait()
        return out

    async def _pass_on(self, name: str, process: Process) -> None:
        assert process.stderr is not None  # noqa: S101 - as above
        rest = b""
        while piece := await process.stderr.read(_PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self.notify(name, line.decode(errors="replace"))
        if rest:
            self.notify(name, rest.decode(errors="replace"))

    def _arguments(self, source: Source) -> Iterator[str]:
        """The options for a child, from those that were typed."""
        request = self.request
        texts = {
            "inbox": request.inbox,
            "ids-column": request.ids_column,
            "since": None if request.since == DEFAULT_SINCE else request.since,
            "action": request.action,
            "where": request.where,
            "drawn-from": request.drawn_from,
            "deadline": request.deadline_seconds,
            **{name.replace("_", "-"): self.options.get(name) for name in _TEXTS},
        }
        switches = {
            "discover": request.discover and source.has_token,
            "again": request.again,
            "follow": request.follow,
            "no-refresh": not request.refresh,
            "no-load": not request.load,
        }
        yield from (f"--{name}={value}" for name, value in texts.items() if value is not None)
        yield from (f"--{name}" for name, is_on in switches.items() if is_on)
        for name in _SWITCHES:
            if (value := self.options.get(name)) is not None:
                yield f"--{'' if value else 'no-'}{name.replace('_', '-')}"


#: The names in `options` that have a value, and those that are on or off.
_TEXTS: Final = ("data_dir", "concurrency", "rate", "timeout")
_SWITCHES: Final = ("first_start", "prefect")


async def _to_its_end(work: asyncio.Future[Any]) -> None:
    """Wait for `work`, however often this is cancelled: a child that got SIGTERM ends within seconds."""
    while not work.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([work])


def _end(name: str, code: int, out: bytes) -> SourceEnd:
    found = _json_object(out)
    if "run_id" in found:
        return SourceEnd(name, ExitCode(found["exit_code"]), found["problem"], found)
    known = ExitCode(code) if code in set(WORST_FIRST) - {ExitCode.DONE} else ExitCode.UNEXPECTED
    if "error" in found:
        return SourceEnd(name, known, str(found["error"]))
    how = f"was ended by signal {-code}" if code < 0 else f"ended with {code} and left no summary"
    return SourceEnd(name, known, f"its process {how}. What was archived is kept", has_reported=False)


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError):  # it was killed
        return {}
