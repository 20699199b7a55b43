"""`avatar-tasks serve` as it is started: health, metrics, and what it refuses."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from pipeline.serving.app import application
from pipeline.serving.pages import Pages
from tests.pipeline.serving.served import serve
from tests.reports.conftest import NOW, TASK, published
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from tests.command_line import CommandLine, Gateway

pytestmark = pytest.mark.e2e
SECRET = "0123456789abcdef"


def test_health_says_whether_there_is_anything_to_read(
    connected: CommandLine, quick_command: list[str], gateway: Gateway
) -> None:
    """503 with the reason before the first load, 200 and the age of the last one afterwards; Ctrl-C ends it with 0."""
    with started(replace(connected, program=quick_command), AVATAR_TASKS_CALLBACK_SECRET=SECRET) as process:
        assert process.stderr
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found
        url = found[0]
        assert SECRET not in process.stderr.readline()
        before = httpx.get(f"{url}/health", timeout=20)
        assert before.status_code == 503
        assert "nothing" in before.json()["problem"]
        assert "avatar_tasks_up 0" in httpx.get(f"{url}/metrics", timeout=20).text
        assert connected("collect", gateway.world.ids[0]).code == 0
        page = httpx.get(url, timeout=60)
        assert page.status_code == 200
        assert "No run has ended for" not in page.text
        after = httpx.get(f"{url}/health", timeout=20)
        assert after.status_code == 200
        assert 0 <= after.json()["seconds_since_last_load"] < 3600
        assert "script" not in after.headers["content-security-policy"]
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest


@contextlib.contextmanager
def started(command: CommandLine, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`serve` with callbacks, ended with the block: it would be waited for without end where an assertion failed."""
    with command.start("serve", "--port", "0", "--callbacks", **environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    """A published warehouse of forty failures, whose reason is hostile."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "FAILURE", "number": 40})

    return published(tmp_path_factory.mktemp("served") / "data", put)


def test_the_page_is_made_once_for_a_copy_and_its_filters_are_its_address(demo: DataPaths) -> None:
    """A plain form without a script; what is not chosen is not counted, and a hostile value is text."""
    pages = Pages(demo, now=lambda: NOW)
    with serve(application(demo, ["127.0.0.1"], pages=pages)) as url, httpx.Client(base_url=url, timeout=60) as client:
        whole = client.get("/").text
        assert "40 tasks" in whole
        assert "<script" not in whole
        some = client.get(
            "/", params={"action": "avatar-generate", "since": "3 days", "timezone": "Asia/Shanghai"}
        ).text
        assert '<option value="avatar-generate" selected>' in some
        assert '<option value="3 days" selected>since 3 days</option>' in some
        assert "Times are UTC+8" in some
        valued = client.get("/", params={"value": "action=avatar-generate", "timezone": "Asia/Shanghai"}).text
        assert '<input type="checkbox" name="value" value="action=avatar-generate" checked>' in valued
        made = dict(pages._kept)
        assert client.get("/").text == whole
        assert dict(pages._kept) == made
        for query, words in {
            "action=%3Cscript%3E": "no task has the action",
            "value=bogus": "is not of the form dimension=value",
            "bogus=1": "there is no filter 'bogus'",
            "timezone=Mars": "Mars",
            "since=then": "is not a time",
        }.items():
            answer = client.get(f"/?{query}")
            assert answer.status_code == 400
            assert answer.headers["content-type"].startswith("text/plain")
            assert words in answer.text
        assert client.post("/").status_code == 405
        assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_a_page_says_when_the_last_load_is_long_ago(tmp_path: Path) -> None:
    """As of each request, also on a page that was made when it was not."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": 1})
        con.execute("insert into runs (run_id, finished_at) values ('r', now() - interval 2 hours)")

    paths = published(tmp_path / "data", put)
    with serve(application(paths, ["127.0.0.1"], pages=Pages(paths))) as url:
        text = httpx.get(url, timeout=60).text
    assert '<p class="notice">No run has ended for' in text
    assert "&lt;p class" not in text


def test_a_page_follows_the_newest_copy(demo: DataPaths, tmp_path: Path) -> None:
    """Until there is one, it says what to do; the copy that comes next is a page of its own."""
    paths = DataPaths(tmp_path / "data")
    pages = Pages(paths, now=lambda: NOW)
    with serve(application(paths, ["127.0.0.1"], pages=pages)) as url:
        first = httpx.get(url, timeout=60)
        assert first.status_code == 503
        assert "avatar-tasks collect" in first.text
        paths.published.parent.mkdir(parents=True)
        shutil.copy(demo.published, paths.published)
        assert httpx.get(url, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (("--callbacks",), {}, "AVATAR_TASKS_CALLBACK_SECRET"),
        (("--callbacks",), {"AVATAR_TASKS_CALLBACK_SECRET": "short"}, "AVATAR_TASKS_CALLBACK_SECRET"),
        (("--accept-new",), {}, "--callbacks"),
        (("--host", "no-such-host.invalid"), {}, "cannot serve at no-such-host.invalid"),
    ],
)
def test_what_cannot_be_served_ends_with_2_and_says_what_to_do(
    avatar_tasks: CommandLine, arguments: tuple[str, ...], environment: dict[str, str], words: str
) -> None:
    """Before anything listens."""
    result = avatar_tasks("serve", "--port", "0", *arguments, **environment)
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err
