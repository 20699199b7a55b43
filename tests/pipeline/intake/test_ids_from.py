"""`--ids-from`: SQL of any length and columns of any type, and messages that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UnusableInputError
from pipeline.intake.feeds import Feeds, feed_pieces
from pipeline.intake.rejections import Rejections

if TYPE_CHECKING:
    from pathlib import Path


def read(wanted: str, column: str | None = None) -> tuple[list[str], list[int]]:
    rejections = Rejections()
    pieces = feed_pieces(Feeds(ids_from=wanted, column=column), rejections, pytest.fail)
    return [one for piece in pieces for one in piece], [one["line"] for one in rejections.named]


@pytest.mark.parametrize(
    ("query", "column", "ids", "lines"),
    [
        pytest.param("select 'ok-1' as task_id" + " " * 5000, None, ["ok-1"], [], id="longer than a name may be"),
        pytest.param("select unnest([1, null, 7]) as id", None, ["1", "7"], [2], id="whole numbers and NULL"),
        pytest.param("select unnest([7.0::double, 1.5, 'nan', 1e300]) as id", None, ["7"], [2, 3, 4], id="floats"),
        pytest.param("select unnest([7.00::decimal(9, 2), 1.25]) as id", None, ["7"], [2], id="decimals"),
        pytest.param(
            "select 12345678901234567890123456789::hugeint as id",
            None,
            ["12345678901234567890123456789"],
            [],
            id="hugeint",
        ),
        pytest.param("select unnest(['ok-1'::blob, '\\xFF'::blob]) as id", None, ["ok-1"], [2], id="blobs"),
        pytest.param(
            "select '57b9ba07-db5e-4ed5-bf18-ebb4179a826d'::uuid as id",
            None,
            ["57b9ba07-db5e-4ed5-bf18-ebb4179a826d"],
            [],
            id="uuid",
        ),
        pytest.param("select 'ok-1'::enum('ok-1') as id", None, ["ok-1"], [], id="enum"),
        pytest.param("select {'b': {'c': 'ok-1'}} as a, 1 as id", "a.b.c", ["ok-1"], [], id="a field of a struct"),
        pytest.param("select 'ok-1' as provider_task", None, ["ok-1"], [], id="the only column, whatever its name"),
        pytest.param(
            "select 'ok-1' as task_id, 'infinity'::timestamp as at", None, ["ok-1"], [], id="no time in between"
        ),
        pytest.param("select unnest(['NULL', ' ok-1 ', '']) as id", None, ["ok-1"], [1, 3], id="words for no value"),
        pytest.param("select 'x' as id where false", None, [], [], id="no rows"),
    ],
)
def test_values_of_a_query(query: str, column: str | None, ids: list[str], lines: list[int]) -> None:
    """Numbers are whole or refused, nothing ends in .0, and NULL is no id."""
    assert read(query, column) == (ids, lines)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param("no-such-folder", ["no folder or file 'no-such-folder'"], id="a folder that is not there"),
        pytest.param("x" * 5000, ["no folder or file"], id="a name that is too long"),
        pytest.param("select '\0'", ["DuckDB cannot run it"], id="a NUL in it"),
        pytest.param("select '\udc80' as id", ["DuckDB cannot run it"], id="no text"),
        pytest.param(" ; ", ["it is empty"], id="empty"),
        pytest.param("set threads = 1", ["columns are Success"], id="no query"),
        pytest.param("select 1 as a, 2 as b", ["columns are a, b", "--ids-column"], id="no such column"),
        pytest.param("select 1 as id, 2 as id", ["several columns"], id="a name twice"),
        pytest.param("select {'a': 'ok-1', 'b': 2} as task_id", ["task_id.a, task_id.b"], id="a struct"),
        pytest.param("select [1] as id", ["type list<"], id="a list"),
        pytest.param("select now() as id", ["type timestamp["], id="a time"),
        pytest.param("select true as id", ["type bool"], id="a truth value"),
        pytest.param("select * from 'gone.parquet'", ["gone.parquet"], id="no such file"),
        pytest.param("select if(i = 70000, error('late'), 'no id') as id from range(80000) t(i)", ["late"], id="late"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(wanted: str, words: list[str]) -> None:
    """Without a word of Python."""
    with pytest.raises(UnusableInputError) as raised:
        read(wanted)
    assert [one for one in words if one not in str(raised.value)] == [], str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_of_any_name_may_be_given(tmp_path: Path) -> None:
    """What is there is a file, not SQL; and empty exports are nothing to complain of."""
    (tmp_path / "select ids.log").write_text("ok-1\n")
    (tmp_path / "empty.csv").write_text("")
    assert read(str(tmp_path / "select ids.log")) == (["ok-1"], [])
    assert read(str(tmp_path / "empty.csv")) == ([], [])
