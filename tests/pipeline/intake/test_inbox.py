"""One bad file stops nothing: it is set aside with its reason, and the others are taken."""

from __future__ import annotations

import gzip
import os
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.collect.request import CollectRequest
from tests.pipeline.intake.ways import Outcome, drop, take
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine, Gateway

BAD = {
    "a-huge-field.csv": b'task_id,p\nok-1,"' + b"x" * 5_000_000 + b'"\n',
    "b-open-quote.csv": b'task_id,p\nok-1,"never\nok-2,closed\n',
    "c-brackets.json": b"[" * 100_000,
    "d-none-valid.txt": b"not an id\n",
    "e-cut.csv.gz": gzip.compress(b"task_id\nok-1\n" * 20)[:-9],
    "f-sheet.xlsx": b"PK\x03\x04 and so on",
    "g-no-column.csv": b"a,b\n1,2\n",
    "h-no-text.txt": bytes(range(256)),
    "i-settings.txt": b"AVATAR_TASKS_API_KEY=sk-abcdefghijklmnop\n",
}


def take_inbox(folder: Path) -> Outcome:
    return take(folder, CollectRequest(inbox=str(folder / "inbox")))


def test_whatever_is_wrong_with_one_file_is_that_files(tmp_path: Path) -> None:
    """Each is beside its reason, which names it; the good one is taken, and no key is in what is said."""
    for name, content in BAD.items():
        drop(tmp_path / "inbox", name, content)
    drop(tmp_path / "inbox", "z-good.txt", b"ok-9\n")
    outcome = take_inbox(tmp_path)
    assert (outcome.ids, outcome.refusal) == (["ok-9"], None)
    unusable = tmp_path / "inbox" / "unusable"
    assert sorted(path.name for path in unusable.iterdir()) == sorted([*BAD, *(f"{one}.reason.txt" for one in BAD)])
    for name in BAD:
        reason = (unusable / f"{name}.reason.txt").read_text(encoding="utf-8")
        assert name in reason
        assert reason.strip() in "\n".join(outcome.warnings)
        assert "sk-abcdefghijklmnop" not in reason
    assert take_inbox(tmp_path).warnings == []


def test_links_are_set_aside_and_never_read(tmp_path: Path) -> None:
    """Somebody who may write into the inbox may not read what the run may."""
    (tmp_path / "secret").write_text("ok-secret-1\n")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.txt").symlink_to(tmp_path / "secret")
    (tmp_path / "inbox" / "b.txt").symlink_to(tmp_path / "gone")
    for name in ("a.txt", "b.txt"):
        os.utime(tmp_path / "inbox" / name, (0, 0), follow_symlinks=False)
    outcome = take_inbox(tmp_path)
    assert (outcome.ids, outcome.rejected) == ([], [])
    assert sum("is a link" in words for words in outcome.warnings) == 2
    assert (tmp_path / "inbox" / "unusable" / "a.txt").is_symlink()
    assert (tmp_path / "secret").exists()


def test_ignored_files_are_named(tmp_path: Path) -> None:
    """Folders, pipes and files of other kinds stay where they are; no pipe is waited for."""
    drop(tmp_path / "inbox", "notes.md", b"mine")
    drop(tmp_path / "inbox", "early.txt", b"ok-1\n", age_seconds=-3600)
    (tmp_path / "inbox" / "sub.csv").mkdir()
    os.mkfifo(tmp_path / "inbox" / "pipe.txt")
    began = time.monotonic()
    outcome = take_inbox(tmp_path)
    assert time.monotonic() - began < 30
    said = "\n".join(outcome.warnings)
    for words in (
        "notes.md (not a kind of file that is read)",
        "sub.csv (a folder)",
        "pipe.txt (not a regular file)",
        "early.txt has a modification time in the future",
    ):
        assert words in said
    assert sorted(path.name for path in (tmp_path / "inbox").iterdir()) == [
        "early.txt",
        "notes.md",
        "pipe.txt",
        "sub.csv",
    ]


