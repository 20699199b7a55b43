"""Pages of a list load as single answers do: in any order, split or repetition the same tables."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import polars as pl

from tests.warehouse.answers import QUEUED, RUNNING, START, SUCCESS_WITH_WORK, Answer, Request, minute, write_answers
from tests.warehouse.answers import write_requests as requests_segment
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.tables import contents, emptied, rows
from transforms.schema import ANSWERS, LIST_PAGES, body_hash
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.load.budget import PAGE_ROWS
from warehouse.load.loader import load
from warehouse.load.steps import size_in_rows
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.warehouse.answers import Kind
    from warehouse.archive.parquet import Segment


def item(task_id: str, kind: Kind) -> str:
    return json.dumps({"task_id": task_id} | json.loads(kind.body or b"")["data"])


def page(store: Archive, at: float, *items: str, segment_id: str, query: str = "?p=0") -> Segment:
    body = f'{{"success":true,"data":[{",".join(items)}]}}'.encode()
    row = dict.fromkeys(LIST_PAGES.names()) | {
        "source": "default", "query": query, "accepted_at": minute(0), "observed_at": minute(at), "run_id": "run2",
        "segment_id": segment_id, "http_status": 200, "body": body, "body_cut": False, "body_hash": body_hash(body),
        "gateway_version": "v1", "elapsed_ms": 30.0, "attempts": 1, "refusals": 0,
    }  # fmt: skip
    return store.write("list_pages", pl.DataFrame([row], schema=LIST_PAGES), segment_id=segment_id, at=START)


def loaded(*steps: list[Segment]) -> dict[str, list[str]]:
    with emptied() as con:
        for step in steps:
            load(con, step, DEFAULTS, PollingPolicy())
        return contents(con)


def test_any_order_and_repetition_of_pages_and_single_answers_gives_the_same_tables(tmp_path: Path) -> None:
    """The same task in two pages that drifted, and polled by itself before and after."""
    store = Site(DataPaths(tmp_path / "data")).store
    segments = [
        page(store, 2, item("t1", RUNNING), item("t2", QUEUED), segment_id="a"),
        page(store, 3, item("t2", QUEUED), item("t3", SUCCESS_WITH_WORK), item("t2", QUEUED), segment_id="b"),
        page(store, 5, item("t4", RUNNING), item("t5", RUNNING), query="ids=t4,t6", segment_id="c"),
        write_answers(store, [Answer("t1", minute(4), SUCCESS_WITH_WORK), Answer("t3", minute(1), RUNNING)]),
        requests_segment(store, [Request("t1", minute(0)), Request("t4", minute(0))]),
    ]
    expected = loaded(segments)
    assert len(expected["tasks"]) == 4
    assert len(expected["observations"]) == 2 + 2 + 1 + 2
    assert len(expected["requests"]) == 2 + 3
    for order in list(itertools.permutations(segments))[::79]:
        assert loaded(*([one] for one in order), list(order)) == expected
    assert loaded(segments[:2], segments[1:]) == expected


def test_an_item_says_of_a_task_what_its_single_answer_says(tmp_path: Path) -> None:
    """In every column that depends on the answer alone."""
    store = Site(DataPaths(tmp_path / "data")).store
    listed = page(store, 1, item("t1", SUCCESS_WITH_WORK), segment_id="a")
    body = f'{{"code":"success","message":"","data":{item("t1", SUCCESS_WITH_WORK)}}}'.encode()
    row = Answer("t1", minute(1), SUCCESS_WITH_WORK, run_id="run2", segment_id="a").row()
    answers = pl.DataFrame([(*row[:7], body, False, body_hash(body), *row[10:])], schema=ANSWERS, orient="row")
    single = store.write("observations", answers, segment_id="c", at=START)
    tables = [_tables([one]) for one in (listed, single)]
    assert [len(found) for found in tables[0]] == [1, 1, 2]
    assert tables[0] == tables[1]


def _tables(segments: list[Segment]) -> list[list[dict[str, object]]]:
    with emptied() as con:
        load(con, segments, DEFAULTS, PollingPolicy())
        return [
            rows(con, "select * exclude (requested_at) from tasks"),
            rows(con, "from works"),
            rows(con, "from pt_infos"),
        ]


def test_a_page_counts_as_its_answers_when_loads_are_divided(tmp_path: Path) -> None:
    """So a transaction of pages needs no more memory than one of single answers."""
    segment = page(Archive(LocalFolder(tmp_path / "archive")), 2, item("listed", RUNNING), segment_id="a")
    assert size_in_rows(segment) == PAGE_ROWS
