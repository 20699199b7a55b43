"""Whatever somebody gives as ids, no key of it is stored, printed or published."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from gateway.ids import why_invalid
from pipeline.collect.request import CollectRequest
from pipeline.intake.rejections import Rejections, masked
from tests.command_line import KEY
from tests.pipeline.intake.ways import take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine, Gateway

SECRET = "sk-live-3f9a1c77d2e84b6a"


def everything_kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("NULL", "NULL"),
        ("a b c", "a … (5 characters)"),
        (f"API_KEY={SECRET}", "API_… (32 characters)"),
        ("\ud800\x1b[0mx", "\ufffd\ufffd… (6 characters)"),
        ("x" * 10_000, "xxxx… (10,000 characters)"),
    ],
)
def test_of_a_rejected_id_a_few_characters_are_kept(text: str, shown: str) -> None:
    """In a form that can be printed and stored."""
    rejections = Rejections()
    rejections.add("f.txt", 3, text, "is none")
    assert rejections.named == [{"id": shown, "file": "f.txt", "line": 3, "reason": "is none"}]
    assert masked(shown[:4]) == shown[:4]


@pytest.mark.parametrize(
    "key",
    [
        SECRET,
        "sk_test_51Habcdefgh",
        "ghp_" + "a1" * 18,
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOi.eyJzdWIi.c2ln",
        f"id:{SECRET}",
    ],
)
def test_a_text_that_looks_like_a_key_is_not_an_id(key: str) -> None:
    """It would be sent to the gateway in a path, and stored as an id."""
    assert why_invalid(key) == "looks like a secret key"


@pytest.mark.parametrize("task_id", ["task-abcdefghijklmnop", "task_sk_abcdefghijkl", "risk-123456789", "eyJ"])
def test_an_id_with_such_letters_in_it_is_one(task_id: str) -> None:
    """`task-…` is no `sk-…`."""
    assert (why_invalid(task_id) is None) == (task_id != "task_sk_abcdefghijkl")


def test_the_gateways_own_key_is_no_id_whatever_it_looks_like(tmp_path: Path) -> None:
    """Nor is it repeated as the name of a column."""
    (tmp_path / "a.csv").write_text("plainkeyofsomegateway,x\n")
    (tmp_path / "b.txt").write_text("ok-1\nplainkeyofsomegateway\n")
    key = "plainkeyofsomegateway"
    assert key not in str(take(tmp_path, CollectRequest(ids_file=str(tmp_path / "a.csv")), key=key).refusal)
    outcome = take(tmp_path, CollectRequest(ids_file=str(tmp_path / "b.txt")), key=key)
    assert (outcome.ids, outcome.lines) == (["ok-1"], [2])
    assert key not in json.dumps(outcome.rejected)


def test_an_env_file_is_refused_and_nothing_of_it_is_kept(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """By its name, by what it holds, and line by line where neither tells."""
    content = f"AVATAR_TASKS_API_KEY={SECRET}\n"
    (tmp_path / ".env").write_text(f"# mine\n{content}")
    (tmp_path / "settings.txt").write_text(content)
    (tmp_path / "mixed.txt").write_text(f"{gateway.world.ids[0]}\nok 2\n{content}{SECRET}\n")
    results = [connected("collect", "--ids-file", name, "--json") for name in (".env", "settings.txt", "mixed.txt")]
    assert [result.code for result in results] == [2, 2, 0], [result.err for result in results]
    assert "not opened" in results[0].err
    assert "NAME=VALUE" in results[1].err
    assert [one["line"] for one in results[2].json["rejected"]] == [2, 3, 4]
    assert SECRET not in "".join(result.out + result.err for result in results)
    assert SECRET.encode() not in everything_kept(tmp_path)


@pytest.mark.parametrize(
    "query",
    [
        "select content as task_id from read_text('secret.txt')",
        "select content::int as task_id from read_text('secret.txt')",
        "select * from read_csv('secret.txt', columns={'task_id': 'int'}, header=false)",
        "select error(content) as task_id from read_text('secret.txt')",
        "attach 'dbname=x password=sk-live-3f9a1c77d2e84b6a host=127.0.0.1 port=1' as p (type postgres); from p.t",
    ],
)
def test_sql_that_selects_the_contents_of_a_file_keeps_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """Neither as a rejected id, nor in what DuckDB says of it, nor a password of the query."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text(f"pass{SECRET}\nAPI_KEY={SECRET}\n")
    outcome = take(tmp_path, CollectRequest(ids_from=query))
    assert outcome.ids == []
    assert outcome.rejected or outcome.refusal
    assert SECRET not in json.dumps([outcome.rejected, outcome.refusal, outcome.warnings])


def test_a_bad_byte_and_a_mark_on_stdin_cost_no_other_id(
    connected: CommandLine, quick_command: list[str], gateway: Gateway
) -> None:
    """The bad line is named as it is from a file, and the first id after a byte order mark is one."""
    first, second = (one.encode() for one in gateway.world.ids[:2])
    done = subprocess.run(
        [*quick_command, "collect", "--ids-file", "-"],
        cwd=connected.folder,
        env=connected.whole_environment(),
        input=b"\xef\xbb\xbf" + first + b"\n\377\376\351\n" + second,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert b"stdin, line 2: " in done.stderr
    assert b"2 answers about 2 ids" in done.stderr
    assert KEY.encode() not in done.stderr