def test_a_name_that_is_not_utf8_can_be_printed_and_stored(tmp_path: Path) -> None:
    """File systems take any bytes."""
    name = os.fsdecode(b"\xff\xfe\n.txt")
    drop(tmp_path / "inbox", name, b"no id\nok-1\n")
    outcome = take_inbox(tmp_path)
    assert outcome.ids == ["ok-1"]
    assert "\ufffd\ufffd\ufffd.txt" in "\n".join(outcome.warnings).encode("utf-8").decode()
    assert (tmp_path / "inbox" / "done" / name).exists()


def test_a_file_that_cannot_be_moved_is_warned_of(tmp_path: Path) -> None:
    """Its ids are durable, and the next run takes them for known."""
    drop(tmp_path / "inbox", "a.txt", b"ok-1\n")
    drop(tmp_path / "inbox", "b.txt", b"no id\n")
    drop(tmp_path / "inbox", "done", b"")
    drop(tmp_path / "inbox", "unusable", b"")
    outcome = take_inbox(tmp_path)
    assert (outcome.ids, outcome.refusal) == (["ok-1"], None)
    assert ["cannot be moved to" in words for words in outcome.warnings] == [True, True, False]


def test_a_file_is_left_where_it_is_when_the_archive_cannot_be_written(tmp_path: Path) -> None:
    """That is no fault of the file."""
    drop(tmp_path / "inbox", "a.txt", b"ok-1\n")
    drop(tmp_path, "data", b"no folder")
    with pytest.raises((ArchiveError, OSError)):
        take_inbox(tmp_path)
    assert (tmp_path / "inbox" / "a.txt").exists()


def test_of_a_folder_of_exports_a_bad_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    """Nothing is moved: the folder is not ours."""
    drop(tmp_path / "exports", "a.csv", b"JOB,b\nok-1,2\n")
    drop(tmp_path / "exports", "b.xlsx", b"PK\x03\x04")
    drop(tmp_path / "exports", "c.csv.gz", gzip.compress(b"task_id\nok-2\n"))
    drop(tmp_path / "exports", "d.doc", b"")
    drop(tmp_path / "exports", "e.json", b'["ok-3"]')
    outcome = take(tmp_path, CollectRequest(ids_from=str(tmp_path / "exports")))
    assert outcome.ids == ["ok-2", "ok-3"]
    said = "\n".join(outcome.warnings)
    assert "exports/a.csv: no column is called task_id or id; columns are JOB, b" in said
    assert "exports/b.xlsx: is a spreadsheet" in said
    assert "d.doc (not a kind of file that is read)" in said
    assert len(list((tmp_path / "exports").iterdir())) == 5


def test_a_run_with_a_bad_file_in_its_inbox_ends_with_0_and_the_next_one_has_nothing_to_say(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """A lone surrogate in a rejected id is no matter either: the summary is written, and `runs` has it."""
    drop(tmp_path / "inbox", "a.csv", BAD["b-open-quote.csv"])
    drop(tmp_path / "inbox", "b.ndjson", f'"{gateway.world.ids[0]}"\n"\\ud800\\udfff\\ud800 x"\n'.encode())
    drop(tmp_path / "inbox", "c.csv.gz", gzip.compress(f"task_id\n{gateway.world.ids[1]}\n".encode()))
    drop(tmp_path / "inbox", "d.json", f'["{gateway.world.ids[2]}"]'.encode())
    result = connected("collect", "--inbox", "inbox", "--json")
    assert (result.code, result.json["requested"]) == (0, 3), result.err
    [rejected] = result.json["rejected"]
    assert (rejected["file"], rejected["line"]) == ("inbox/b.ndjson", 2)
    assert "a.csv: a quote that is opened in line 2 is never closed" in result.err
    again = connected("collect", "--inbox", "inbox")
    assert (again.code, "inbox" in again.err) == (0, False)
