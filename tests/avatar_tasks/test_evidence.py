"""`evidence`: a bundle has all that a provider needs, byte for byte, and nothing that harms who opens it."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from gateway.secrets.redact import REDACTIONS, redact
from pipeline.errors import UnusableInputError
from pipeline.evidence.bundle import write_bundle
from pipeline.evidence.selection import claims, failure, missed, where
from pipeline.evidence.sheets import sheet
from tests.warehouse.answers import (
    HTML,
    RUNNING,
    SUCCESS,
    Answer,
    Kind,
    Request,
    minute,
    task_body,
    work,
    write_answers,
)
from tests.warehouse.conftest import Site
from transforms.schema import body_hash
from warehouse.archive.compact import compact, remove_replaced
from warehouse.database.publish import publish
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine

NOW: Final = datetime(2026, 1, 21, tzinfo=UTC)
FINISHED: Final = int(minute(9).timestamp())

#: Charged and not refunded by a shipped rule; with a webhook, a signed address and text that is HTML and a formula.
CHANNEL: Final = Kind(
    task_body(
        "FAILURE",
        fail_reason='=HYPERLINK("x") <script>alert(1)</script> no available channel',
        finish_time=FINISHED,
        quota=7000,
        notify_hook="https://hook.example/secret",
        work=work("w", 1, animate_id="provider-1", video="https://cdn.example/v.mp4?Signature=secret"),
    ),
    status="FAILURE",
)
BROKEN: Final = Kind(task_body("FAILURE", fail_reason="inference error", finish_time=FINISHED), status="FAILURE")


@pytest.fixture(scope="module")
def site_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four tasks: one that is a claim, one that failed otherwise, one that succeeded in time, one still running."""
    site = Site(DataPaths(tmp_path_factory.mktemp("evidence") / "data"))
    parts = {
        "part-1": [("=claim", 1, RUNNING), ("broken", 1, HTML), ("running", 1, RUNNING)],
        "part-2": [("=claim", 10, CHANNEL), ("=claim", 11, CHANNEL), ("broken", 10, BROKEN), ("fine", 10, SUCCESS)],
    }
    for name, answers in parts.items():
        write_answers(site.store, [Answer(task, minute(at), kind, segment_id=name) for task, at, kind in answers], name)
    site.archive(requests=[Request(name, minute(0)) for name in ("=claim", "broken", "fine", "running")])
    site.load()
    publish(site.paths, 5)
    return site.paths.root


@pytest.fixture
def paths(tmp_path: Path, site_once: Path) -> DataPaths:
    """A copy of it of one's own."""
    shutil.copytree(site_once, tmp_path / "data")
    return DataPaths(tmp_path / "data")


def table(bundle: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(bundle.read(name).decode("utf-8-sig"), newline="")))


def test_evidence_has_the_page_the_tasks_and_the_answers(avatar_tasks: CommandLine, paths: DataPaths) -> None:
    """By the command line: which tasks, their ids, clocks, quota and claim; both archived bodies, redacted."""
    done = avatar_tasks("evidence", "--claims", "--out", "bundle.zip", "--data-dir", str(paths.root), "--json")
    assert done.code == 0, done.err
    assert {name: done.json[name] for name in ("tasks", "answers", "bodies", "is_redacted")} == {
        "tasks": 1,
        "answers": 3,
        "bodies": 2,
        "is_redacted": True,
    }
    with zipfile.ZipFile(avatar_tasks.folder / "bundle.zip") as bundle:
        [task] = table(bundle, "tasks.csv")
        page = bundle.read("index.html").decode()
        body = bundle.read(f"answers/{body_hash(CHANNEL.body)}.json")
        answers = table(bundle, "answers.csv")
    assert task["task_id"] == "'=claim"
    assert (task["provider_task_id"], task["quota"], task["claim_rule"]) == ("provider-1", "7000", "no-channel")
    assert (task["gateway_finish_time"], task["first_polled_ended_at"]) == (
        "2026-01-20 03:09:00Z",
        "2026-01-20 03:10:00Z",
    )
    assert task["poll_request_ids"] == "req-1 req-1 req-1"
    assert task["objectives_missed"] == "within-five-minutes, within-two-minutes"
    assert "those of our polls (GET of the task), not of the submissions" in page
    assert "not refunded: 1 task</h1>" in page
    assert "2026-01-20 03:09:00 UTC (gateway)" in page
    assert "not known (" not in page
    assert body == redact(CHANNEL.body or b"", REDACTIONS)
    assert b"secret" not in body
    assert [row["file_sha256"] for row in answers][1:] == 2 * [sha256(body).hexdigest()]


def test_nobody_else_is_harmed_by_what_a_gateway_wrote(paths: DataPaths, tmp_path: Path) -> None:
    """A reason that is a formula and a script is text in the sheet and on the page."""
    write_bundle(paths, where("task_id = '=claim'"), tmp_path / "b.zip", NOW)
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        assert table(bundle, "tasks.csv")[0]["reason"].startswith("'=HYPERLINK")
        page = bundle.read("index.html").decode()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


BEGINS: Final = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", " =", '"=', "'=", "\ufeff=", "\u200b@"]


@pytest.mark.parametrize("begin", BEGINS)
def test_no_cell_is_a_formula(begin: str) -> None:
    """A quote in front makes it text, in headings too; numbers stay numbers, and other texts as they are."""
    rows = cells(sheet([begin, "b", "c"], [{begin: f"{begin}1+1", "b": -1, "c": "a=b, x-y; z"}]))
    assert rows == [[f"'{begin}", "b", "c"], [f"'{begin}1+1", "-1", "a=b, x-y; z"]]


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r"])
def test_no_cell_is_a_formula_where_cells_are_separated_otherwise(separator: str) -> None:
    """A spreadsheet of another country splits a text at semicolons, and knows no quotes in the middle of a line."""
    text = f'a{separator}=1+1{separator} "@x{separator}b'
    [_, [cell]] = cells(sheet(["a"], [{"a": text}]))
    assert cell == f"a{separator}'=1+1{separator}' \"@x{separator}b"


