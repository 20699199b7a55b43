"""The family's other endpoints: the list of a user's tasks, many tasks by their ids, and the gateway's status."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, get_args
from urllib.parse import parse_qs

from simulator import answers
from simulator.answers import Answer, Header, ok
from simulator.life import Seen, Task, observe
from simulator.limits import Faults, WindowLimit, chance
from simulator.render import document
from simulator.work import Json, to_json
from simulator.world import World

Paging = Literal["old", "new"]
PageFault = Literal["swallowed", "unsuccessful", "transient"]
PAGE_FAULTS: tuple[PageFault, ...] = ("swallowed", "unsuccessful", "transient")

#: How a request for many ids is answered, in this order: with items as in the list; as if every task still ran; with
#: the payload as text; with database rows (more fields); as if no task were known; with 403, as for a key of other
#: models; not at all.
BulkKind = Literal["tasks", "stale", "text", "rows", "unknown", "refused", "absent"]
BULK_KINDS: tuple[BulkKind, ...] = get_args(BulkKind)

LIST, BULK, STATUS = "/api/task/self", "/suno/fetch", "/api/status"
OLD_PAGE_SIZE, LARGEST_PAGE_SIZE = 10, 100
QUOTA_PER_UNIT = 500_000


@dataclass(slots=True)
class Account:
    """The account of the user who submitted the world's tasks, as the family's other endpoints show it.

    Attributes:
        token: the expected access token; it is sent without `Bearer`.
        user_id: the expected `New-Api-User`.
        paging: `old` (`p` from 0, ten a page, a bare list) or `new` (`p` from 1, `page_size` up to 100, with a total).
        old_page_size: tasks on a page with old paging.
        page_fault_share: share of the list's answers that are wrong, in the ways of `page_faults`: `swallowed` (a
            database error that looks like an empty success), `unsuccessful` (HTTP 200 with `success: false`) and
            `transient` (one of `Faults`).
        bulk: how a request for many ids is answered, see `BulkKind`.
        bulk_gap_share: share of known tasks that an answer to many ids leaves out.
        limit: limit of all requests to `/api/…`; beyond it, they are refused with an empty 429.
        is_visible: whether a submitted task is in the list at an instant; for lists that lag.
        pages: the query of every request for the list that was not refused, in order.
    """

    token: str
    user_id: str = "7"
    paging: Paging = "new"
    old_page_size: int = OLD_PAGE_SIZE
    page_fault_share: float = 0.0
    page_faults: tuple[PageFault, ...] = PAGE_FAULTS
    bulk: BulkKind = "tasks"
    bulk_gap_share: float = 0.0
    limit: WindowLimit | None = None
    is_visible: Callable[[Task, float], bool] = lambda _task, _now: True
    pages: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def answer(self, world: World, request: "Request", now: float) -> Answer | None:
        """The answer of one of these endpoints; None if the path belongs to another."""
        handlers = {("GET", LIST): self._list, ("GET", STATUS): self._status, ("POST", BULK): self._bulk}
        handler = handlers.get((request.method, request.path))
        if handler is None:
            return None
        self.calls[request.path] += 1
        if request.path == BULK and self.bulk == "absent":
            return None
        if request.path != BULK and self.limit is not None and not self.limit.admits():
            return answers.throttled_empty()
        return handler(world, request, now)

    def _status(self, _world: World, _request: "Request", _now: float) -> Answer:
        data = {"version": "v1.0.0-sim", "quota_per_unit": QUOTA_PER_UNIT, "price": 7.3}
        return _said(success=True, message="", data=data)

    def _list(self, world: World, request: "Request", now: float) -> Answer:
        if refusal := self._refusal(request):
            return refusal
        self.pages.append(request.query)
        page = self._page(world, request, now)
        drawn = chance(world.seed, "page", len(self.pages))
        if drawn >= self.page_fault_share:
            return _said(success=True, message="", data=page)
        return self._wrong(self.page_faults[int(drawn / self.page_fault_share * len(self.page_faults))], world, page)

    def _refusal(self, request: "Request") -> Answer | None:
        """The refusal of a wrong token, as by old versions (HTTP 200) or new ones (401); None if the token is right."""
        is_known = request.header(b"authorization") == self.token and request.header(b"new-api-user") == self.user_id
        if is_known:
            return None
        if self.paging == "old":
            return _said(success=False, message="无权进行此操作，access token 无效")
        return Answer(401, to_json({"success": False, "message": "Unauthorized, invalid access token"}).encode())

    def _wrong(self, fault: PageFault, world: World, page: Json) -> Answer:
        if fault == "swallowed":
            nothing = [] if self.paging == "old" else page | {"total": 0, "items": []}
            return _said(success=True, message="", data=nothing)
        if fault == "unsuccessful":
            return _said(success=False, message="database error")
        drawn = Faults(1.0, kinds=("database", "bad_gateway", "throttled", "reset", "cut"), seed=world.seed)
        kind = drawn.draw("page", 3 * len(self.pages) + 1) or "database"
        return drawn.spoil(kind, _said(success=True, message="", data=page), f"page{len(self.pages)}")

    def _page(self, world: World, request: "Request", now: float) -> Json:
        found = list(self._newest_first(world, request, now))
        if self.paging == "old":
            start = request.number("p") * self.old_page_size
            return [self._item(task, now) for task in found[start : start + self.old_page_size]]
        page, size = max(request.number("p"), 1), min(request.number("page_size") or OLD_PAGE_SIZE, LARGEST_PAGE_SIZE)
        items = [self._item(task, now) for task in found[(page - 1) * size : page * size]]
        return {"page": page, "page_size": size, "total": len(found), "items": items}

    def _newest_first(self, world: World, request: "Request", now: float) -> Iterator[Task]:
        """The tasks that pass the filters; the time range includes both ends."""
        first, last = request.number("start_timestamp"), min(request.number("end_timestamp") or now, now)
        wanted = {name: text for name in ("action", "platform", "status", "task_id") if (text := request.text(name))}
        for task in reversed(world.tasks):
            if (
                first <= task.submit <= last
                and self.is_visible(task, now)
                and (not wanted or wanted.items() <= _values(task, now).items())
            ):
                yield task

    def _item(self, task: Task, now: float) -> Json:
        """A task as in `data` of the single answer; in old versions with more fields of the database row."""
        item: Json = document(_enveloped(task), _seen(task, now))["data"]
        row = {
            "id": int.from_bytes(task.id[-4:].encode(), "big") % 1_000_000,
            "created_at": task.submit,
            "updated_at": task.submit,
            "user_id": 7,
        }
        return row | item if self.paging == "old" else item

    def _bulk(self, world: World, request: "Request", now: float) -> Answer:
        """Unknown ids are left out; if none is known, `data` is null."""
        if self.bulk == "refused":
            return answers.error(403, "This token has no access to model suno", f"bulk{self.calls[BULK]}")
        asked = json.loads(request.body or b"{}").get("ids") or []
        known = [world.find(str(task_id)) for task_id in asked]
        items = [
            _as(self.bulk, self._item(task, now))
            for task in known
            if task is not None
            and self.bulk != "unknown"
            and task.submit <= now
            and chance(world.seed, "gap", task.id, self.calls[BULK]) >= self.bulk_gap_share
        ]
        return ok(to_json({"code": "success", "message": "", "data": items or None}).encode())


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that these endpoints need."""

    method: str
    path: str
    query: str = ""
    headers: tuple[Header, ...] = ()
    body: bytes = b""

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    def text(self, name: str) -> str:
        return _parsed(self.query).get(name, [""])[0]

    def number(self, name: str) -> int:
        text = self.text(name)
        return int(text) if text.isdigit() else 0


