"""One id becomes one observation, whatever a real server on loopback does."""

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.client import GatewayClient
from gateway.errors import InvalidLimit, InvalidTaskId, UnknownRedaction
from tests.gateway.servers import KEY, answer, closed_port, fetch, look, serve


def test_an_answer_is_kept_as_received() -> None:
    """Status, body, headers and times are those of the answer."""
    headers = {"Content_Type": "application/json", "X_Oneapi_Request_Id": "r-1", "X_New_Api_Version": "v1"}
    before = datetime.now(UTC)
    seen, _ = look(lambda _: answer(200, b'{"a": 1}', **headers), source="mine")
    assert (seen.source, seen.task_id, seen.http_status, seen.body) == ("mine", "task_1", 200, b'{"a": 1}')
    assert (seen.content_type, seen.request_id, seen.gateway_version) == ("application/json", "r-1", "v1")
    assert (seen.attempts, seen.refusals, seen.error, seen.body_cut) == (1, 0, None, False)
    assert before <= seen.observed_at <= datetime.now(UTC)
    assert seen.elapsed_ms is not None
    assert 0 < seen.elapsed_ms < 5000


def test_the_request_is_the_documented_one() -> None:
    """GET on the endpoint, the key as bearer, no compression asked for, nothing else of ours."""
    _, server = look(lambda _: answer())
    assert server.requests[0].line == "GET /avatar/task/task_1 HTTP/1.1"
    assert server.requests[0].headers == {
        "host": server.url.removeprefix("http://"),
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "avatar-tasks",
        "authorization": f"Bearer {KEY}",
    }


def test_a_path_prefix_and_no_key() -> None:
    """A gateway under a path is asked there, and without a key there is no Authorization."""

    async def main() -> None:
        async with serve(lambda _: answer()) as server:
            async with GatewayClient(server.url + "/some/where/", None) as client:
                await fetch(client, ["a:b~c.d-e_f"])
            assert server.requests[0].line == "GET /some/where/avatar/task/a:b~c.d-e_f HTTP/1.1"
            assert "authorization" not in server.requests[0].headers

    asyncio.run(main())


def test_another_path_has_the_id_where_it_says() -> None:
    """Others of the family answer under other paths, not all of which end with the id."""

    async def main() -> None:
        async with serve(lambda _: answer()) as server:
            async with GatewayClient(server.url + "/v2", KEY, endpoint="/v1/videos/{id}/state") as client:
                await fetch(client, ["task_1"])
            assert server.requests[0].line == "GET /v2/v1/videos/task_1/state HTTP/1.1"

    asyncio.run(main())


def test_cookies_are_not_kept() -> None:
    """What a gateway sets comes back to it in no request."""

    async def main() -> None:
        async with (
            serve(lambda _: answer(Set_Cookie="session=1; Path=/")) as server,
            GatewayClient(server.url, KEY, concurrency=1) as client,
        ):
            await fetch(client, ["a", "b", "c"])
            assert not any("cookie" in request.headers for request in server.requests)
            assert server.connections == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        pytest.param(200, b"<html>", "text/html", id="a dashboard's page"),
        pytest.param(200, b"", "application/json", id="an empty body"),
        pytest.param(400, b'{"code":"task_not_exist"}', "application/json", id="an unknown id"),
        pytest.param(404, b"{}", "application/json", id="a wrong path"),
        pytest.param(418, b"\x00\xff", "image/png", id="a teapot"),
    ],
)
def test_an_answer_that_is_not_a_task_is_an_answer(status: int, body: bytes, content_type: str) -> None:
    """It is taken at once and not interpreted here."""
    seen, server = look(lambda _: answer(status, body, Content_Type=content_type))
    assert (seen.http_status, seen.body, seen.content_type) == (status, body, content_type)
    assert (seen.attempts, seen.error, len(server.requests)) == (1, None, 1)


def test_a_wrong_host_ends_the_run_at_once() -> None:
    """Without a single answer there is nothing to wait for; the sentence says what to check."""

    async def main() -> None:
        async with GatewayClient(f"http://127.0.0.1:{closed_port()}", KEY, rng=random.Random(1)) as client:
            seen = await fetch(client, [f"task_{n}" for n in range(1000)])
        assert client.ended is not None
        assert client.ended.reason == "unavailable"
        assert "AVATAR_TASKS_BASE_URL" in client.ended.sentence
        assert client.stats.requests < 20
        assert len(seen) == client.stats.first_attempts

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    """The key goes nowhere else; the observation says where it would have gone, without the query."""
    seen, server = look(lambda _: answer(code, b"", Location="http://user:pw@127.0.0.1:1/login?token=secret#x"))
    assert seen.error == "redirect: not followed, to http://127.0.0.1:1/login"
    assert (seen.http_status, len(server.requests)) == (code, 1)


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_costs_a_handful_of_requests(code: int) -> None:
    """What was asked is observed, nothing new is asked, and the sentence says what to do."""
    body = b'{"error": {"message": "this token is disabled", "type": "new_api_error"}}'

    async def main() -> None:
        async with serve(lambda _: answer(code, body)) as server, GatewayClient(server.url, KEY) as client:
            seen = await fetch(client, [f"task_{n}" for n in range(1000)])
            assert client.ended is not None
            assert client.ended.reason == "key_refused"
            assert KEY not in client.ended.sentence
            assert "AVATAR_TASKS_API_KEY" in client.ended.sentence
            assert 1 <= len(server.requests) <= 8
            assert len(seen) == len(server.requests)
            assert await fetch(client, ["later"]) == {}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        pytest.param({"concurrency": 0}, InvalidLimit, id="no concurrency"),
        pytest.param({"rate": 0.0}, InvalidLimit, id="no rate"),
        pytest.param({"timeout": -1.0}, InvalidLimit, id="a negative time-out"),
        pytest.param({"rate": float("nan")}, InvalidLimit, id="a rate that is no number"),
        pytest.param({"redact": frozenset({"everything"})}, UnknownRedaction, id="an unknown redaction"),
    ],
)
def test_invalid_settings_are_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    """Before anything is sent."""
    with pytest.raises(error):
        GatewayClient("https://host", KEY, **wrong)


def test_an_invalid_id_is_raised_before_the_first_request() -> None:
    """So no observation is lost half-way through a batch."""

    async def main() -> None:
        async with serve(lambda _: answer()) as server, GatewayClient(server.url, KEY) as client:
            with pytest.raises(InvalidTaskId, match=r"'\.\./x' is not a task id"):
                client.fetch_many(["a", "../x"])
            assert server.requests == []

    asyncio.run(main())
