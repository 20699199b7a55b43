"""Bad input ends with one line that says what to do, the right exit code, no traceback, and nothing lost."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.collect.request import CollectRequest
from tests.command_line import KEY
from tests.pipeline.intake.ways import take
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

    from simulator import World
    from tests.command_line import CommandLine, Gateway, Result


def assert_one_helpful_line(result: Result, code: int, *words: str) -> None:
    assert result.code == code, result.err
    assert "Traceback" not in result.err
    last = [line for line in result.err.strip().splitlines() if not line.startswith("run=")][-1]  # for logs
    assert last.startswith("avatar-tasks: ")
    for word in words:
        assert word in last


@pytest.mark.parametrize(
    ("name", "content", "arguments", "words"),
    [
        pytest.param("ids.txt", None, [], ["ids.txt", "No such file"], id="no such file"),
        pytest.param("ids.txt", b"", [], ["no ids in ids.txt"], id="empty file"),
        pytest.param("ids.txt", b"# only\n\n  \n", [], ["no ids in ids.txt"], id="only comments"),
        pytest.param("ids.csv", b"", [], ["no ids in ids.csv"], id="empty csv"),
        pytest.param("ids.csv", b"a,b\n1,2\n", [], ["columns are a, b", "--ids-column"], id="no id column"),
        pytest.param("ids.csv", b"a,b\n1,2\n", ["--ids-column", "c"], ["'c'", "columns are a, b"], id="unknown column"),
        pytest.param("ids.parquet", b"garbage", [], ["not a Parquet file"], id="no parquet"),
        pytest.param(
            "ids.txt", b"\xff\xe9\x00bad\n../../x\n", [], ["none of the 2 ids is valid", "line 1"], id="not one valid"
        ),
    ],
)
def test_ids_that_cannot_be_used_end_with_2(
    connected: CommandLine, tmp_path: Path, name: str, content: bytes | None, arguments: list[str], words: list[str]
) -> None:
    """The message names the file and what is wrong with it; no data folder is begun for them."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert_one_helpful_line(connected("collect", "--ids-file", name, *arguments), 2, *words)
    assert not (tmp_path / "data").exists()


def test_invalid_ids_are_reported_with_their_lines_and_the_rest_is_collected(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """One bad line does not cost the others."""
    (tmp_path / "ids.txt").write_text(f"{gateway.world.ids[0]}\n../etc/passwd\n{gateway.world.ids[1]}\nhas space\n")
    result = connected("collect", "--ids-file", "ids.txt", "--json")
    assert (result.code, result.json["requested"], result.json["fetched"]) == (0, 2, 2)
    assert [(one["id"], one["line"]) for one in result.json["rejected"]] == [
        ("../e… (13 characters)", 2),
        ("ha… (9 characters)", 4),
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("txt", "\ufeff{first}\r\n# note\n\n  {second}  \n"),
        ("csv", 'n,task_id\n1,{first}\n2,"{second}"\n'),
        ("ndjson", '{{"task_id": "{first}"}}\n"{second}"\n'),
        ("jsonl", '{{"id": "{first}"}}\n\n{{"task_id": "{second}"}}\n'),
    ],
)
def test_ids_come_from_every_kind_of_file(ended_world: World, tmp_path: Path, kind: str, text: str) -> None:
    """Text, CSV and newline-delimited JSON; Parquet and stdin follow."""
    first, second = ended_world.ids[:2]
    (tmp_path / f"ids.{kind}").write_text(text.format(first=first, second=second), encoding="utf-8")
    outcome = take(tmp_path, CollectRequest(ids_file=str(tmp_path / f"ids.{kind}")))
    assert (outcome.ids, outcome.rejected, outcome.refusal) == ([first, second], [], None)


@pytest.mark.parametrize("source", ["ids.parquet", "-"])
def test_a_run_takes_parquet_and_stdin(
    connected: CommandLine, quick_command: list[str], gateway: Gateway, tmp_path: Path, source: str
) -> None:
    first, second = gateway.world.ids[:2]
    pq.write_table(pa.table({"n": [1, 2], "task_id": [first, second]}), tmp_path / "ids.parquet")
    stdin = f"{first}\n{second}\n" if source == "-" else ""
    result = replace(connected, program=quick_command)("collect", "--ids-file", source, "--json", stdin=stdin)
    assert (result.code, result.json["requested"], result.json["rejected"]) == (0, 2, [])


def test_no_gateway_set_ends_with_2(avatar_tasks: CommandLine) -> None:
    """The first thing a newcomer forgets."""
    assert_one_helpful_line(avatar_tasks("collect", "a" * 32), 2, "AVATAR_TASKS_BASE_URL", "--base-url")


@pytest.mark.parametrize(
    "url", ["host.example", "ftp://host", "http://", "http://user:secret@host", "http://host/?q=1"]
)
def test_an_invalid_base_url_ends_with_2(avatar_tasks: CommandLine, url: str) -> None:
    """And nothing that may be a secret in it is repeated."""
    result = avatar_tasks("collect", "a" * 32, "--base-url", url)
    assert_one_helpful_line(result, 2, "BASE_URL")
    assert "secret" not in result.err


