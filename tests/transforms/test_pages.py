"""Pages of a list to answers: both pagings, and nothing but a page is one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from gateway import ids as gateway_ids
from transforms.pages import TASK_ID, read_page, split_pages
from transforms.schema import LIST_PAGES, body_hash

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
ITEM = '{"task_id" : "t1", "action":"sing","submit_time":1736868741,"n":12345678901234567890.50,"x":"\\ud83d é"}'


def page_row(body: bytes | None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a row
    row = dict.fromkeys(LIST_PAGES.names()) | {
        "source": "default",
        "query": "?p=0",
        "accepted_at": NOON,
        "observed_at": NOON,
        "segment_id": "s1",
        "run_id": "r1",
        "http_status": 200,
        "body": body,
        "body_cut": False,
        "body_hash": body_hash(body),
        "attempts": 1,
        "refusals": 0,
    }
    return row | changes


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LIST_PAGES)


def old(*items: str) -> bytes:
    return f'{{"success":true,"message":"","data":[{",".join(items)}]}}'.encode()


def new(*items: str, total: int = 9) -> bytes:
    inside = f'"page":1,"page_size":100,"total":{total},"items":[{" , ".join(items)}]'
    return f'{{"data": {{{inside}}}, "message":"", "success": true}}\n'.encode()


@pytest.mark.parametrize(("body", "total"), [(old(ITEM), None), (new(ITEM), 9)], ids=["old", "new"])
def test_an_item_becomes_the_single_answer_around_its_own_bytes(body: bytes, total: int | None) -> None:
    """Not a digit or blank of it is changed, whatever a JSON parser would make of it."""
    split = split_pages(frame(page_row(body)))
    [answer] = split.answers.to_dicts()
    assert answer["body"] == b'{"code":"success","message":"","data":' + ITEM.encode() + b"}"
    assert answer["body_hash"] == body_hash(answer["body"])
    assert (answer["task_id"], answer["attempts"], answer["elapsed_ms"]) == ("t1", 0, None)
    [request] = split.requests.to_dicts()
    assert (request["task_id"], request["requested_at"], request["drawn_from"]) == ("t1", NOON, "gateway")
    [page] = split.pages.to_dicts()
    assert (page["items"], page["unusable_items"], page["total"]) == (1, 0, total)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="no answer"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html></html>", id="a web page"),
        pytest.param(old(ITEM)[:-20], id="cut short"),
        pytest.param(old(ITEM) + b"{}", id="something behind it"),
        pytest.param(b'{"success":false,"message":"database error","data":[]}', id="not a success"),
        pytest.param(b'{"success":true,"data":null}', id="no data"),
        pytest.param(b'{"success":true,"data":{"total":3}}', id="no items"),
        pytest.param(b'{"success":true,"data":"[]"}', id="text"),
        pytest.param(b'{"success":true,"data":[' + b"[" * 100_000, id="nested too deeply"),
        pytest.param(b"[]", id="a list"),
    ],
)
def test_what_is_no_page_says_nothing(body: bytes | None) -> None:
    """And is not an empty page either."""
    assert read_page(body) is None
    split = split_pages(frame(page_row(body)))
    assert (split.answers.height, split.requests.height) == (0, 0)
    assert split.pages["items"].to_list() == [None]


@pytest.mark.parametrize("changes", [{"http_status": 500}, {"body_cut": True}, {"error": "reset: gone"}])
def test_a_page_that_did_not_come_whole_is_not_used(changes: dict[str, Any]) -> None:
    assert split_pages(frame(page_row(old(ITEM), **changes))).answers.is_empty()


def test_tasks_of_other_actions_stay_out_where_the_gateway_ignores_the_filter() -> None:
    other = ITEM.replace("t1", "t2").replace("sing", "dance")
    split = split_pages(frame(page_row(new(ITEM, other), action="sing")))
    assert split.answers["task_id"].to_list() == ["t1"]
    assert split.pages["items"].to_list() == [2]


@pytest.mark.parametrize(
    "item", ["1", "{}", '{"task_id":""}', '{"task_id":7}', '{"task_id":"../x"}', '{"task_id":"a b"}']
)
def test_an_item_that_could_not_be_polled_is_counted_and_left(item: str) -> None:
    page = read_page(old(ITEM, item))
    assert page is not None
    assert ([one.task_id for one in page.items], page.unusable) == (["t1"], 1)


def test_ids_of_lists_are_those_that_the_client_takes() -> None:
    assert TASK_ID.pattern == gateway_ids.TASK_ID.pattern


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1736868741, 1736868741),
        ('"1736868741"', 1736868741),
        (1736868741500, 1736868741.5),
        (0, None),
        ('"soon"', None),
        ("null", None),
    ],
)
def test_submit_time_is_read_in_seconds_and_milliseconds(value: object, seconds: float | None) -> None:
    page = read_page(old(ITEM.replace("1736868741", str(value))))
    assert page is not None
    assert page.items[0].submit_time == seconds


def test_the_message_of_a_refusal_is_kept() -> None:
    split = split_pages(frame(page_row(json.dumps({"success": False, "message": "无权进行此操作"}).encode())))
    assert split.pages["message"].to_list() == ["无权进行此操作"]
