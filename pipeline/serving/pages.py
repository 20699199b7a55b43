"""The report as `serve` shows it: rendered once for each published copy and set of filters, then cached."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from pipeline.errors import UnusableInputError
from pipeline.report_files import Filters, cohort_of
from pipeline.serving.health import health
from pipeline.spans import read_span
from reports.cohort.form import NOTICE, filter_form
from reports.errors import ReportError
from reports.page import render_page
from reports.words import duration, where
from warehouse.backends.choose import warehouse_of
from warehouse.database.reader import nothing_published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from warehouse.paths import DataPaths

#: How many pages are cached, the most recently requested ones; each has a few hundred kilobytes.
_KEPT: Final = 32

#: A page about the last hours or days is rendered again after this time, even from the same copy.
_RELATIVE_SECONDS: Final = 600

#: A page from a lake, which changes with each load, is rendered again after this time.
_LAKE_SECONDS: Final = 60

#: After this time without a run, pages show a notice.
_STALE_SECONDS: Final = 900.0

#: Fields of the form; the last four may be repeated.
_FIELDS: Final = ("since", "until", "timezone", "source", "action", "template", "value")

_Key = tuple[object, ...]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Pages:
    """Renders pages, one at a time, and caches the last ones.

    Attributes:
        paths: of the data folder.
        now: the time.
    """

    paths: DataPaths
    now: Callable[[], datetime] = _now
    _kept: OrderedDict[_Key, str] = field(default_factory=OrderedDict)
    _making: threading.Lock = field(default_factory=threading.Lock)
    _keeping: threading.Lock = field(default_factory=threading.Lock)

    async def read(self, query: Sequence[tuple[str, str]]) -> str:
        """The page for the fields of the form, with a notice if the last run ended long ago.

        Raises:
            NothingPublishedError, WarehouseError: when no published copy can be read.
            UnusableInputError: when a filter cannot be used.
        """
        return await asyncio.to_thread(self._read, filters_of(query))

    def _read(self, filters: Filters) -> str:
        key = self._key(filters)
        page = self._found(key)
        if page is None:
            with self._making:  # those who waited find the page in the cache
                page = self._found(key) or self._keep(key, self._make(filters))
        return page.replace(NOTICE, self._notice(), 1)

    def _found(self, key: _Key) -> str | None:
        with self._keeping:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: _Key, page: str) -> str:
        with self._keeping:
            self._kept[key] = page
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return page

    def _key(self, filters: Filters) -> _Key:
        seconds = self.now().timestamp()
        is_relative = any(text and _is_span(text) for text in (filters.since, filters.until))
        moment = int(seconds // _RELATIVE_SECONDS) if is_relative else None
        return (*self._copy(seconds), moment, filters)

    def _copy(self, seconds: float) -> _Key:
        """The identity of what readers see now: of the published file, or of a lake in this minute."""
        published = warehouse_of(self.paths).published
        if published is None:
            return (int(seconds // _LAKE_SECONDS),)
        try:
            status = published.stat()
        except FileNotFoundError:
            raise nothing_published(self.paths) from None
        return (status.st_ino, status.st_mtime_ns)

    def _make(self, filters: Filters) -> str:
        now = self.now()
        cohort = cohort_of(filters, now)
        try:
            with closing(warehouse_of(self.paths).connect_beside()) as con:
                form, link, folder = filter_form(con, filters), address_of(filters), where(self.paths.root)
                return str(render_page(con, cohort, cohort.timezone, now, top=form, link=link, where=folder))
        except ReportError as error:
            raise UnusableInputError(str(error)) from error

    def _notice(self) -> str:
        found = health(self.paths, self.now())
        if found.stale_seconds is None or found.stale_seconds < _STALE_SECONDS:
            return ""
        words = f"No run has ended for {duration(found.stale_seconds)}: what has happened since then is not shown here."
        return f'<p class="notice">{escape(words)}</p>'


def filters_of(query: Iterable[tuple[str, str]]) -> Filters:
    """The filters from the fields of the form; empty fields are ignored.

    Raises:
        UnusableInputError: for a field that is not in the form.
    """
    given = [(name, value.strip()) for name, value in query if value.strip()]
    for name, _ in given:
        if name not in _FIELDS:
            msg = f"there is no filter {name[:80]!r}: filters are {', '.join(_FIELDS)}"
            raise UnusableInputError(msg)
    single = dict(given)

    def every(name: str) -> tuple[str, ...]:
        return tuple(value for one, value in given if one == name)

    return Filters(
        every("source"),
        every("action"),
        every("template"),
        single.get("since"),
        single.get("until"),
        single.get("timezone", "UTC"),
        every("value"),
    )


def address_of(filters: Filters) -> str:
    """The address of the page with these filters; the inverse of `filters_of`."""
    repeated = {"source": filters.sources, "action": filters.actions, "template": filters.templates}
    single = {"since": filters.since, "until": filters.until, "timezone": filters.timezone}
    given = {name: value for name, value in single.items() if value}
    return "/?" + urlencode(given | repeated | {"value": filters.values}, doseq=True)


def _is_span(text: str) -> bool:
    try:
        return read_span(text) is not None
    except ValueError:
        return False