def test_a_wrong_key_ends_with_3_after_a_handful_of_requests(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """The ids are kept; with the right key the next run fetches them."""
    refused = connected("collect", *gateway.world.ids[:200], AVATAR_TASKS_API_KEY="sk-a-wrong-key")
    assert_one_helpful_line(refused, 3, "AVATAR_TASKS_API_KEY")
    assert gateway.app.total_calls <= 8
    assert "sk-a-wrong-key" not in refused.err + refused.out
    result = connected("collect", *gateway.world.ids[:3], "--json")
    assert (result.code, result.json["asked"] >= 190, set(result.json["outcomes"])) == (0, True, {"task"})
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"sk-a-wrong-key" not in everything
    assert KEY.encode() not in everything


def test_an_unreachable_host_ends_with_5_within_seconds(avatar_tasks: CommandLine, tmp_path: Path) -> None:
    """A typo in the address is known within seconds, and the ids are kept."""
    result = avatar_tasks("collect", *(f"{n:032x}" for n in range(100)), "--base-url", "http://127.0.0.1:9")
    assert_one_helpful_line(result, 5, "127.0.0.1:9", "AVATAR_TASKS_BASE_URL")
    requests = rows(tmp_path / "data" / "published" / "current.duckdb", "requests", ["task_id"])
    assert len(requests) == 100


def test_a_data_directory_that_cannot_be_written_ends_with_2(connected: CommandLine, gateway: Gateway) -> None:
    """Nothing was asked, so nothing can be lost."""
    result = connected("collect", gateway.world.ids[0], "--data-dir", "/dev/null/avatar-tasks")
    assert_one_helpful_line(result, 2, "/dev/null/avatar-tasks")
    assert gateway.app.total_calls == 0


def test_a_setting_with_a_typo_is_refused_with_a_hint(connected: CommandLine) -> None:
    """A setting that silently does nothing is worse than none."""
    result = connected("collect", "a" * 32, AVATAR_TASKS_CONCURENCY="8")
    assert_one_helpful_line(
        result, 2, "AVATAR_TASKS_CONCURENCY in the environment", "did you mean AVATAR_TASKS_CONCURRENCY?"
    )


def test_a_typo_in_the_env_file_is_refused_too(connected: CommandLine, tmp_path: Path) -> None:
    """Settings from .env are held to the same."""
    (tmp_path / ".env").write_text("AVATAR_TASKS_RAET=5\n")
    assert_one_helpful_line(connected("collect", "a" * 32), 2, "AVATAR_TASKS_RAET", "AVATAR_TASKS_RATE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONCURRENCY", "0"),
        ("RATE", "-1"),
        ("TIMEOUT", "soon"),
        ("GIVE_UP_AFTER", "whenever"),
        ("GIVE_UP_AFTER", "500ms"),
        ("GIVE_UP_AFTER", "99999999999 days"),
        ("REDACT", "everything"),
    ],
)
def test_a_setting_with_an_impossible_value_is_named(connected: CommandLine, name: str, value: str) -> None:
    """With its whole name, as it was typed."""
    result = connected("collect", "a" * 32, **{f"AVATAR_TASKS_{name}": value})
    assert_one_helpful_line(result, 2, f"AVATAR_TASKS_{name}")


def test_a_locked_warehouse_ends_with_4_and_the_next_run_loads(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """Collecting goes on, the holder is named, and nothing is asked for twice."""
    connected("collect", *gateway.world.ids[:10])
    holder_code = (
        "import duckdb, sys; c = duckdb.connect('data/warehouse.duckdb'); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder_code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        held = connected("collect", *gateway.world.ids[10:29], "--json", AVATAR_TASKS_LOCK_WAIT="1")
        assert (held.code, held.json["fetched"], held.json["outcomes"]) == (4, 19, {"task": 19})
        assert str(holder.pid) in held.err
        holder.communicate("")
    result = connected("collect", "--json")
    assert (result.code, result.json["requests"], result.json["segments_loaded"]) == (0, 0, 3)
    assert len(rows(tmp_path / "data" / "published" / "current.duckdb", "tasks", ["task_id"])) == 29


@pytest.mark.parametrize("command", ["status", "sql"])
def test_a_query_before_the_first_collect_says_what_to_do(avatar_tasks: CommandLine, command: str) -> None:
    """A newcomer's second mistake."""
    result = avatar_tasks(command, *(["from tasks"] if command == "sql" else []))
    assert_one_helpful_line(result, 2, "avatar-tasks collect")


def test_an_unknown_option_is_refused(avatar_tasks: CommandLine) -> None:
    """With exit code 2, as every unusable input."""
    assert avatar_tasks("collect", "--folow").code == 2


def test_a_broken_analysis_file_is_named(connected: CommandLine, gateway: Gateway, tmp_path: Path) -> None:
    """What people decide is read before anything is asked."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "analysis.toml").write_text("[[failure_rules]]\npattern = 'x'\nfail_class = 'nobody'\n")
    assert_one_helpful_line(connected("collect", gateway.world.ids[0]), 2, "analysis.toml", "'nobody'")
    (tmp_path / "data" / "analysis.toml").write_text("[[objectives]]\nname = 'fast'\n")
    lacking = "[[objectives]] number 1 lacks seconds and target"
    assert_one_helpful_line(connected("collect", gateway.world.ids[0]), 2, "analysis.toml", lacking)
    assert gateway.app.total_calls == 0
