"""What a run says, and how it ends, where it meets no gateway or is not let in."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING

import pytest

from tests.gateway.servers import Reply, answer, closed_port, serving
from tests.gateway.test_recognition import TASK, case, page, says

if TYPE_CHECKING:
    from tests.command_line import CommandLine


@pytest.mark.parametrize("count", [1, 9, 100])
def test_a_wrong_base_url_exits_2_and_says_so(avatar_tasks: CommandLine, count: int) -> None:
    """All answers are web pages; also where they are few."""
    with serving(page) as server:
        done = avatar_tasks("collect", *(f"ok-{n}" for n in range(count)), AVATAR_TASKS_BASE_URL=server.url)
    assert done.code == 2
    assert "a web page titled 'New API'" in done.err
    assert "AVATAR_TASKS_BASE_URL is likely wrong" in done.err


def test_a_web_page_of_a_gateway_that_answered_before_is_a_row(avatar_tasks: CommandLine) -> None:
    """Its proxy has a bad moment: the address was right the day before, and the refresh of one id does not fail."""
    task = answer(200, TASK.replace(b'"a"', b'"ok-1"'), Content_Type="application/json")
    with serving(lambda request: page(request) if request.task_id == "odd" else task) as server:
        first = avatar_tasks("collect", "ok-1", AVATAR_TASKS_BASE_URL=server.url)
        second = avatar_tasks("collect", "odd", AVATAR_TASKS_BASE_URL=server.url)
    assert (first.code, second.code) == (0, 0)
    assert "1 malformed" in second.err


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        pytest.param(case("42-quota-403.json"), 3, "用户额度不足, 剩余额度: ＄0.000000", id="quota"),
        pytest.param(case("37-cloudflare-challenge-403.json"), 2, "'Just a moment...'", id="a challenge"),
        pytest.param(says(403, "no access to model kling"), 3, "no access to model kling", id="one model"),
        pytest.param(answer(302, b"", Location="/login?next=/x"), 2, "to /login", id="a redirect"),
    ],
)
def test_what_the_gateway_said_is_quoted(avatar_tasks: CommandLine, reply: Reply, code: int, words: str) -> None:
    """With the exit code that fits it."""
    with serving(lambda _: reply) as server:
        done = avatar_tasks("collect", "field-a", AVATAR_TASKS_BASE_URL=server.url, AVATAR_TASKS_API_KEY="test-key-1")
    assert (done.code, words in done.err) == (code, True)
    if code == 3:
        column = avatar_tasks("sql", "select outcome, message from observations", "--format", "json")
        assert '"denied"' in column.out
        assert words in json.loads(column.out)[0]["message"]
    assert ("refused the key" in done.err) is False


def test_few_unreachable_ids_get_their_reason(avatar_tasks: CommandLine) -> None:
    """Three ids, and nobody listens."""
    done = avatar_tasks("collect", "a", "b", "c", AVATAR_TASKS_BASE_URL=f"http://127.0.0.1:{closed_port()}")
    assert done.code == 5
    assert "3 of 3 ids could not be reached" in done.err
    assert "connect: " in done.err


def test_an_impossible_port_is_exit_2(avatar_tasks: CommandLine) -> None:
    """One sentence, before anything is polled."""
    done = avatar_tasks("collect", "ok-a1", AVATAR_TASKS_BASE_URL="http://127.0.0.1:99999")
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert "ports go from 1 to 65535. Give" in done.err


def test_tls_on_a_plain_port_says_so(avatar_tasks: CommandLine) -> None:
    """The reason is in the words of one id, too."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as plain:
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        done = avatar_tasks("collect", "ok-a1", AVATAR_TASKS_BASE_URL=f"https://127.0.0.1:{plain.server_port}")
        plain.shutdown()
    assert (done.code, "Traceback" in done.err) == (5, False)
    assert "this port does not use TLS: is it an http:// address?" in done.err