@lru_cache(100)
def _parsed(query: str) -> dict[str, list[str]]:
    return parse_qs(query)


def _values(task: Task, now: float) -> dict[str, str]:
    """The values of a task that the list can be filtered by."""
    status = _seen(task, now).word
    return {"action": task.action, "platform": task.channel.platform, "status": status, "task_id": task.id}


def _seen(task: Task, now: float) -> Seen:
    """A task that was submitted, as the gateway reports it."""
    seen = observe(_enveloped(task), now)
    assert seen is not None  # noqa: S101 - see above
    return seen


def _enveloped(task: Task) -> Task:
    """The task without a quirk that a list cannot show: a list contains tasks, never a work alone."""
    is_plain = not task.quirk.is_work_only and task.quirk_name != "numeric_code"
    return task if is_plain else replace(task, quirk_name="")


def _as(kind: BulkKind, item: Json) -> Json:
    if kind == "stale":
        return item | {"status": "IN_PROGRESS", "progress": "30%", "finish_time": 0, "data": None}
    if kind == "text":
        return item | {"data": to_json(item["data"])}
    return {"id": 7, "user_id": 7, "group": "default"} | item if kind == "rows" else item


def _said(*, success: bool, message: str, data: Json = None) -> Answer:
    return ok(to_json({"success": success, "message": message, "data": data}).encode())