def test_no_column_of_a_bundle_has_a_formula(tmp_path: Path) -> None:
    """Whatever source, id, kind, reason, error and address begin with; as any spreadsheet splits the lines."""
    site = Site(DataPaths(tmp_path / "data"))
    for number, begin in enumerate(BEGINS):
        evil = f"{begin}cmd|' /C calc'!A0;=1+1\n+1"
        body = task_body(
            "FAILURE", finish_time=FINISHED, fail_reason=evil, action=evil, platform=evil, model=evil,
            work=work(evil, 1, animate_id=evil, video=evil),
        )  # fmt: skip
        source, name = f"{begin}source", f"part-{number}"
        kinds = [Kind(None, "transport_error", http_status=None, error=evil), Kind(body, status="FAILURE")]
        answers = [
            Answer(f"{begin}{number}", minute(at), kind, source=source, segment_id=name)
            for at, kind in enumerate(kinds)
        ]
        write_answers(site.store, answers, name)
    site.load()
    publish(site.paths, 5)
    write_bundle(site.paths, where("true"), tmp_path / "b.zip", NOW)
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        for name in ("tasks.csv", "answers.csv"):
            content = bundle.read(name)
            split = re.split(r"[;\t\r\n]+", content.decode("utf-8-sig"))
            assert len(cells(content)) > len(BEGINS)
            for cell in [*(cell for row in cells(content) for cell in row), *split]:
                assert not cell.lstrip(' "\ufeff\u200b').startswith(("=", "+", "@", "\uff1d", "-c", "-1")), cell


def cells(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_without_redaction_bodies_are_as_they_came(paths: DataPaths, tmp_path: Path) -> None:
    """Also those that are no JSON, and after the archive was compacted."""
    [_] = compact(Site(paths).store, {"part-1", "part-2"}, "2026-01-21")
    remove_replaced(Site(paths).store)
    found = write_bundle(paths, where("status = 'FAILURE'"), tmp_path / "b.zip", NOW, is_redacted=False)
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        for kind, ending in ((CHANNEL, "json"), (BROKEN, "json"), (RUNNING, "json"), (HTML, "json")):
            assert bundle.read(f"answers/{body_hash(kind.body)}.{ending}") == kind.body
        assert "Not redacted" in bundle.read("index.html").decode()
    assert (found.tasks, found.bodies, found.bodies_missing) == (2, 4, 0)


@pytest.mark.parametrize(
    ("selection", "tasks"),
    [
        pytest.param(where("status = 'FAILURE' and quota > 0 -- claims"), {"'=claim"}, id="where, with a comment"),
        pytest.param(where("true"), {"'=claim", "broken", "fine", "running"}, id="where true"),
        pytest.param(claims(), {"'=claim"}, id="claims"),
        pytest.param(failure("inference error"), {"broken"}, id="a failure"),
        pytest.param(missed("within-two-minutes"), {"'=claim", "broken"}, id="a missed objective"),
    ],
)
def test_selections_choose_tasks(paths: DataPaths, tmp_path: Path, selection: object, tasks: set[str]) -> None:
    write_bundle(paths, selection, tmp_path / "b.zip", NOW)  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        assert {row["task_id"] for row in table(bundle, "tasks.csv")} == tasks


@pytest.mark.parametrize(
    ("selection", "why"),
    [
        (where("status = 'NONE'"), "there are no tasks where status = 'NONE'"),
        (where("no_column = 1"), r"cannot be selected.*no_column.*clause\. Try it"),
        (where("true); drop table tasks; select (1"), "one SQL condition"),
        (where("task_id in (select content from read_text('/etc/hostname'))"), "uses more than the warehouse"),
        (failure("unheard of"), "select fingerprint, tasks from failure_reasons"),
        (missed("within-a-second"), "select name from objectives"),
    ],
    ids=str,
)
def test_what_cannot_be_selected_is_said(paths: DataPaths, tmp_path: Path, selection: object, why: str) -> None:
    """And no file is left behind."""
    with pytest.raises(UnusableInputError, match=why):
        write_bundle(paths, selection, tmp_path / "b.zip", NOW)  # type: ignore[arg-type]
    assert not (tmp_path / "b.zip").exists()


def test_a_bundle_is_there_whole_or_not_at_all(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up leaves the file of before."""
    (tmp_path / "b.zip").write_bytes(b"before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(UnusableInputError, match=r"cannot write .*b\.zip: No space left"):
        write_bundle(paths, where("true"), tmp_path / "b.zip", NOW)
    assert (tmp_path / "b.zip").read_bytes() == b"before"
    assert {path.name for path in tmp_path.iterdir()} == {"b.zip", "data"}


def test_what_the_archive_has_lost_is_counted(paths: DataPaths, tmp_path: Path) -> None:
    """Retention may have dropped the answers; the tables still know of them."""
    shutil.rmtree(paths.archive / "observations")
    found = write_bundle(paths, where("true"), tmp_path / "b.zip", NOW)
    assert (found.bodies, found.bodies_missing) == (0, 5)
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        assert "not here: the bodies of 5 different answers." in bundle.read("index.html").decode()


def test_exactly_one_selection_is_given(avatar_tasks: CommandLine) -> None:
    refused = avatar_tasks("evidence", "--claims", "--missed", "x", "--out", "b.zip")
    assert refused.code == 2
    assert "give one of --where, --claims, --failure and --missed" in refused.err
