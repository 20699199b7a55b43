"""The promise: the key is in the environment and in the requests, and nowhere else that anybody could look.

Real commands run with a key that would be noticed, against a gateway that repeats it in every way it can think of.
"""

from __future__ import annotations

import gzip
import html
import json
import stat
import subprocess
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
import pytest
from pydantic import SecretStr

from gateway.client import AccessToken, ApiKey, GatewayClient
from gateway.errors import InvalidSetting
from gateway.wire.faults import LONGEST_TEXT, describe
from pipeline.settings import Settings
from tests.command_line import CommandLine
from tests.gateway.servers import Reply, Request, answer, raw, serving
from tests.promises.canary import KEY, command_lines, everything_below, found_in, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gateway.servers import Server

ENVIRONMENT = {"AVATAR_TASKS_API_KEY": KEY, "AVATAR_TASKS_TIMEOUT": "2"}
GO = json.dumps(KEY).replace("<", "\\u003c").replace("&", "\\u0026").replace("/", "\\/")
ECHO = f"{KEY} {KEY.removeprefix('sk-')} Bearer {KEY} {quote(KEY, safe='')} {html.escape(KEY)}"
TASK = f'{{"code":"success","data":{{"task_id":"t","status":"FAILURE","fail_reason":{json.dumps(ECHO)},"x":{GO}}}}}'
HEADERS = {"Content_Type": f"text/{KEY}", "X_Oneapi_Request_Id": KEY, "X_New_Api_Version": f"v{KEY}"}

REPLIES = {
    "task": answer(200, TASK.encode(), **HEADERS),
    "page": answer(200, f"<html>{ECHO}".encode(), **HEADERS),
    "unknown": answer(400, ECHO.encode()),
    "failed": answer(500, ECHO.encode()),
    "moved": answer(302, b"", Location=f"https://user:{KEY}@elsewhere.invalid/{KEY}?k={KEY}"),
    "packed": answer(200, gzip.compress(TASK.encode()), Content_Encoding="gzip"),
    "odd": answer(200, ECHO.encode(), Content_Encoding=KEY),
    "cut": raw(f"HTTP/1.1 200 OK\nContent-Length: 9999\n\n{ECHO}", "close"),
    "noise": raw(f"{KEY}\n\n"),
    "long": raw("HTTP/1.1 200 OK\n" + "n" * 270 + f"{KEY}: \x01{KEY}\n\n"),
    "reset": Reply(b"", "reset"),
}


def echoing(request: Request) -> Reply:
    """Says the key in all its answers, and means it: it is sent as it should be."""
    assert request.headers["authorization"] == f"Bearer {KEY}"
    return REPLIES[request.task_id]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Server]:
    with serving(echoing) as server:
        yield server


#: So many faults in a row are an outage, and one is waited out for half a minute.
NO_BREAKER = "import gateway.pace.breaker\ngateway.pace.breaker.FAILURES_TO_OPEN = 1000"

LOUD = """
import logging, sys
logging.basicConfig(level=0)
from rich.traceback import install
install(show_locals=True, locals_max_string=None)
{before}
from avatar_tasks.cli import main
main()
"""


