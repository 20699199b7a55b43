"""`avatar-tasks serve` as it is started: health, metrics, and what it refuses."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.command_line import CommandLine, Gateway

pytestmark = pytest.mark.e2e
SECRET = "0123456789abcdef"


def test_health_says_whether_there_is_anything_to_read(connected: CommandLine, gateway: Gateway) -> None:
    """503 with the reason before the first load, 200 and the age of the last one afterwards; Ctrl-C ends it with 0."""
    with connected.start("serve", "--port", "0", "--callbacks", AVATAR_TASKS_CALLBACK_SECRET=SECRET) as process:
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
        after = httpx.get(f"{url}/health", timeout=20)
        assert after.status_code == 200
        assert 0 <= after.json()["seconds_since_last_load"] < 3600
        assert "script" not in after.headers["content-security-policy"]
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest


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
