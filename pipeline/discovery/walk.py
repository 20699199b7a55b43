"""Discovery: read the gateway's own list of tasks in windows of submit_time, from old to new.

A window that was seen completely (see `window`) is recorded, so that the next run skips it. Windows overlap: each is
requested from the newest task known before it, so that a correct answer is never empty. The walk ends at the task that
was the newest when it began, because the gateway's clock may differ from this machine's. The last `OVERLAP_SECONDS`
before that task are never recorded, because tasks may still appear with an earlier submit_time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.discovery.coverage import Coverage, Span, read_coverage, write_window
from pipeline.discovery.pages import ListPages
from pipeline.discovery.window import WindowReader
from pipeline.errors import ExitCode
from pipeline.threads import run_to_its_end

if TYPE_CHECKING:
    from gateway.client import GatewayClient
    from pipeline.discovery.window import Window
    from pipeline.run import Run
    from transforms.pages import Page

OVERLAP_SECONDS: Final = 600
_FIRST_STEP_SECONDS: Final = 86_400
_SHORTEST_STEP_SECONDS: Final = 60

#: A gateway's clock may be this far ahead of this machine's.
_AHEAD_SECONDS: Final = 86_400

#: Roughly the most and fewest tasks in a window. A window interrupted by a kill is read again, and at one request per
#: second its pages take a minute. The last page of each window is half empty on average, so fewer windows cost less.
_MOST_TASKS: Final = 6_000
_FEW_TASKS: Final = 3_000


@dataclass(slots=True)
class Step:
    """Computes the length of the next window: some thousand tasks; an empty span is joined with what follows it.

    Attributes:
        seconds: length of the next window.
        empty_seconds: length from its start in which no task was seen.
        too_long_seconds: length from its start that has too many tasks; None if not known.
    """

    seconds: int = _FIRST_STEP_SECONDS
    empty_seconds: int = 0
    too_long_seconds: int | None = None

    @property
    def may_split(self) -> bool:
        return self.seconds - self.empty_seconds > _SHORTEST_STEP_SECONDS

    def lengthen(self) -> None:
        """After an empty window: the next one begins at the same time, and shows whether it was really empty."""
        self.empty_seconds = self.seconds
        longer = 2 * self.seconds if self.too_long_seconds is None else (self.seconds + self.too_long_seconds) // 2
        self.seconds = max(longer, self.empty_seconds + _SHORTEST_STEP_SECONDS)

    def shorten(self) -> None:
        """After a window with too many tasks."""
        self.too_long_seconds = self.seconds
        self.seconds = max((self.seconds + self.empty_seconds) // 2, self.empty_seconds + _SHORTEST_STEP_SECONDS)

    def follow(self, tasks: int) -> None:
        """After a window that was read, with its number of tasks."""
        used = self.seconds - self.empty_seconds
        longer = 2 * used if tasks < _FEW_TASKS else used
        self.seconds = max(longer // 2 if tasks > _MOST_TASKS else longer, _SHORTEST_STEP_SECONDS)
        self.empty_seconds, self.too_long_seconds = 0, None


@dataclass(frozen=True, slots=True)
class Discovered:
    """The result of discovery; the key `discovered` of the summary.

    Attributes:
        pages: pages requested.
        tasks: distinct tasks seen.
        windows: windows seen completely.
        windows_open: windows that could not be seen completely; the next run reads them again.
        unusable: items without a usable task id.
        refusals: requests for pages that were rate-limited (429) and sent again.
        exit_code: how it ended.
        problem: what went wrong, as a sentence; None when nothing did.
    """

    pages: int = 0
    tasks: int = 0
    windows: int = 0
    windows_open: int = 0
    unusable: int = 0
    refusals: int = 0
    exit_code: ExitCode = ExitCode.DONE
    problem: str | None = None

    def as_lines(self) -> list[str]:
        """For people."""
        line = f"{self.tasks:,} tasks in {self.pages:,} pages of the gateway's list, {self.windows:,} windows completed"
        line += f", {self.windows_open:,} not" if self.windows_open else ""
        lines = [f"{line}; {self.refusals:,} requests rate-limited (429)" if self.refusals else line]
        if self.unusable:
            lines.append(f"{self.unusable:,} items of the list have no usable task id; they are in the archived pages")
        return lines


class Walk:
    """One walk of the list, as far back as `since_seconds`.

    Args:
        run: the run that walks.
        client: the client for the list, with the account's token.
        action: only tasks of this action; None for all.
        since_seconds: how far back to go.
    """

    def __init__(self, run: Run, client: GatewayClient, action: str | None, since_seconds: float) -> None:
        self._run, self._client, self._action = run, client, action
        self._pages = ListPages(run, client, action)
        self._reader = WindowReader(run, self._pages, _MOST_TASKS)
        now = int(run.clock.now().timestamp())
        self._wanted = Span(max(now - int(since_seconds), 0), now + _AHEAD_SECONDS)
        self._coverage = Coverage()
        self._ids: set[str] = set()
        self._limit = 0
        self._windows = self._open = self._unusable = 0
        self._is_unfiltered = False

    @property
    def seen(self) -> int:
        """Tasks on the pages read so far."""
        return self._pages.items

    async def walk(self) -> Discovered:
        """Read everything that was not seen completely before.

        Raises:
            ArchiveError: when the archive cannot be read or written.
        """
        self._coverage = await run_to_its_end(read_coverage, self._run, self._action)
        if not (gaps := self._coverage.gaps(self._wanted)):
            return self._discovered()
        last = gaps[-1].start
        page = await self._newest(last)
        times = [item.submit_time for item in page.items if item.submit_time is not None] if page else []
        if times:
            newest = int(max(times))
            self._limit = newest - OVERLAP_SECONDS
            end = newest if times[0] >= times[-1] else self._wanted.end  # otherwise the list is not newest first
            for gap in self._coverage.gaps(Span(self._wanted.start, end)):
                await self._walk_gap(gap, page if gap == Span(last, newest) else None)
        return self._discovered()

    async def _newest(self, start: int) -> Page | None:
        """The first page of the newest tasks, up to the gateway's current time; None if no page could be read."""
        is_known_full = self._coverage.anchor(start) is not None
        return await self._reader.first(Span(self._start_of(start), self._wanted.end), is_known_full=is_known_full)

    async def _walk_gap(self, gap: Span, first: Page | None) -> None:
        """Read a gap, window by window; `first` is the first page of the whole gap, if it was already read."""
        start, step = gap.start, Step()
        if first is not None and first.total is not None and first.total <= _MOST_TASKS:
            step.seconds = gap.end - gap.start
        else:
            first = None
        while start < gap.end and not self._has_ended():
            step.seconds = min(step.seconds, gap.end - start)
            end, from_known = start + step.seconds, self._start_of(start)
            window = await self._reader.read(
                Span(from_known, end),
                is_known_full=self._coverage.anchor(start) is not None,
                may_split=step.may_split,
                first=first,
            )
            first = None
            self._take(window, Span(from_known, end))
            if window.state == "too_many":
                step.shorten()
            elif window.state == "empty" and end < gap.end:
                step.lengthen()
            else:
                await self._close(window, Span(start, end))
                start = end
                step.follow(len(window.submit_times))

    def _start_of(self, start: int) -> int:
        """The time to request from, so that a known task is in the answer."""
        anchor = self._coverage.anchor(start)
        return start if anchor is None else min(anchor, start)

    def _take(self, window: Window, span: Span) -> None:
        self._ids |= window.submit_times.keys()
        self._unusable += window.unusable
        times = [one for one in window.submit_times.values() if one is not None]
        outside = sum(not span.start - 1 <= one <= span.end + 1 for one in times)
        self._is_unfiltered = self._is_unfiltered or outside > len(times) / 2

    async def _close(self, window: Window, span: Span) -> None:
        """Record a window that was seen completely, up to the time after which new tasks may still appear."""
        if window.state == "open" or self._is_unfiltered:
            self._open += 1
            return
        if window.state == "empty":
            return
        self._windows += 1
        times = [one for one in window.submit_times.values() if one is not None]
        closed = Span(span.start, min(span.end, self._limit))
        if closed.start < closed.end:
            await run_to_its_end(write_window, self._run, self._action, closed, times, len(window.submit_times))
            known = (int(one) for one in times if one <= closed.end)
            self._coverage = Coverage(self._coverage.spans, (*self._coverage.newest, max(known, default=0)))

    def _has_ended(self) -> bool:
        return self._pages.has_ended or self._is_unfiltered or self._run.seconds_left <= 0

    def _discovered(self) -> Discovered:
        exit_code, problem = self._verdict()
        return Discovered(
            self._pages.requested,
            len(self._ids - self._pages.left_out),
            self._windows,
            self._open,
            self._unusable,
            self._client.stats.refusals,
            exit_code,
            problem,
        )

    def _verdict(self) -> tuple[ExitCode, str | None]:
        address, ended = self._client.base_url, self._client.ended
        if ended is not None and ended.reason == "key_refused":
            return ExitCode.KEY_REFUSED, ended.sentence
        if self._pages.is_refused or (not self._pages.is_list and self._pages.requested):
            return self._no_list()
        if self._is_unfiltered:
            msg = f"{address} does not filter its list of tasks by time, so the list cannot be read. Give ids instead"
            return ExitCode.UNUSABLE_INPUT, msg
        why = f". {ended.sentence}" if ended else ""
        if self._open or ended is not None:
            why = f". {self._too_large()}" if self._open and self._pages.cut else why
            msg = (
                f"{self._open:,} windows of the list could not be read completely; the next --discover reads them{why}"
            )
            return ExitCode.DONE, msg
        return ExitCode.DONE, None

    def _too_large(self) -> str:
        most = f"{self._run.settings.max_body_bytes:,} bytes"
        return f"Even pages with few tasks are longer than {most}: raise AVATAR_TASKS_MAX_BODY_BYTES"

    def _no_list(self) -> tuple[ExitCode, str]:
        """The exit code and the problem if no answer was a page of the list."""
        address, said = self._client.base_url, self._pages.last_refusal
        if said is not None:
            advice = "Check AVATAR_TASKS_ACCESS_TOKEN and AVATAR_TASKS_USER_ID"
            return ExitCode.KEY_REFUSED, f"{address} refuses to show its list of tasks: {said!r}. {advice}"
        if self._pages.cut:
            return ExitCode.UNUSABLE_INPUT, f"no page of the list of {address} could be read. {self._too_large()}"
        if failed := self._client.last_failure:
            return ExitCode.UNREACHABLE, f"no page of the list of {address} could be reached: {failed}"
        msg = f"{address} has no list of tasks at /api/task/self, so --discover cannot work. Give ids instead"
        return ExitCode.UNUSABLE_INPUT, msg
