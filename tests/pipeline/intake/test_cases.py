"""Files that people really have: each comes out the same from `--ids-file`, a folder, an inbox and stdin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.intake.ways import WAYS, Outcome, by_stdin

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """The ids, the lines that are rejected, or words of the refusal."""

    folder: str
    ids: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    refusal: tuple[str, ...] = ()
    column: str | None = None


TWO = ("ok-a1", "ok-b2")

EXPECTED = [
    Case("101-csv-no-header", (*TWO, "ok-c3")),
    Case("103-csv-semicolon-bom-crlf", TWO),
    Case("104-csv-utf16-tab", TWO),
    Case("105-csv-sep-line", ("ok-a1",)),
    Case("106-csv-leading-blank-line", TWO),
    Case("113-csv-float-ids", ("7392616336519610", "ok-a1")),
    Case("114-csv-null-words", ("ok-a1",), (3, 4, 5, 6, 7)),
    Case("115-ndjson-null-line", ("ok-a1", "833446756123456789"), (2, 3, 4)),
    Case("116-ndjson-nested", refusal=("keys are code, data.task_id", "--ids-column")),
    Case("116-ndjson-nested", TWO, column="data.task_id"),
    Case("117-ndjson-taskId", ("ok-a1",)),
    Case("118-json-array", (*TWO, "ok-c3")),
    Case("120-json-array-of-objects", TWO),
    Case("122-gz", TWO),
    Case("123-xlsx", refusal=(".xlsx", "not read", "CSV")),
    Case("124-tsv-header", ("ok-a1",)),
    Case("125-txt-with-header", TWO),
    Case("132-txt-utf16le", TWO),
    Case("140-parquet-float-nan", ("7392616336519610", "1"), (2,)),
    Case("143-parquet-binary", TWO),
    Case("145-parquet-struct", refusal=("data.task_id", "--ids-column")),
    Case("145-parquet-struct", TWO, column="data.task_id"),
]
CASES_BY_NAME = pytest.mark.parametrize("case", EXPECTED, ids=lambda case: f"{case.folder} {case.column or ''}".strip())


def assert_as_expected(outcome: Outcome, case: Case, name: str) -> None:
    assert outcome.ids == list(case.ids), outcome
    if case.refusal:
        assert outcome.refusal is not None
        assert name in outcome.refusal
        assert all(words in outcome.refusal for words in case.refusal), outcome.refusal
    else:
        assert (outcome.refusal, outcome.lines) == (None, list(case.lines))


@CASES_BY_NAME
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_file_that_people_have_comes_out_right_from_file_folder_and_inbox(
    tmp_path: Path, case: Case, way: Callable[..., Outcome]
) -> None:
    """All three agree on the ids, the rejected lines and what the refusal says; a refusal names the file."""
    [file] = (CASES / case.folder).iterdir()
    assert_as_expected(way(tmp_path, file, case.column), case, file.name)


@CASES_BY_NAME
def test_a_file_that_people_have_comes_out_right_from_stdin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    """What a file holds is known by its bytes, for stdin has no name."""
    [file] = (CASES / case.folder).iterdir()
    assert_as_expected(by_stdin(tmp_path, file, monkeypatch, case.column), case, "stdin")


def test_every_case_is_tried() -> None:
    """A folder of a case that stands in no table would be forgotten."""
    assert {case.folder for case in EXPECTED} == {path.name for path in CASES.iterdir()}
