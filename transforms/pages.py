"""Turns pages of the gateway's list of tasks into answers: one per item, as if its task had been polled.

    {"success": true, "data": [item, …]}                                            old paging: ten items, no total
    {"success": true, "data": {"page": 1, "page_size": 100, "total": 230, "items": [item, …]}}      new paging

An item is what the answer for a single task has in `data`, so the item's bytes are put into the envelope of such an
answer. Answers to one request for many ids are read in the same way:

    {"code": "success", "message": "", "data": [item, …]}                   `data` is null if it knows none of the ids
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import polars as pl

from transforms.schema import ANSWERS, PAGE_FACTS, REQUESTS, body_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

Paging = Literal["old", "new"]

#: Which texts are task ids; the same as in `gateway.ids`, so that every id taken from a list can be polled later.
TASK_ID: Final = re.compile(r"(?!\.)[A-Za-z0-9_.~:-]{1,191}")

#: The value of `requests.drawn_from` for ids from the gateway's list.
FROM_GATEWAY: Final = "gateway"

#: How `query` begins if many ids were requested; the ids follow, joined by commas. `PROBE_QUERY` marks requests that
#: only tested what such answers contain: no answers are taken from them.
BULK_QUERY: Final = "ids="
PROBE_QUERY: Final = "probe="
_OF_IDS: Final = (BULK_QUERY, PROBE_QUERY)

_BEFORE, _AFTER = b'{"code":"success","message":"","data":', b"}"
_FACTS: Final = pl.Schema({name: PAGE_FACTS[name] for name in ("items", "unusable_items", "total", "message")})
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_MILLISECONDS: Final = 1e11
_decoder = json.JSONDecoder()


class Item(NamedTuple):
    """A task in a page. `submit_time` is in Unix seconds, None if it cannot be read; `raw` are the item's bytes."""

    task_id: str
    action: str | None
    submit_time: float | None
    raw: bytes


class Page(NamedTuple):
    """The content of a page. `unusable` counts the items without a task id that could be polled."""

    paging: Paging
    items: list[Item]
    total: int | None
    page_size: int | None
    unusable: int


