"""A gateway that answers in forms of its own: nothing is given up as unknown, and the run says what came."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipeline.tables import rows
from tests.transforms.answers import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.command_line import CommandLine

TASK = EXAMPLE["data"]
BUSY = "database is locked (5) (SQLITE_BUSY)"


def body_about(task_id: str) -> dict[str, Any]:
    """By the first letter of the id."""
    if task_id.startswith("r"):
        return {"code": 0, "result": TASK | {"task_id": task_id}}
    if task_id.startswith("mixed"):
        other = {"mixed-1": "mixed-2", "mixed-2": "mixed-1"}[task_id]
        return EXAMPLE | {"data": TASK | {"task_id": other, "data": TASK["data"] | {"animate_id": other}}}
    if task_id.startswith("b"):
        return {"success": False, "message": BUSY, "data": None}
    return EXAMPLE | {"data": TASK | {"task_id": task_id, "data": TASK["data"] | {"animate_id": task_id}}}


class Handler(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    def do_GET(self) -> None:
        content = json.dumps(body_about(self.path.rpartition("/")[2])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def odd_gateway() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with contextlib.closing(server.socket):
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
        thread.join()


def test_odd_answers_are_warned_of_and_polled_again(odd_gateway: str, avatar_tasks: CommandLine) -> None:
    """After a run without any, in as many runs as it takes to give up an id that the gateway does not know."""
    before = avatar_tasks("collect", "good-1", "--base-url", odd_gateway, "--json")
    assert (before.code, "under unexpected keys" in before.err) == (0, False)
    for _ in range(3):
        done = avatar_tasks(
            "collect", "good-2", "renamed-1", "renamed-2", "busy-1", "--base-url", odd_gateway, "--json"
        )
        assert done.code == 0, done.err
    assert "2 answers contain a task that cannot be read, e.g. of renamed-1: a task under unexpected keys" in done.err
    assert "$.result" in done.err
    assert done.json["outcomes"] == {"malformed": 2, "server_error": 1}
    assert done.json["unreachable"] == 1
    published = avatar_tasks.folder / "data" / "published" / "current.duckdb"
    assert rows(published, "given_up_tasks") == []
    said = {(row["outcome"], row["message"]) for row in rows(published, "observations", ["outcome", "message"])}
    assert said == {("task", None), ("malformed", None), ("server_error", BUSY)}
    [drift] = rows(published, "schema_drift", ["json_path", "seen_count"])
    assert drift == {"json_path": "$.result", "seen_count": 6}


def test_mixed_up_answers_are_told_wherever_somebody_looks(odd_gateway: str, avatar_tasks: CommandLine) -> None:
    """In the run's summary, as words and as numbers, in `status` and in the report: how many, which, and what to do."""
    settings = {"AVATAR_TASKS_BASE_URL": odd_gateway}
    sentence = "2 ids were answered about another task (mixed-1 under mixed-2, mixed-2 under mixed-1)."
    advice = "Check the proxy in front of the gateway, which mixes up answers"
    words = avatar_tasks("collect", "good-1", "mixed-1", "mixed-2", **settings)
    assert (words.code, sentence in words.err, advice in words.err) == (0, True, True), words.err
    again = avatar_tasks("collect", "mixed-1", "mixed-2", "--json", **settings).json["other_ids"]
    assert again["conflicts"] == 2
    assert {"task_id": "mixed-1", "answered_id": "mixed-2"} in again["conflict_examples"]
    status = avatar_tasks("status", "--json").json["identity_conflicts"]["default"]
    assert sentence in status
    assert "set AVATAR_TASKS_ACCEPT_OTHER_IDS=true" in status
    text = avatar_tasks("status")
    assert sentence in text.out + text.err
    assert avatar_tasks("report", "--out", "report.html").code == 0
    page = (avatar_tasks.folder / "report.html").read_text()
    assert "2 tasks got answers about other tasks and are in no number here: see view mixed_up_answers" in page
