"""Whether what answers is a gateway, and whether it refuses the key or a single task."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.client import GatewayClient
from gateway.observation import Observation
from tests.gateway.servers import KEY, NO_WAIT, Reply, Request, answer, closed_port, fetch, serve

CASES = Path(__file__).parent / "cases"
PAGE = b"<!doctype html><html><head><title>New API</title></head></html>"
TASK = b'{"code":"success","data":{"task_id":"a","status":"SUCCESS"}}'


def page(_: Request) -> Reply:
    return answer(200, PAGE, Content_Type="text/html; charset=utf-8")


def says(status: int, message: str, code: str = "") -> Reply:
    error = {"message": message, "type": "new_api_error", "code": code}
    return answer(status, json.dumps({"error": error}).encode(), Content_Type="application/json")


def case(name: str) -> Reply:
    """What a gateway said, from a case file."""
    said = json.loads((CASES / name).read_text())
    headers = {key.replace("-", "_"): value for key, value in said["headers"].items()}
    return answer(said["status"], said["body"].encode(), **headers)


def poll(reply: Callable[[Request], Reply], count: int) -> tuple[dict[str, Observation], GatewayClient]:
    """So many ids, of a real server."""

    async def main() -> tuple[dict[str, Observation], GatewayClient]:
        async with serve(reply) as server, GatewayClient(server.url, KEY, clock=NO_WAIT) as client:
            return await fetch(client, [f"task-{number}" for number in range(count)]), client

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(page, "a web page titled 'New API'", id="a dashboard"),
        pytest.param(lambda _: answer(200, PAGE), "a web page titled 'New API'", id="one without a type"),
        pytest.param(lambda _: says(404, "Invalid URL (GET /v1/avatar/task/a)"), "Invalid URL (GET", id="a wrong path"),
        pytest.param(lambda _: answer(404, b"404 page not found"), "HTTP 404: 404 page not found", id="no such page"),
        pytest.param(lambda _: answer(404, b'{"detail":"Not Found"}'), "Not Found", id="another service"),
        pytest.param(lambda _: answer(405, b""), "HTTP 405", id="no such method"),
        pytest.param(
            lambda _: answer(302, b"", Location=f"https://u:p@login.example/in?next=secret&key={KEY}"),
            "a redirect not followed, to https://login.example/in",
            id="a login",
        ),
        pytest.param(lambda _: case("37-cloudflare-challenge-403.json"), "'Just a moment...'", id="a challenge"),
        pytest.param(lambda _: answer(403, b""), "HTTP 403 without a gateway's error message", id="an empty 403"),
    ],
)
def test_a_server_that_is_not_a_gateway_ends_the_client_and_is_named(
    reply: Callable[[Request], Reply], said: str
) -> None:
    """Of a thousand ids few are polled; of a single one the client's conclusion says the same."""
    seen, client = poll(reply, 1000)
    assert client.ended is not None
    assert client.ended.reason == "no_gateway"
    assert said in client.ended.sentence
    assert "AVATAR_TASKS_BASE_URL is likely wrong" in client.ended.sentence
    assert not any(secret in client.ended.sentence for secret in ("secret", "u:p", KEY))
    assert 20 <= len(seen) < 100
    _, client = poll(reply, 1)
    assert client.ended is None
    assert client.conclusion is not None
    assert (client.conclusion.reason, said in client.conclusion.sentence) == ("no_gateway", True)


@pytest.mark.parametrize("odd", [1, 5, 50])
def test_odd_pages_of_a_real_gateway_end_nothing(odd: int) -> None:
    """Half of the answers may be a proxy's: one that is a gateway's shows that there is one."""

    def reply(request: Request) -> Reply:
        return page(request) if request.number % 100 < odd else answer(200, TASK)

    seen, client = poll(lambda request: answer(200, TASK) if request.number == 0 else reply(request), 400)
    assert (len(seen), client.ended, client.conclusion) == (400, None, None)


def test_pages_come_first_and_tasks_after_them() -> None:
    """Fewer than twenty are no proof."""
    seen, client = poll(lambda request: page(request) if request.number < 15 else answer(200, TASK), 100)
    assert (len(seen), client.ended, client.conclusion) == (100, None, None)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(says(401, "Invalid token"), ["refused the key", "'Invalid token'"], id="401"),
        pytest.param(answer(401, PAGE), ["refused the key", "HTTP 401)"], id="401 of any server"),
        pytest.param(case("42-quota-403.json"), ["quota or balance is used up", "用户额度不足"], id="quota"),
        pytest.param(says(403, "Your balance is too low"), ["quota or balance is used up"], id="balance"),
        pytest.param(
            says(403, "您的 IP 不在令牌允许访问的列表中"),
            ["does not permit this with the key", "您的 IP"],
            id="address",
        ),
        pytest.param(
            says(403, "该用户已被封禁"), ["does not permit this with the key", "该用户已被封禁"], id="a banned user"
        ),
    ],
)
def test_a_refusal_of_the_key_is_quoted_and_costs_a_handful_of_requests(reply: Reply, words: list[str]) -> None:
    """Whatever came before it."""
    for before in (0, 100):
        seen, client = poll(lambda request, n=before: reply if request.number >= n else answer(200, TASK), 1000)  # type: ignore[misc]
        assert client.ended is not None
        assert client.ended.reason == "key_refused"
        assert all(word in client.ended.sentence for word in words)
        assert len(seen) <= before + 64


def test_a_message_that_repeats_the_key_is_quoted_without_it() -> None:
    """Its words go into messages and into a column."""
    seen, client = poll(lambda _: says(401, f"Invalid token {KEY} (request id: 7)"), 1)
    assert client.ended is not None
    assert "Invalid token *** (request id: 7)" in client.ended.sentence
    assert KEY not in f"{seen} {client.ended}"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("该令牌无权访问模型 kling-v2", id="a model"),
        pytest.param("no permission to access group vip", id="a group"),
        pytest.param("forbidden", id="words that say little"),
    ],
)
def test_one_forbidden_task_among_many_is_a_row(message: str) -> None:
    """Also where it comes first; a client whose every task is forbidden ends."""

    def reply(request: Request) -> Reply:
        return says(403, message) if request.number % 7 == 0 else answer(200, TASK)

    seen, client = poll(reply, 300)
    assert (len(seen), client.ended, client.conclusion) == (300, None, None)
    seen, client = poll(lambda _: says(403, message), 300)
    assert client.ended is not None
    assert (client.ended.reason, message in client.ended.sentence) == ("key_refused", True)
    assert len(seen) < 64
    _, client = poll(lambda _: says(403, message), 1)
    assert client.conclusion is not None
    assert client.conclusion.reason == "key_refused"


def test_fewer_than_ten_unreachable_ids_have_their_reason() -> None:
    """Ten failures in a row end a client; of three there is a conclusion."""

    async def main() -> None:
        async with GatewayClient(f"http://127.0.0.1:{closed_port()}", KEY, clock=NO_WAIT) as client:
            await fetch(client, ["a", "b", "c"])
            assert client.conclusion is not None
            assert client.conclusion.reason == "unavailable"
            assert "connect: " in client.conclusion.sentence

    asyncio.run(main())


def test_the_last_failure_has_the_gateways_message() -> None:
    """It was answered, so the address is right, and the reason is another one."""
    body = b'{"code":"get_task_failed","message":"database is locked","data":null}'
    _, client = poll(lambda _: answer(500, body), 3)
    assert (client.ended, client.conclusion, client.last_failure) == (None, None, "HTTP 500, 'database is locked'")
