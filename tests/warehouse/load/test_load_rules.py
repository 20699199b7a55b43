"""Which answer wins, what is counted, and what follows it: by hand, case by case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.warehouse.answers import (
    FAILURE,
    HTML,
    MISSING,
    OVERLOADED,
    OVERSIZED,
    QUEUED,
    RUNNING,
    RUNNING_WITH_WORK,
    SILENCE,
    SUCCESS,
    SUCCESS_WITH_WORK,
    SUCCESS_WITHOUT_PARTS,
    SURPRISING,
    Answer,
    Kind,
    Request,
    minute,
    task_body,
    work,
)
from tests.warehouse.tables import column, one, rows

if TYPE_CHECKING:
    from tests.warehouse.conftest import Bench


def seen(*kinds: Kind, first: float = 1) -> list[Answer]:
    """Answers about one task, a minute apart."""
    return [Answer("t1", minute(first + number), kind) for number, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        pytest.param((QUEUED, RUNNING), "IN_PROGRESS", id="the_latest_wins"),
        pytest.param((RUNNING, QUEUED), "QUEUED", id="also_where_it_goes_back"),
        pytest.param((SUCCESS, RUNNING), "SUCCESS", id="an_end_wins_over_what_is_later"),
        pytest.param((SUCCESS, FAILURE), "FAILURE", id="the_latest_of_two_ends"),
        pytest.param((RUNNING, MISSING), "IN_PROGRESS", id="missing_changes_nothing"),
        pytest.param((RUNNING, SILENCE, HTML, OVERLOADED), "IN_PROGRESS", id="nor_does_trouble"),
    ],
)
def test_the_winner_is_the_last_end_or_else_the_last_answer(bench: Bench, kinds: tuple[Kind, ...], status: str) -> None:
    """In one load, and answer by answer backwards."""
    bench.load(seen(*kinds))
    assert column(bench.con, "select status from tasks") == [status]
    bench.con.execute("delete from tasks; delete from observations; delete from pending")
    for answer in reversed(seen(*kinds)):
        bench.load([answer])
    assert column(bench.con, "select status from tasks") == [status]


def test_of_two_runs_that_saw_the_same_at_once_the_greater_name_wins(bench: Bench) -> None:
    """So that the order of loading cannot matter."""
    for run_id in ("run2", "run9", "run1"):
        bench.load([Answer("t1", minute(1), RUNNING_WITH_WORK, run_id, segment_id=f"of-{run_id}")])
    assert column(bench.con, "select run_id from works") == ["run9"]
    assert column(bench.con, "select pt_index from pt_infos order by all") == [0, 1, 2]
    assert one(bench.con, "select run_id, segment_id, observation_count from tasks") == {
        "run_id": "run9",
        "segment_id": "of-run9",
        "observation_count": 3,
    }


def test_firsts_lasts_and_counts_come_from_answers_with_a_task(bench: Bench) -> None:
    """Trouble is not seeing the task."""
    bench.load(seen(MISSING, QUEUED, RUNNING, SILENCE, SUCCESS, SUCCESS, HTML, first=0))
    assert one(
        bench.con,
        "select first_observed_at, last_observed_at, observation_count, last_running_at, first_terminal_at from tasks",
    ) == {
        "first_observed_at": minute(1),
        "last_observed_at": minute(5),
        "observation_count": 4,
        "last_running_at": minute(2),
        "first_terminal_at": minute(4),
    }


@pytest.mark.parametrize("last", [RUNNING, SUCCESS], ids=["still_running", "ended"])
def test_what_was_seen_in_earlier_loads_counts(bench: Bench, last: Kind) -> None:
    """However much later it is polled again, and although observations are not read again."""
    bench.load([*seen(MISSING, QUEUED, last, first=0), *(Answer(f"other{n}", minute(n), QUEUED) for n in range(50))])
    bench.load([Answer("t1", minute(5_000), last), Answer("other1", minute(4_000), SUCCESS)])
    sql = (
        "select first_asked_at, first_observed_at, last_observed_at, observation_count from tasks where task_id = 't1'"
    )
    assert one(bench.con, sql) == {
        "first_asked_at": minute(0),
        "first_observed_at": minute(1),
        "last_observed_at": minute(5_000),
        "observation_count": 3,
    }
    asked = column(bench.con, "select asked_count from pending where task_id = 't1'")
    assert asked == ([4] if last is RUNNING else [])


def test_a_payload_is_replaced_even_if_the_winning_answer_had_none(bench: Bench) -> None:
    """Looked for by the time of that answer it is not found, yet a task has one payload."""
    for answer in seen(RUNNING_WITH_WORK, RUNNING, SUCCESS_WITH_WORK):
        bench.load([answer, Answer(f"beside-{answer.observed_at}", answer.observed_at, SUCCESS_WITH_WORK)])
    of_task = "select observed_at from works where task_id = 't1'"
    assert column(bench.con, of_task) == [minute(3)]
    assert column(bench.con, "select count(*) from works") == [4]


def test_what_came_last_is_known_in_whatever_order_it_is_loaded(bench: Bench) -> None:
    """Counts too: of each look at a task, each in a load of its own."""
    for answer in (seen(MISSING, QUEUED, HTML, SILENCE)[number] for number in (2, 0, 3, 1)):
        bench.load([answer])
    sql = "select first_asked_at, last_asked_at, asked_count, missing_count, last_outcome from pending"
    assert one(bench.con, sql) == {
        "first_asked_at": minute(1),
        "last_asked_at": minute(4),
        "asked_count": 4,
        "missing_count": 1,
        "last_outcome": "transport_error",
    }


def test_an_end_seen_before_running_is_an_interval_turned_round(bench: Bench) -> None:
    """The gateway contradicts itself; both are kept as seen."""
    bench.load(seen(SUCCESS, RUNNING))
    assert one(bench.con, "select last_running_at, first_terminal_at from tasks") == {
        "last_running_at": minute(2),
        "first_terminal_at": minute(1),
    }


def test_the_same_answer_in_another_segment_is_not_counted_again(bench: Bench) -> None:
    """As when segments were compacted: it still belongs to the segment it was first written to."""
    bench.load(seen(RUNNING, HTML, SURPRISING))
    before = {table: rows(bench.con, f"from {table}") for table in ("tasks", "quarantine", "schema_drift", "pending")}
    done = bench.load([*seen(RUNNING, HTML, SURPRISING), *seen(RUNNING)])
    assert (done.segments, done.answers) == (1, 0)
    assert {table: rows(bench.con, f"from {table}") for table in before} == before


def test_the_time_of_request_is_the_first_also_if_it_is_loaded_last(bench: Bench) -> None:
    """Whether its answers are here already, or not."""
    bench.load(seen(RUNNING), [])
    bench.load([], [Request("t1", minute(0.5), "run2"), Request("t2", minute(0.5))])
    bench.load([], [Request("t1", minute(0)), Request("t1", minute(3), "run3")])
    assert column(bench.con, "select requested_at from tasks") == [minute(0)]
    assert rows(bench.con, "select task_id, requested_at from pending order by all") == [
        {"task_id": "t1", "requested_at": minute(0)},
        {"task_id": "t2", "requested_at": minute(0.5)},
    ]
    assert column(bench.con, "select count(*) from requests") == [4]


def test_a_task_without_a_request_has_none(bench: Bench) -> None:
    """Absent is NULL."""
    bench.load(seen(SUCCESS))
    assert column(bench.con, "select requested_at from tasks") == [None]


@pytest.mark.parametrize(
    ("kinds", "work", "contexts"),
    [
        pytest.param(
            (RUNNING_WITH_WORK, SUCCESS_WITH_WORK), "final", ["final says 0", "final says 1"], id="the_last_payload"
        ),
        pytest.param(
            (SUCCESS_WITH_WORK, RUNNING_WITH_WORK), "final", ["final says 0", "final says 1"], id="that_of_an_end_first"
        ),
        pytest.param(
            (RUNNING_WITH_WORK, SUCCESS),
            "draft",
            ["draft says 0", "draft says 1", "draft says 2"],
            id="it_stays_when_the_end_has_none",
        ),
        pytest.param((SUCCESS_WITH_WORK, SUCCESS_WITHOUT_PARTS), "bare", [], id="its_elements_go_with_it"),
    ],
)
def test_a_work_and_its_elements_are_of_the_winning_payload(
    bench: Bench, kinds: tuple[Kind, ...], work: str, contexts: list[str]
) -> None:
    """The elements never of another payload than the work."""
    for answer in seen(*kinds):
        bench.load([answer])
    assert column(bench.con, "select work_name from works") == [work]
    assert column(bench.con, "select context from pt_infos order by pt_index") == contexts


def asked_for(
    picture: str = "me.png?sig=1", audio: str | None = "a.mp3?sig=1", text: str = "hello", **more: str
) -> Kind:
    """A success of a work made from these."""
    params = json.dumps({"pt_infos": [{"context": text, "audio_url": audio, **more}, {"context": "goodbye"}]})
    fields: dict[str, Any] = {
        "template_id": "t",
        "user_image_url": f"https://i.example.com/{picture}",
        "animate_params_str": params,
    }
    return Kind(task_body("SUCCESS", work=work("video", **fields)), status="SUCCESS")


@pytest.mark.parametrize(
    ("kind", "is_same"),
    [
        pytest.param(asked_for("me.png?sig=2"), True, id="another_signature_of_the_picture"),
        pytest.param(asked_for(audio="a.mp3?sig=2"), True, id="another_signature_of_the_sound"),
        pytest.param(asked_for("you.png?sig=1"), False, id="another_picture"),
        pytest.param(asked_for(audio="b.mp3?sig=1"), False, id="another_sound"),
        pytest.param(asked_for(text="hello you"), False, id="another_text"),
        pytest.param(asked_for(audio=None, text="hello|a.mp3"), False, id="a_text_that_spells_out_the_others"),
        pytest.param(asked_for(voice_engine_id="9"), False, id="another_voice"),
        pytest.param(asked_for(lan="en"), False, id="another_language"),
    ],
)
def test_the_hash_of_a_work_is_of_what_was_asked_for(bench: Bench, *, kind: Kind, is_same: bool) -> None:
    """Whatever load brings them; addresses are signed again each time."""
    bench.load([Answer("first", minute(1), asked_for())])
    bench.load([Answer("second", minute(1), kind), Answer("bare", minute(1), SUCCESS_WITHOUT_PARTS)])
    hashes = {row["task_id"]: row["work_hash"] for row in rows(bench.con, "select task_id, work_hash from works")}
    assert hashes["bare"] is None
    assert (hashes["first"] == hashes["second"]) is is_same


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        pytest.param(asked_for(), (2, "text+audio", 5, None, None), id="text_and_sound"),
        pytest.param(asked_for(audio=None, text=""), (2, None, None, None, None), id="nothing"),
        pytest.param(
            asked_for(audio=None, voice_engine_id="9", lan="zh", video_url="v.mp4"),
            (2, "text+video", 5, "9", "zh"),
            id="text_for_a_voice_and_a_video",
        ),
        pytest.param(SUCCESS_WITHOUT_PARTS, (0, None, None, None, None), id="no_elements"),
    ],
)
def test_a_work_says_what_its_first_element_has(bench: Bench, kind: Kind, kept: tuple[object, ...]) -> None:
    """The others may have something else."""
    bench.load([Answer("t1", minute(1), kind)])
    columns = "pt_count, first_input_kind, first_text_length, first_voice_engine_id, first_lan"
    assert bench.con.execute(f"select {columns} from works").fetchall() == [kept]  # noqa: S608


def test_an_answer_that_is_not_understood_is_kept_with_a_reason(bench: Bench) -> None:
    """And leads back to its segment."""
    bench.load(seen(HTML, OVERSIZED))
    assert rows(bench.con, "select reason, segment_id, observed_at, body_excerpt from quarantine order by all") == [
        {"reason": "html", "segment_id": "home", "observed_at": minute(1), "body_excerpt": (HTML.body or b"").decode()},
        {
            "reason": "oversized",
            "segment_id": "home",
            "observed_at": minute(2),
            "body_excerpt": (OVERSIZED.body or b"").decode(),
        },
    ]


def test_surprises_are_counted_from_load_to_load(bench: Bench) -> None:
    """First, last, how often, and the first example."""
    for at, task_id in ((3, "t3"), (1, "t1"), (2, "t2")):
        bench.load([Answer(task_id, minute(at), SURPRISING)])
    sql = "select * exclude json_type from schema_drift where json_path = '$.data.data.brand_new'"
    assert one(bench.con, sql) == {
        "json_path": "$.data.data.brand_new",
        "kind": "unknown_field",
        "first_seen_at": minute(1),
        "last_seen_at": minute(3),
        "seen_count": 3,
        "example_task_id": "t1",
    }


def test_two_gateways_may_use_the_same_id(bench: Bench) -> None:
    """The source is part of every key."""
    bench.load(
        [Answer("t1", minute(1), SUCCESS_WITH_WORK), Answer("t1", minute(2), RUNNING_WITH_WORK, source="second")],
        [Request("t1", minute(0)), Request("t1", minute(0.5), source="second")],
    )
    assert rows(bench.con, "select source, status, requested_at from tasks order by all") == [
        {"source": "default", "status": "SUCCESS", "requested_at": minute(0)},
        {"source": "second", "status": "IN_PROGRESS", "requested_at": minute(0.5)},
    ]
    assert rows(bench.con, "select source, count(*) as parts from pt_infos group by all order by all") == [
        {"source": "default", "parts": 2},
        {"source": "second", "parts": 3},
    ]
    assert column(bench.con, "select source from pending") == ["second"]
