"""Which answer wins, what is counted, and what follows it: by hand, case by case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

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


def seen(*kinds: Kind, first: float = 1, task_id: str = "t1") -> list[Answer]:
    """Answers about one task, a minute apart."""
    return [Answer(task_id, minute(first + number), kind) for number, kind in enumerate(kinds)]


#: By the name of a task: its answers, and the status that it has in the end.
WINNERS: Final[dict[str, tuple[tuple[Kind, ...], str]]] = {
    "the_latest_wins": ((QUEUED, RUNNING), "IN_PROGRESS"),
    "also_where_it_goes_back": ((RUNNING, QUEUED), "QUEUED"),
    "an_end_wins_over_what_is_later": ((SUCCESS, RUNNING), "SUCCESS"),
    "the_latest_of_two_ends": ((SUCCESS, FAILURE), "FAILURE"),
    "missing_changes_nothing": ((RUNNING, MISSING), "IN_PROGRESS"),
    "nor_does_trouble": ((RUNNING, SILENCE, HTML, OVERLOADED), "IN_PROGRESS"),
}


def test_the_winner_is_the_last_end_or_else_the_last_answer(bench: Bench) -> None:
    """In one load, and answer by answer backwards."""
    told = {task_id: seen(*kinds, task_id=task_id) for task_id, (kinds, _) in WINNERS.items()}
    expected = {task_id: status for task_id, (_, status) in WINNERS.items()}
    bench.load([answer for answers in told.values() for answer in answers])
    assert dict(bench.con.execute("select task_id, status from tasks").fetchall()) == expected
    bench.con.execute("delete from tasks; delete from observations; delete from pending")
    while any(told.values()):
        bench.load([answers.pop() for answers in told.values() if answers])
    assert dict(bench.con.execute("select task_id, status from tasks").fetchall()) == expected


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


def test_what_was_seen_in_earlier_loads_counts(bench: Bench) -> None:
    """However much later it is polled again, and although observations are not read again."""
    ends = {"still running": RUNNING, "ended": SUCCESS}
    first = [seen(MISSING, QUEUED, last, first=0, task_id=task_id) for task_id, last in ends.items()]
    bench.load([*(one for each in first for one in each), *(Answer(f"other{n}", minute(n), QUEUED) for n in range(50))])
    later = [Answer(task_id, minute(5_000), last) for task_id, last in ends.items()]
    bench.load([*later, Answer("other1", minute(4_000), SUCCESS)])
    for task_id in ends:
        sql = "select first_asked_at, first_observed_at, last_observed_at, observation_count from tasks"
        assert one(bench.con, f"{sql} where task_id = '{task_id}'") == {
            "first_asked_at": minute(0),
            "first_observed_at": minute(1),
            "last_observed_at": minute(5_000),
            "observation_count": 3,
        }
    asked = "select task_id, asked_count from pending where not starts_with(task_id, 'other')"
    assert bench.con.execute(asked).fetchall() == [("still running", 4)]


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


#: By the name of a task: its two answers, the name of its work in the end, and the elements of that.
PAYLOADS: Final[dict[str, tuple[tuple[Kind, Kind], str, list[str]]]] = {
    "the_last_payload": ((RUNNING_WITH_WORK, SUCCESS_WITH_WORK), "final", ["final says 0", "final says 1"]),
    "that_of_an_end_first": ((SUCCESS_WITH_WORK, RUNNING_WITH_WORK), "final", ["final says 0", "final says 1"]),
    "it_stays_when_the_end_has_none": (
        (RUNNING_WITH_WORK, SUCCESS),
        "draft",
        ["draft says 0", "draft says 1", "draft says 2"],
    ),
    "its_elements_go_with_it": ((SUCCESS_WITH_WORK, SUCCESS_WITHOUT_PARTS), "bare", []),
}


def test_a_work_and_its_elements_are_of_the_winning_payload(bench: Bench) -> None:
    """The elements never of another payload than the work."""
    told = [seen(*kinds, task_id=task_id) for task_id, (kinds, *_) in PAYLOADS.items()]
    for number in (0, 1):
        bench.load([answers[number] for answers in told])
    found = bench.con.execute("""
        select task_id, work_name, list(context order by pt_index) filter (where context is not null)
        from works left join pt_infos using (source, task_id)
        group by all""").fetchall()
    assert len(found) == len(PAYLOADS)
    for task_id, name, contexts in found:
        assert (name, contexts or []) == PAYLOADS[task_id][1:]


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


#: Works by the names of their tasks, and whether they were asked for with the same as `asked_for()`.
ASKED_FOR: Final = {
    "another_signature_of_the_picture": (asked_for("me.png?sig=2"), True),
    "another_signature_of_the_sound": (asked_for(audio="a.mp3?sig=2"), True),
    "another_picture": (asked_for("you.png?sig=1"), False),
    "another_sound": (asked_for(audio="b.mp3?sig=1"), False),
    "another_text": (asked_for(text="hello you"), False),
    "a_text_that_spells_out_the_others": (asked_for(audio=None, text="hello|a.mp3"), False),
    "another_voice": (asked_for(voice_engine_id="9"), False),
    "another_language": (asked_for(lan="en"), False),
}


def test_the_hash_of_a_work_is_of_what_was_asked_for(bench: Bench) -> None:
    """Whatever load brings them; addresses are signed again each time."""
    bench.load([Answer("first", minute(1), asked_for())])
    others = [Answer(task_id, minute(1), kind) for task_id, (kind, _) in ASKED_FOR.items()]
    bench.load([*others, Answer("bare", minute(1), SUCCESS_WITHOUT_PARTS)])
    hashes = {row["task_id"]: row["work_hash"] for row in rows(bench.con, "select task_id, work_hash from works")}
    assert hashes["bare"] is None
    same = {task_id: hashes[task_id] == hashes["first"] for task_id in ASKED_FOR}
    assert same == {task_id: is_same for task_id, (_, is_same) in ASKED_FOR.items()}


#: Works by the names of their tasks, and what is kept of their elements: how many, and what the first one has.
ELEMENTS: Final = {
    "text_and_sound": (asked_for(), (2, "text+audio", 5, None, None)),
    "nothing": (asked_for(audio=None, text=""), (2, None, None, None, None)),
    "text_for_a_voice_and_a_video": (
        asked_for(audio=None, voice_engine_id="9", lan="zh", video_url="v.mp4"),
        (2, "text+video", 5, "9", "zh"),
    ),
    "no_elements": (SUCCESS_WITHOUT_PARTS, (0, None, None, None, None)),
}


def test_a_work_says_what_its_first_element_has(bench: Bench) -> None:
    """The others may have something else."""
    bench.load([Answer(task_id, minute(1), kind) for task_id, (kind, _) in ELEMENTS.items()])
    columns = "task_id, pt_count, first_input_kind, first_text_length, first_voice_engine_id, first_lan"
    found = {task_id: tuple(kept) for task_id, *kept in bench.con.execute(f"select {columns} from works").fetchall()}  # noqa: S608
    assert found == {task_id: kept for task_id, (_, kept) in ELEMENTS.items()}


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
