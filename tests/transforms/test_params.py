"""`animate_params_str`: JSON in a string, in whatever way it was put there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.answers import EXAMPLE, answer, flatten, in_one_batch, params, work
from transforms.values import percent_decoded

STRING = EXAMPLE["data"]["data"]["animate_params_str"]
OBJECT = json.loads(STRING)

FORMS: list[Any] = [
    pytest.param(STRING, None, 1, id="a string"),
    pytest.param(json.dumps(STRING), None, 1, id="encoded twice"),
    pytest.param(json.dumps(json.dumps(STRING)), None, 1, id="encoded three times"),
    pytest.param(OBJECT, None, 1, id="an object"),
    pytest.param(f" \n{STRING} ", None, 1, id="blanks around it"),
    pytest.param("", None, 0, id="empty"),
    pytest.param(" ", None, 0, id="blank"),
    pytest.param(None, None, 0, id="null"),
    pytest.param("null", None, 0, id="null in a string"),
    pytest.param("{}", None, 0, id="an empty object"),
    pytest.param({}, None, 0, id="an empty object, not in a string"),
    pytest.param('{"pt_infos":null}', None, 0, id="a null list"),
    pytest.param('{"pt_infos":[]}', None, 0, id="an empty list"),
    pytest.param('{"pt_infos":[{},{}]}', None, 2, id="two empty elements"),
    pytest.param('{"pt_infos":[null,"x",3,[]]}', None, 4, id="elements that are no objects"),
    pytest.param(STRING[:-7], "invalid_json", 0, id="cut short"),
    pytest.param("none", "invalid_json", 0, id="a word"),
    pytest.param('"none"', "invalid_json", 0, id="a word, encoded twice"),
    pytest.param('{"a":"\\ud83d","pt_infos":[{}]}', None, 1, id="half a character"),
    pytest.param("[]", "not_an_object", 0, id="a list in a string"),
    pytest.param([], "not_an_object", 0, id="a list"),
    pytest.param("7", "not_an_object", 0, id="a number in a string"),
    pytest.param(7, "not_an_object", 0, id="a number"),
    pytest.param('{"pt_infos":{}}', "pt_infos_not_a_list", 0, id="an object for the list"),
    pytest.param('{"pt_infos":"[]"}', "pt_infos_not_a_list", 0, id="a string for the list"),
]
formed = in_one_batch(answer(work(animate_params_str=case.values[0])) for case in FORMS)


@pytest.mark.parametrize(("sent", "error", "elements"), FORMS)
def test_every_form_of_the_parameters(sent: object, error: str | None, elements: int) -> None:
    """How many elements they have, or why they cannot be read; the work stands in any case."""
    frames = formed(answer(work(animate_params_str=sent)))
    assert frames.works["animate_params_error"].to_list() == [error]
    assert frames.pt_infos["pt_index"].to_list() == list(range(elements))
    assert ("params_unreadable" in frames.tasks["quality_flags"].item()) == (error is not None)


def test_what_was_sent_is_kept() -> None:
    """As text, verbatim where it was text; blank is absent."""
    sent = [formed(answer(work(animate_params_str=case.values[0]))).works.row(0, named=True) for case in FORMS[:7]]
    assert [row["animate_params_str"] for row in sent[:3]] == [
        STRING,
        json.dumps(STRING),
        json.dumps(json.dumps(STRING)),
    ]
    assert json.loads(sent[3]["animate_params_str"]) == OBJECT
    assert [row["animate_params_str"] for row in sent[5:]] == [None, None]


def test_elements_keep_their_order_and_their_values() -> None:
    """Scalars as text, lists as JSON text, '' and null absent, paths decoded."""
    infos = [
        {"context": "再见", "voice_engine_id": 3, "audio_id": "", "lan": True, "video_img_urls": ["a", "b"]},
        {"audio_url": "a%2Fb%20c+d%E5%BD%95.mp3", "video_url": "100%.mp4", "character_id": 1.5},
    ]
    first, second = flatten(answer(params({"pt_infos": infos}))).pt_infos.rows(named=True)
    assert (first["pt_index"], first["context"], first["voice_engine_id"], first["audio_id"], first["lan"]) == (
        0, "再见", "3", None, "true",
    )  # fmt: skip
    assert json.loads(first["video_img_urls"]) == ["a", "b"]
    assert (first["audio_path"], first["video_path"]) == (None, None)
    assert (second["pt_index"], second["audio_path"], second["video_path"], second["character_id"]) == (
        1, "a/b c+d录.mp3", "100%.mp4", "1.5",
    )  # fmt: skip


def test_ten_thousand_elements_are_ten_thousand_rows() -> None:
    infos = [{"context": str(number)} for number in range(10_000)]
    frames = flatten(answer(params({"pt_infos": infos})), answer(task_id="next"))
    assert frames.pt_infos.height == 10_001
    assert frames.pt_infos["context"].to_list() == [*map(str, range(10_000)), None]


PIECES = ["%", "2", "F", "f", "%E5", "%BD", "%95", "a", "%25", "%00", "%0a", "é", "%C3%A9", "%zz", "%c3", "+", "%7F"]


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), min_size=1, max_size=50))
def test_percent_decoding_is_the_standard_librarys(texts: list[str]) -> None:
    """Whatever stands in the text; nothing is decoded twice."""
    decoded = pl.DataFrame({"path": [*texts, None]}, schema={"path": pl.String()}).select(percent_decoded("path"))
    assert decoded["path"].to_list() == [*map(unquote, texts), None]
