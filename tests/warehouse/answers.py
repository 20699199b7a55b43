"""Answers and requests by hand, and the segments they are kept in."""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from transforms.schema import ANSWERS, REQUESTS, body_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warehouse.archive.parquet import Segment
    from warehouse.archive.segments import Archive

#: When the first thing happens; minutes count from here.
START = datetime(2026, 1, 20, 3, tzinfo=UTC)

_numbers = itertools.count()


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


@dataclass(frozen=True)
class Kind:
    """A sort of answer, and what a careful reader finds in it; `named` is the id that its task names, if any."""

    body: bytes | None
    outcome: str = "task"
    status: str | None = None
    work: str | None = None
    pt_infos: int = 0
    http_status: int | None = 200
    error: str | None = None
    named: str | None = None
    work_named: str | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status in ("SUCCESS", "FAILURE")


@dataclass(frozen=True)
class Answer:
    task_id: str
    observed_at: datetime
    kind: Kind
    run_id: str = "run1"
    source: str = "default"
    segment_id: str = "home"

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.task_id

    @property
    def precedence(self) -> tuple[bool, datetime, str, str]:
        return self.kind.is_terminal, self.observed_at, body_hash(self.kind.body), self.run_id

    def row(self) -> tuple[object, ...]:
        kind = self.kind
        return (
            self.source, self.task_id, self.observed_at, self.segment_id, self.run_id, kind.http_status,
            "application/json", kind.body, kind.outcome == "oversized", body_hash(kind.body), 12.5, 1, 0, "req-1", "v1",
            kind.error,
        )  # fmt: skip


@dataclass(frozen=True)
class Request:
    task_id: str
    requested_at: datetime
    run_id: str = "run1"
    source: str = "default"
    drawn_from: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.task_id

    def row(self) -> tuple[object, ...]:
        return self.source, self.task_id, self.requested_at, self.run_id, self.drawn_from


def under(named: str | None, kind: Kind, work_named: str | None = None) -> Kind:
    """An answer whose task, or the work in it, names an id: that of another task where a proxy mixed answers up."""
    whole = json.loads(kind.body or b"")
    if named is not None:
        whole["data"]["task_id"] = named
    if work_named is not None:
        whole["data"]["data"]["animate_id"] = work_named
    return dataclasses.replace(kind, body=json.dumps(whole).encode(), named=named, work_named=work_named)


def task_body(status: str, *, submit: datetime = START, work: dict[str, Any] | None = None, **fields: object) -> bytes:
    """A plain answer about a task."""
    task: dict[str, Any] = {
        "notify_hook": "",
        "action": "avatar-generate",
        "status": status,
        "fail_reason": "",
        "submit_time": int(submit.timestamp()),
        "start_time": 0,
        "finish_time": 0,
        "progress": "50%",
        "data": work,
    }
    return json.dumps({"code": "success", "message": "", "data": task | fields}).encode()


def work(name: str, pt_infos: int = 0, **fields: object) -> dict[str, Any]:
    params = json.dumps({"pt_infos": [{"context": f"{name} says {index}"} for index in range(pt_infos)]})
    return {"animate_params_str": params, "web_work_status": 200, "work_name": name, **fields}


def failed(reason: str) -> Kind:
    body = task_body("FAILURE", fail_reason=reason, finish_time=int(minute(2).timestamp()))
    return Kind(body, status="FAILURE")


def ended(latency_seconds: float = 90, *, submit: datetime = START) -> Kind:
    """A success so many seconds after `submit`."""
    finish = int((submit + timedelta(seconds=latency_seconds)).timestamp())
    return Kind(task_body("SUCCESS", submit=submit, finish_time=finish, progress="100%"), status="SUCCESS")


QUEUED = Kind(task_body("QUEUED"), status="QUEUED")
RUNNING = Kind(task_body("IN_PROGRESS"), status="IN_PROGRESS")
RUNNING_WITH_WORK = Kind(
    task_body("IN_PROGRESS", work=work("draft", 3)), status="IN_PROGRESS", work="draft", pt_infos=3
)
SUCCESS = ended()
SUCCESS_WITH_WORK = Kind(
    task_body("SUCCESS", work=work("final", 2), finish_time=int(minute(3).timestamp())),
    status="SUCCESS",
    work="final",
    pt_infos=2,
)
SUCCESS_WITHOUT_PARTS = Kind(
    task_body("SUCCESS", work=work("bare", 0), finish_time=int(minute(3).timestamp())), status="SUCCESS", work="bare"
)
FAILURE = failed("upstream returned an error")
SURPRISING = Kind(
    task_body("IN_PROGRESS", work=work("odd", 1, brand_new=1, video_aspect_ratio="wide"), priority=5),
    status="IN_PROGRESS",
    work="odd",
    pt_infos=1,
)
SURPRISING_OTHERWISE = Kind(
    task_body("QUEUED", work=work("odder", 0, brand_new="text", video_aspect_ratio=True)), status="QUEUED", work="odder"
)
MISSING = Kind(b'{"code":"task_not_exist","message":"task_not_exist","data":null}', "missing", http_status=400)
HTML = Kind(b"<!doctype html><html></html>", "malformed")
OVERSIZED = Kind(b'{"code":"success","data":{', "oversized")
SILENCE = Kind(None, "transport_error", http_status=None, error="timeout: no answer")
OVERLOADED = Kind(b"busy", "server_error", http_status=503)
REFUSED = Kind(b"{}", "denied", http_status=401)

KINDS = (
    QUEUED, RUNNING, RUNNING_WITH_WORK, SUCCESS, SUCCESS_WITH_WORK, SUCCESS_WITHOUT_PARTS, FAILURE, SURPRISING,
    SURPRISING_OTHERWISE, MISSING, HTML, OVERSIZED, SILENCE, OVERLOADED,
)  # fmt: skip

#: Answers that a proxy mixes up, for tasks called t1, t2 and t3; nobody polls x1, w1 and w2.
MIXED_UP = (
    under("t1", RUNNING), under("t1", SUCCESS_WITH_WORK), under("task_T2", SUCCESS), under("t2", FAILURE),
    under("t3", SUCCESS_WITH_WORK, "w1"), under("x1", SUCCESS_WITHOUT_PARTS), under("x1", RUNNING),
    under(None, SUCCESS_WITH_WORK, "w1"), under(None, RUNNING_WITH_WORK, "w2"), under(None, SUCCESS_WITH_WORK, "T1"),
)  # fmt: skip


def write_answers(store: Archive, answers: Sequence[Answer], segment_id: str | None = None) -> Segment:
    rows = pl.DataFrame([answer.row() for answer in answers], schema=ANSWERS, orient="row")
    return store.write("observations", rows, segment_id=segment_id or _fresh_name(), at=START)


def write_requests(store: Archive, requests: Sequence[Request], segment_id: str | None = None) -> Segment:
    rows = pl.DataFrame([request.row() for request in requests], schema=REQUESTS, orient="row")
    return store.write("requests", rows, segment_id=segment_id or _fresh_name(), at=START)


def _fresh_name() -> str:
    return f"segment-{next(_numbers):06d}"


def file_of(segment: Segment) -> Path:
    """The file of a segment of an archive in a folder."""
    return Path(str(segment.path))


def folder_of(store: Archive) -> Path:
    """The folder that an archive is in."""
    assert store.folder is not None
    return store.folder
