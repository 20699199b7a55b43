"""The promise: data is data. It is never SQL, never a path, and never a command to somebody's terminal."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import pty
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st

from gateway.client import GatewayClient
from gateway.ids import TASK_ID, why_invalid
from gateway.wire.endpoints import ENDPOINT
from tests.command_line import CommandLine
from tests.gateway.servers import KEY, Request, answer, fetch, serve, serving
from tests.pipeline.tables import contents, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent

#: SQL that is not written out where it is run, and why it cannot hold data. A new line needs a reason as good.
KNOWN_SQL = {
    ("avatar_tasks/sql.py", "query"): "the user's own, on a read-only copy",
    ("warehouse/database/sealed.py", "setting"): "one of three texts of ours",
    ("warehouse/backends/lake.py", "f\"from ducklake_settings('{LAKE}')\""): "a name of ours",
    (
        "warehouse/database/sealed.py",
        "f'set allowed_directories = {_listed(folders)}'",
    ): "the operator's own folder, quoted",
    (
        "warehouse/database/sealed.py",
        "f'set allowed_paths = {_listed(writable)}'",
    ): "the number of a descriptor of ours",
    ("transforms/documents/decode.py", "sql"): "made of the names of the schema's fields",
    ("warehouse/database/schema.py", "definition.sql"): "the text of a .sql file",
    ("warehouse/database/schema.py", "f'drop table \"{table}\"'"): "what the catalogue itself names",
    (
        "warehouse/database/schema.py",
        "f'insert into {definition.name} by name from {source}.{definition.name}'",
    ): "the name of a .sql file, and of a database of ours",
    ("warehouse/database/reader.py", "f'attach {quoted(version)} as published (read_only)'"): "a file's name, quoted",
    (
        "warehouse/database/writer.py",
        "f'attach {quoted(unfinished)} as beside (recovery_mode no_wal_writes{groups})'",
    ): "likewise, and a number",
    ("warehouse/database/writer.py", "f'set threads = {checkpoint_threads}'"): "a number",
    ("warehouse/database/scratch.py", "query"): "the operator's own, over files of his",
    (
        "warehouse/database/writer.py",
        "f'attach {quoted(warehouse)} as warehouse (row_group_size {group_rows})'",
    ): "a file's name, quoted, and a number of ours",
    ("warehouse/database/scratch.py", "f'attach {quoted(empty_file())} as empty (read_only)'"): "a file's name, quoted",
    ("warehouse/ducklake/extensions.py", "f'install {name}; load {name}'"): "one of three names of ours",
    ("warehouse/ducklake/extensions.py", "f'load {quoted(packaged)}'"): "a file's name, quoted",
    (
        "warehouse/ducklake/lake.py",
        "f\"attach {quoted(lake.setting)} as {LAKE} ({', '.join(options)})\"",
    ): "the operator's setting, quoted",
    ("warehouse/ducklake/lake.py", "f'attach {quoted(lake.catalog)} as {CATALOG} (type postgres)'"): "likewise",
    (
        "warehouse/ducklake/sessions.py",
        "f'create view {table.name} as from {LAKE}.main.{table.name}'",
    ): "the names of .sql files",
    ("warehouse/ducklake/sessions.py", "view.sql"): "the text of a .sql file",
    ("warehouse/ducklake/maintain.py", "f'use {place}'"): "one of two names of ours",
    ("warehouse/ducklake/maintain.py", "step"): "the text of a .sql file, statement by statement",
    (
        "warehouse/database/schema.py",
        "';\\n'.join(definition.comments(takes_all=takes_all_comments))",
    ): "headers of .sql files, quoted",
    ("warehouse/database/schema.py", "f'drop {kind} if exists \"{name}\"'"): "what the catalogue itself names",
    ("pipeline/evidence/selection.py", "selection.query"): "the operator's own condition, on a sealed connection",
    ("warehouse/load/decisions.py", "f'from {table}'"): "one of three names of ours",
    ("warehouse/load/decisions.py", "f'delete from {table}'"): "one of three names of ours",
    ("warehouse/load/decisions.py", "f'insert into {table} values ({marks})'"): "likewise, and question marks",
    ("warehouse/load/loader.py", "f'insert into {table} by name from new_{table}'"): "one of two names of ours",
    ("warehouse/maintenance/findings.py", "query"): "the names of .sql files",
    ("warehouse/database/memory_limit.py", "f\"set memory_limit = '{limit}B'\""): "a number",
    ("warehouse/ducklake/publish.py", "f'attach {quoted(made)} as copied; use copied'"): "a file's name, quoted",
}
RUNS_SQL = {"execute", "executemany", "sql", "query"}


def run_sql() -> Iterator[tuple[str, str]]:
    """Everything that is run as SQL in a connection and is neither a literal nor the text of a file."""
    for package in ("avatar_tasks", "flows", "pipeline", "gateway", "transforms", "warehouse"):
        for path in (ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in RUNS_SQL:
                    text = call.args[0] if call.args else None
                    is_file = isinstance(text, ast.Call) and ast.unparse(text.func).endswith("statement")
                    if text is not None and not is_constant(text) and not is_file:
                        yield str(path.relative_to(ROOT)), ast.unparse(text)


def is_constant(text: ast.expr) -> bool:
    """A literal, a constant of the module, or a literal with such constants in it."""
    match text:
        case ast.Constant():
            return True
        case ast.Name():
            return text.id.isupper()
        case ast.JoinedStr():
            return all(is_constant(part) for part in text.values)
        case ast.FormattedValue():
            return is_constant(text.value)
    return False


def test_no_sql_is_built_from_data() -> None:
    """It is written out, or the text of a `.sql` file, or one of the few that are accounted for above."""
    assert set(run_sql()) - set(KNOWN_SQL) == set()


HOSTILE = (
    "'; drop table tasks; --",
    '"; drop table tasks; --',
    "$$; attach 'evil.duckdb' as evil; --",
    "{{ 7 * 7 }} ${HOME} `id` $(id)",
    "=cmd|' /C calc'!A0",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b31m\u202egnp.\r",
    "a\x00b",
)


def hostile_task(request: Request) -> bytes:
    number = int(request.task_id.rpartition("-")[2])
    text = HOSTILE[number % len(HOSTILE)]
    data: dict[str, object] = {"task_id": request.task_id, "action": text, "platform": text}
    data |= {"status": "FAILURE", "fail_reason": text}
    work = {"work_name": text, "tags": [text], "animate_params_str": json.dumps({"pt_infos": [{"context": text}]})}
    return json.dumps(
        {"code": "success", "data": {**data, "submit_time": 1768404741, text: text, "data": work}}
    ).encode()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A whole job on answers that would do harm, in folders and from a file of such names."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "i'd; drop table tasks --.txt").write_text("".join(f"id-{number}\n" for number in range(len(HOSTILE))))
    settings = {"DATA_DIR": 'da\'ta; drop table "tasks" --', "SOURCE": "a.b_c-d", "API_KEY": KEY}
    command = CommandLine(folder, {f"AVATAR_TASKS_{name}": value for name, value in settings.items()})
    with serving(lambda request: answer(200, hostile_task(request))) as server:
        done = command(
            "collect", "--ids-file", "i'd; drop table tasks --.txt", "--json", AVATAR_TASKS_BASE_URL=server.url
        )
    assert (done.code, done.json["outcomes"]) == (0, {"task": len(HOSTILE)}), done.err
    return command


def published(command: CommandLine) -> Path:
    return command.folder / command.environment["AVATAR_TASKS_DATA_DIR"] / "published" / "current.duckdb"


def test_hostile_values_are_values(hostile: CommandLine) -> None:
    """They come out as they went in, from every column; and again when everything is derived again."""
    found = rows(published(hostile), "tasks", ["fail_reason", "action", "platform"])
    assert sorted(row["fail_reason"] for row in found) == sorted(HOSTILE)
    assert all(row["action"] == row["platform"] == row["fail_reason"] for row in found)
    before = contents(published(hostile))
    assert hostile("rebuild").code == 0
    assert contents(published(hostile)) == before


@pytest.mark.parametrize(
    "words",
    [
        ["sql", "select fail_reason, tags from tasks join works using (source, task_id)"],
        ["sql", "select fail_reason from tasks", "--format", "csv"],
        ["sql", "select fail_reason from tasks", "--format", "json"],
        ["sql", 'select 1 as "\x1b[31m\x9b2J"'],
        ["sql", "select error('\x1b[31m' || fail_reason) from tasks where contains(fail_reason, 'owned')"],
        ["status"],
    ],
)
def test_a_terminal_is_told_nothing_but_text(hostile: CommandLine, quick_command: list[str], words: list[str]) -> None:
    """No colours, titles, cursor movements or reversed text, wherever in an answer they come from."""
    shown = on_a_terminal(replace(hostile, program=quick_command), words)
    assert shown.strip()
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", shown), repr(shown)


def on_a_terminal(command: CommandLine, words: list[str]) -> str:
    """What a command writes when its output is a terminal."""
    leader, follower = pty.openpty()
    environment = command.whole_environment() | {"NO_COLOR": "1", "COLUMNS": "300"}
    with subprocess.Popen(
        [*command.program, *words],
        cwd=command.folder,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = b""
        try:
            while piece := os.read(leader, 65_536):
                shown += piece
        except OSError:
            pass  # the other end is closed: how Linux says that it is over
        finally:
            os.close(leader)
        process.wait(30)
    return shown.decode().replace("\r\n", "\n")


def test_files_hold_data_as_it_is(hostile: CommandLine) -> None:
    """What is for machines is not made harmless."""
    done = hostile("sql", "select fail_reason from tasks", "--format", "csv", "--out", "out.csv")
    assert done.code == 0
    assert "\x1b[2J" in (hostile.folder / "out.csv").read_bytes().decode()


@given(st.one_of(st.text(max_size=200), st.from_regex(TASK_ID, fullmatch=True), st.text("./\\%?#@:~ab", max_size=9)))
def test_an_id_is_refused_or_one_segment_below_the_endpoint(text: str) -> None:
    """As httpx writes the URL and as aiohttp reads it again, on any base URL."""
    if why_invalid(text) is not None:
        return
    for base_url in ("https://host", "http://[::1]:8080/some/where"):
        url = httpx.Request("GET", base_url + ENDPOINT + text).url
        sent = yarl.URL(str(url))
        prefix = base_url.partition("://")[2].partition("/")[2]
        expected = f"{'/' + prefix if prefix else ''}{ENDPOINT}{text}"
        assert (sent.raw_path, sent.raw_query_string, sent.raw_fragment) == (expected, "", "")
        assert url.raw_path.decode() == expected


def test_ids_arrive_at_a_gateway_as_they_were_given() -> None:
    """Each as one segment of the path, none of it decoded, folded or shortened on the way."""
    odd = ["~", "-", "a..b", "a.", "a:b", "http:", "A~b_c-d.e:f", "x" * 191, "..".join("abc"), "0", "CON", "-rf"]

    async def main() -> None:
        async with serve(lambda _: answer()) as server, GatewayClient(server.url, KEY, concurrency=2) as client:
            await fetch(client, odd)
            assert sorted(one.line for one in server.requests) == sorted(
                f"GET {ENDPOINT}{task_id} HTTP/1.1" for task_id in odd
            )

    asyncio.run(main())