def read_page(body: bytes | None) -> Page | None:
    """The page in a body; None if it is not a page: an error, a web page, or cut short."""
    try:
        reading = _Reading((body or b"").decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
        return reading.page()
    except (ValueError, RecursionError):
        return None


def read_bulk(body: bytes | None) -> Page | None:
    """The tasks in an answer to a request for many ids; None if it is not such an answer."""
    page = read_page(body)
    if page is not None:
        return page if page.paging == "old" else None
    try:
        said = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    is_empty = isinstance(said, dict) and said.get("code") == "success" and said.get("data", 0) is None
    return Page("old", [], None, None, 0) if is_empty else None


def error_message(body: bytes | None) -> str | None:
    """The message of `{"success": false, "message": …}`; None for any other body."""
    try:
        said = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("success") is not False:
        return None
    return str(said.get("message") or "no message")


class SplitPages(NamedTuple):
    """The content of some pages: one row per page (`PAGE_FACTS`), answers (`ANSWERS`), accepted ids (`REQUESTS`)."""

    pages: pl.DataFrame
    answers: pl.DataFrame
    requests: pl.DataFrame


def split_pages(pages: pl.DataFrame) -> SplitPages:
    """Split archived pages (`LIST_PAGES`). Pure, and never raises because of their content.

    Some gateways ignore the filter, so items of another action, and of ids that were not requested, are left out.
    `requests` has ids from lists only: ids that were requested had been accepted before.
    """
    facts: list[tuple[Any, ...]] = []
    answers: list[tuple[Any, ...]] = []
    requests: list[tuple[Any, ...]] = []
    for row in pages.iter_rows(named=True):
        page = _page_of(row)
        count = (None, None, None) if page is None else (len(page.items) + page.unusable, page.unusable, page.total)
        facts.append((*count, None if page else error_message(row["body"])))
        for item in wanted_items(page, row["query"], row["action"]):
            answers.append(_answer(row, item))
            if not row["query"].startswith(BULK_QUERY):
                requests.append((row["source"], item.task_id, row["accepted_at"], row["run_id"], FROM_GATEWAY))
    found = pl.DataFrame(facts, schema=_FACTS, orient="row")
    return SplitPages(
        pages.with_columns(found).select(PAGE_FACTS.names()).cast(PAGE_FACTS),
        pl.DataFrame(answers, schema=ANSWERS, orient="row"),
        pl.DataFrame(requests, schema=REQUESTS, orient="row").unique(maintain_order=True),
    )


def wanted_items(page: Page | None, query: str, action: str | None) -> list[Item]:
    """The items that were requested: by the page's filter on `action` (ignoring case, as databases do), or by id."""
    if query.startswith(BULK_QUERY):
        return requested_items(page, query.removeprefix(BULK_QUERY))
    items = [] if page is None or query.startswith(PROBE_QUERY) else page.items
    return [item for item in items if action is None or (item.action or "").casefold() == action.strip().casefold()]


def requested_items(page: Page | None, ids: str) -> list[Item]:
    """The items of `page` whose id is in `ids` (joined by commas)."""
    requested = frozenset(ids.split(","))
    return [item for item in page.items if item.task_id in requested] if page else []


def _page_of(row: dict[str, Any]) -> Page | None:
    is_whole = row["http_status"] == 200 and not row["body_cut"] and row["error"] is None  # noqa: PLR2004 - OK
    if not is_whole:
        return None
    return read_bulk(row["body"]) if row["query"].startswith(_OF_IDS) else read_page(row["body"])


def _answer(page: dict[str, Any], item: Item) -> tuple[Any, ...]:
    """A row of `ANSWERS`. No request was made for this task alone, so it has 0 attempts and no `elapsed_ms`."""
    body = _BEFORE + item.raw + _AFTER
    return (
        page["source"],
        item.task_id,
        page["observed_at"],
        page["segment_id"],
        page["run_id"],
        page["http_status"],
        page["content_type"],
        body,
        False,
        body_hash(body),
        None,
        0,
        0,
        page["request_id"],
        page["gateway_version"],
        None,
    )


class _Reading:
    """Parses a page's text once, and notes where each item begins and ends.

    Raises:
        ValueError, RecursionError: from every method, if the text is not a page.
    """

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def page(self) -> Page:
        said: dict[str, Any] = {"success": True}
        found: Page | None = None
        for key in self._members():
            if key == "data":
                found = self._data()
            else:
                said[key] = self._value()
        self._skip_space()
        if found is None or said["success"] is not True or self._at < len(self._text):
            raise ValueError("not a page of the list")
        return found

    def _data(self) -> Page | None:
        if self._peek() == "[":
            items, unusable = self._items()
            return Page("old", items, None, None, unusable)
        if self._peek() != "{":
            self._value()
            return None
        return self._new_page()

    def _new_page(self) -> Page | None:
        said: dict[str, Any] = {}
        found: tuple[list[Item], int] | None = None
        for key in self._members():
            if key == "items":
                found = self._items() if self._peek() == "[" else ([], int(self._value() is not None))
            else:
                said[key] = self._value()
        if found is None:
            return None
        return Page("new", found[0], _count(said.get("total")), _count(said.get("page_size")), found[1])

    def _items(self) -> tuple[list[Item], int]:
        """The usable items of the list that begins here, and the number of others."""
        found = [_item(value, self._text[begin : self._at]) for value, begin in self._elements()]
        usable = [item for item in found if item is not None]
        return usable, len(found) - len(usable)

    def _members(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller reads each value."""
        self._take("{")
        is_first = True
        while self._peek() != "}":
            if not is_first:
                self._take(",")
            is_first, key = False, self._value()
            self._take(":")
            self._skip_space()
            yield str(key)
        self._take("}")

    def _elements(self) -> Iterator[tuple[Any, int]]:
        """Each element of the list that begins here, with the position where it begins; it ends at `self._at`."""
        self._take("[")
        is_first = True
        while self._peek() != "]":
            if not is_first:
                self._take(",")
                self._skip_space()
            is_first, begin = False, self._at
            yield self._value(), begin
        self._take("]")

    def _value(self) -> Any:  # noqa: ANN401 - any JSON value
        self._skip_space()
        value, self._at = _decoder.raw_decode(self._text, self._at)
        return value

    def _peek(self) -> str:
        self._skip_space()
        return self._text[self._at : self._at + 1]

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise ValueError(f"{character!r} is missing")
        self._at += 1

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at


def _item(value: object, text: str) -> Item | None:
    if not isinstance(value, dict) or not isinstance(value.get("task_id"), str):
        return None
    if not TASK_ID.fullmatch(value["task_id"]):
        return None
    action = value.get("action")
    return Item(
        value["task_id"],
        action if isinstance(action, str) else None,
        _seconds(value.get("submit_time")),
        text.encode("utf-8", "surrogateescape"),
    )


def _seconds(value: object) -> float | None:
    """Unix seconds; some gateways send milliseconds, or numbers as text."""
    try:
        number = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return None
    if not 0 < number < 1000 * _MILLISECONDS:
        return None
    return number / 1000 if number > _MILLISECONDS else number


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
