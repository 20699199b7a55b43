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
    assert (before.code, "under other names" in before.err) == (0, False)
    for _ in range(3):
        done = avatar_tasks(
            "collect", "good-2", "renamed-1", "renamed-2", "busy-1", "--base-url", odd_gateway, "--json"
        )
        assert done.code == 0, done.err
    assert "2 answers hold a task that cannot be read, e.g. of renamed-1: a task under other names" in done.err
    assert "$.result" in done.err
    assert done.json["outcomes"] == {"malformed": 2, "server_error": 1}
    assert done.json["unreachable"] == 1
    published = avatar_tasks.folder / "data" / "published" / "current.duckdb"
    assert rows(published, "given_up_tasks") == []
    said = {(row["outcome"], row["message"]) for row in rows(published, "observations", ["outcome", "message"])}
    assert said == {("task", None), ("malformed", None), ("server_error", BUSY)}
    [drift] = rows(published, "schema_drift", ["json_path", "seen_count"])
    assert drift == {"json_path": "$.result", "seen_count": 6}