@dataclass(frozen=True)
class Loud:
    """Runs commands with every log line there is, asyncio's debugging, and tracebacks that show variables."""

    folder: Path
    program: list[str]

    def __call__(self, server: Server, *arguments: str, before: str = "") -> subprocess.CompletedProcess[bytes]:
        plain = CommandLine(self.folder, ENVIRONMENT | {"AVATAR_TASKS_BASE_URL": server.url})
        return subprocess.run(
            [*self.program, "-c", LOUD.format(before=before), *arguments],
            cwd=self.folder,
            env=plain.whole_environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def loud(tmp_path: Path, quick_command: list[str]) -> Loud:
    """In an empty folder."""
    return Loud(tmp_path, quick_command)


def test_a_run_leaves_no_trace_of_the_key(gateway: Server, loud: Loud, tmp_path: Path) -> None:
    """In no file, no log line at any level and no output, whatever a gateway says; nor do the commands after it."""
    done = [loud(gateway, "collect", *REPLIES, "--json", before=NO_BREAKER)]
    assert json.loads(done[0].stdout)["fetched"] == len(REPLIES), done[0].stderr
    assert b"DEBUG" in done[0].stderr
    done.append(loud(gateway, "sql", "select fail_reason from tasks", "--format", "csv"))
    assert b"***" in done[-1].stdout
    assert found_in((str(one.args), one.stdout + one.stderr) for one in done) == {}
    assert found_in(everything_below(tmp_path)) == {}


@pytest.mark.parametrize(
    ("before", "code", "shown"),
    [
        pytest.param(
            "import pipeline.collect.collect\npipeline.collect.collect.accept = lambda *_: 1 / 0",
            1,
            b"ZeroDivisionError",
            id="of ours",
        ),
        pytest.param(
            "import os\nos.environ['AVATAR_TASKS_API_KEY'] += ' x'", 2, b"API_KEY", id="of a key that is none"
        ),
    ],
)
def test_an_error_shows_no_key(
    gateway: Server, loud: Loud, tmp_path: Path, before: str, code: int, shown: bytes
) -> None:
    """Not even a traceback of what nobody expected, with the values of all variables."""
    done = loud(gateway, "collect", "task", before=before)
    assert (done.returncode, shown in done.stderr) == (code, True), done.stderr
    assert traces(done.stdout + done.stderr) == []
    assert found_in(everything_below(tmp_path)) == {}


def test_a_refused_key_is_not_repeated(loud: Loud, tmp_path: Path) -> None:
    """Although the gateway does so."""
    refusal = answer(401, json.dumps({"error": {"message": f"Invalid token: {ECHO}"}}).encode())
    with serving(lambda _: refusal) as server:
        done = loud(server, "collect", *(f"id-{number}" for number in range(50)))
    assert done.returncode == 3
    assert traces(done.stdout + done.stderr) == []
    assert found_in(everything_below(tmp_path)) == {}


def test_no_command_line_holds_the_key_and_no_file_is_for_others(gateway: Server, tmp_path: Path) -> None:
    """Looked at all the while, as anybody on the machine could; also where the folder was made by hand."""
    (tmp_path / "data").mkdir(mode=0o755)
    plain = CommandLine(tmp_path, ENVIRONMENT | {"AVATAR_TASKS_BASE_URL": gateway.url})
    seen: set[str] = set()
    open_to_others: dict[str, str] = {}
    for words in (
        ["collect", "task", "page", "unknown", "moved", "packed", "cut"],
        ["sql", "from tasks", "--format", "parquet", "--out", "data/t.parquet"],
    ):
        with plain.start(*words) as process:
            while process.poll() is None:
                seen |= set(command_lines(process.pid))
                open_to_others |= dict(for_others(tmp_path / "data"))
                time.sleep(0.02)
            assert process.returncode == 0
    assert any("collect" in line for line in seen)
    assert [line for line in seen if traces(line.encode())] == []
    assert open_to_others | dict(for_others(tmp_path / "data")) == {}


def for_others(folder: Path) -> Iterator[tuple[str, str]]:
    """What group or others may do something with, but for the folder itself."""
    for path in folder.rglob("*"):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if mode & 0o077:
            yield path.name, stat.filemode(mode)


def test_nothing_that_holds_the_key_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, clients, what they are made of, and the errors of both."""
    settings = Settings(base_url="https://host", api_key=SecretStr(KEY))
    client = GatewayClient("https://host", ApiKey(KEY))
    exchange = client._poller._exchange
    shown = [f"{one!r} {one!s} {vars(one)}" for one in (client, settings, client._poller, exchange)]
    shown += [repr(ApiKey(KEY)), repr(exchange._request), repr(exchange._request.headers)]
    shown += [report_of(GatewayClient, "ftp://host", KEY), report_of(ApiKey, f"{KEY} x")]
    shown += [report_of(AccessToken, f"{KEY} x", "7"), report_of(AccessToken, "token", f"{KEY} x")]
    assert all("Copy it again" in report for report in shown[-3:])
    monkeypatch.setattr("gateway.client.Gate", None)
    shown.append(report_of(GatewayClient, "https://host", KEY))
    assert [text for text in shown if traces(text.encode())] == []
    assert "not callable" in shown[-1]


def report_of(function: Callable[..., object], *arguments: object) -> str:
    """The traceback with all variables, but those of this file."""
    try:
        function(*arguments)
    except (InvalidSetting, TypeError) as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(line for line in report.format() if "test_secrets.py" not in line)
    return ""


@pytest.mark.parametrize("length", range(LONGEST_TEXT - 60, LONGEST_TEXT, 7))
def test_half_a_key_is_a_key(length: int) -> None:
    """Where an error's text is cut, none is left of a key that lay across the cut."""
    fault = describe(aiohttp.ClientError("n" * length + KEY), ApiKey(KEY).scrub)
    assert len(fault.text) <= LONGEST_TEXT
    assert KEY[3:9] not in fault.text
