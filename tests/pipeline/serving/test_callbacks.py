"""Callbacks over HTTP: durable before 200, and a hint that does no more than mark a known task for the next run."""

from __future__ import annotations

import json
import os
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import httpx
import pytest

from pipeline.errors import UnusableInputError
from pipeline.serving.app import application
from pipeline.serving.callbacks import BURST, MAX_BYTES, Callbacks, task_id_of
from pipeline.serving.serve import callbacks_of
from pipeline.settings import Settings, validated
from simulator import ManualClock, SimulatedGateway
from simulator import serve as simulate
from tests.command_line import KEY, CommandLine
from tests.pipeline.serving.served import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator import World

pytestmark = pytest.mark.e2e
SECRET = "0123456789abcdef"

#: Made once: httpx makes one for each client, in 20 ms, also where nothing is encrypted.
TLS = ssl.create_default_context()


def post(url: str, body: object, secret: str = SECRET) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{url}/callbacks/{secret}", content=content, timeout=20, verify=TLS)


@pytest.fixture(scope="module")
def command(ended_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A warehouse that knows the first ten tasks, and has the eleventh archived but not loaded."""
    app = SimulatedGateway(ended_world, key=KEY, clock=ManualClock(ended_world.all_terminal_at()))
    with simulate(app) as base_url:
        environment = {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY}
        command = CommandLine(tmp_path_factory.mktemp("callbacks"), environment)
        assert command("collect", *ended_world.ids[:10]).code == 0
        assert command("collect", "--no-load", ended_world.ids[10]).code == 0
        yield command


@pytest.fixture
def callbacks(command: CommandLine, tmp_path: Path) -> Callbacks:
    return Callbacks(Settings(data_dir=command.folder / "data").paths, "default", tmp_path / "inbox")


@pytest.fixture
def url(callbacks: Callbacks) -> Iterator[str]:
    app = application(callbacks.paths, ["127.0.0.1"], callbacks={"": callbacks}, secret=SECRET)
    with serve(app) as base_url:
        yield base_url


def in_inbox(callbacks: Callbacks) -> set[str]:
    return {line for file in callbacks.inbox.glob("*.txt") for line in file.read_text().splitlines()}


def test_an_id_that_was_accepted_is_on_the_disk_when_the_gateway_gets_its_200(
    url: str, callbacks: Callbacks, ended_world: World
) -> None:
    """Loaded or only archived; others are refused and counted, and leave nothing behind."""
    known, waiting, other = ended_world.ids[0], ended_world.ids[10], ended_world.ids[20]
    assert post(url, {"code": "success", "data": {"task_id": known, "status": "SUCCESS"}}).status_code == 200
    assert post(url, {"task_id": waiting}).status_code == 200
    assert post(url, {"task_id": other}).status_code == 404
    assert in_inbox(callbacks) == {known, waiting}
    counts = httpx.get(f"{url}/metrics").text
    assert 'avatar_tasks_callbacks_total{outcome="accepted"} 2' in counts
    assert 'avatar_tasks_callbacks_total{outcome="unknown"} 1' in counts


def test_a_forged_callback_changes_no_row(
    url: str, callbacks: Callbacks, command: CommandLine, ended_world: World, tmp_path: Path
) -> None:
    """It says that a running task has failed; what counts is what the gateway answers to the next run."""
    running, at = running_task(ended_world)
    app = SimulatedGateway(ended_world, key=KEY, clock=ManualClock(at))
    query = ("sql", "select task_id, status, fail_reason from tasks order by task_id", "--format", "json")
    with simulate(app) as base_url:
        there = CommandLine(tmp_path, command.environment | {"AVATAR_TASKS_BASE_URL": base_url})
        assert there("collect", running).code == 0
        before = json.loads(there(*query).out)
        assert before[0]["status"] == "IN_PROGRESS"
        callbacks.paths = Settings(data_dir=tmp_path / "data").paths
        assert post(url, {"task_id": running, "status": "FAILURE", "fail_reason": "forged"}).status_code == 200
        for file in callbacks.inbox.iterdir():
            os.utime(file, (time.time() - 60,) * 2)  # a file that has just been written is left for the next run
        polled = app.calls[running]
        assert there("collect", "--inbox", str(callbacks.inbox)).code == 0
        assert app.calls[running] == polled + 1, "the callback had it polled"
        assert json.loads(there(*query).out) == before


def running_task(world: World) -> tuple[str, datetime]:
    """One that runs for a minute or more with a plain answer, and a moment in that."""
    found = next(
        one
        for one in world.tasks
        if one.seen_running and one.seen_end and one.seen_end > one.seen_running + 60 and not one.quirk_name
    )
    assert found.seen_running
    return found.id, datetime.fromtimestamp(found.seen_running + 30, tz=UTC)


def test_new_ids_are_taken_where_that_was_asked_for(url: str, callbacks: Callbacks, ended_world: World) -> None:
    """And polled like any id that was handed in."""
    callbacks.accepts_new = True
    assert post(url, {"task_id": ended_world.ids[20]}).status_code == 200
    assert in_inbox(callbacks) == {ended_world.ids[20]}


def test_each_of_several_gateways_has_a_path_and_a_folder_of_the_inbox(
    callbacks: Callbacks, ended_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sources.toml names them; what one of them posts is about its own ids."""
    monkeypatch.chdir(tmp_path)
    tables = [f'[[source]]\nname = "{name}"\nbase_url = "https://{name}.example"\n' for name in ("default", "us")]
    (tmp_path / "sources.toml").write_text("".join(tables))
    settings = Settings(data_dir=callbacks.paths.root)
    taken = callbacks_of(settings, tmp_path / "inbox", accept_new=False)
    known = {"task_id": ended_world.ids[0]}
    with serve(application(settings.paths, ["127.0.0.1"], callbacks=taken, secret=SECRET)) as url:
        codes = [httpx.post(f"{url}/callbacks/{part}{SECRET}", json=known).status_code for part in ("", *taken, "eu/")]
        counts = httpx.get(f"{url}/metrics").text
    assert codes == [404, 200, 404, 404]
    assert [path.parent.name for path in (tmp_path / "inbox").rglob("*.txt")] == ["default"]
    assert 'avatar_tasks_callbacks_total{outcome="unknown",source="us"} 1' in counts
    assert list(callbacks_of(Settings(source="us"), tmp_path, accept_new=False)) == ["us/"]


def test_many_callbacks_at_once_share_files(url: str, callbacks: Callbacks, ended_world: World) -> None:
    """Each of them is acknowledged, and each id is there."""
    ids = ended_world.ids[:10] * 10
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda one: post(url, {"task_id": one}).status_code, ids))
    assert set(answers) == {200}
    assert in_inbox(callbacks) == set(ids)
    assert len(list(callbacks.inbox.iterdir())) < len(ids)


def test_what_is_no_callback_is_refused_with_a_reason(url: str, callbacks: Callbacks, ended_world: World) -> None:
    """Another secret, another method, no id, too many bytes, another host, a disk that cannot be written."""
    known = {"task_id": ended_world.ids[0]}
    assert post(url, known, "another-secret-of-16").status_code == 404
    assert httpx.get(f"{url}/callbacks/{SECRET}").status_code == 405
    assert post(url, b"\xff{").status_code == 422
    assert post(url, b" " * (MAX_BYTES + 1)).status_code == 413
    assert httpx.get(f"{url}/health", headers={"host": "elsewhere.example"}).status_code == 400
    assert in_inbox(callbacks) == set()
    callbacks.inbox.parent.joinpath("file").write_text("")
    callbacks.inbox = callbacks.inbox.parent / "file"
    assert post(url, known).status_code == 503


def test_after_a_failure_of_any_kind_callbacks_are_taken_as_before(
    url: str, callbacks: Callbacks, ended_world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A warehouse that cannot be asked, here for a view that fails: try again later, and nothing waits for ever."""
    paths, known = callbacks.paths, {"task_id": ended_world.ids[0]}
    callbacks.paths = Settings(data_dir=tmp_path / "odd").paths
    callbacks.paths.published.parent.mkdir(parents=True)
    with duckdb.connect(callbacks.paths.published) as con:
        for name in ("tasks", "pending", "segments"):
            con.execute(f"create view {name} as select error('the lake has ended') as source, '' as task_id")
    assert post(url, known).status_code == 503
    assert "the lake has ended" in caplog.text
    callbacks.paths = paths
    assert post(url, known).status_code == 200
    assert in_inbox(callbacks) == {ended_world.ids[0]}


def test_a_secret_that_no_address_could_end_with_is_refused_at_the_start() -> None:
    """With a slash in it, as base64 has, no callback would ever have been taken; other signs are as they are."""
    for secret in ("0123456789/abcdef", "0123456789 abcdef", "0123456789abcde?", "0123456789%2Fabcdef", "ä" * 20):
        with pytest.raises(UnusableInputError, match="CALLBACK_SECRET cannot be used: it becomes") as refused:
            validated({"callback_secret": secret})
        assert secret not in str(refused.value)


def test_every_secret_that_is_accepted_opens_the_path(callbacks: Callbacks, ended_world: World) -> None:
    secret = "aA0._~!$&'()*+,;=:@-"
    assert validated({"callback_secret": secret}).callback_secret
    with serve(application(callbacks.paths, ["127.0.0.1"], callbacks={"": callbacks}, secret=secret)) as url:
        assert post(url, {"task_id": ended_world.ids[0]}, secret).status_code == 200


def test_callbacks_are_paced(url: str, callbacks: Callbacks) -> None:
    """A burst is taken; what comes beyond it is told to come again."""
    callbacks.clock = lambda: 0.0
    with httpx.Client(base_url=url) as client:
        statuses = [client.post(f"/callbacks/{SECRET}", content=b"{}").status_code for _ in range(BURST + 1)]
        last = client.post(f"/callbacks/{SECRET}", content=b"{}")
    assert statuses == [422] * BURST + [429]
    assert last.headers["retry-after"]


@pytest.mark.parametrize(
    ("body", "task_id"),
    [
        ({"code": "success", "message": "", "data": {"task_id": "a-1", "data": {"task_id": "inner"}}}, "a-1"),
        ({"task_id": "a-1", "status": "SUCCESS"}, "a-1"),
        ({"task": {"task_id": "a-1"}}, "a-1"),
        ({"id": "video_1", "object": "video", "status": "completed"}, "video_1"),
        ({"id": 7, "data": {"task_id": "a-1"}}, "a-1"),
        ({"id": "row-7", "status": "done"}, None),
        ({"task_id": "../../etc/passwd"}, None),
        ({"task_id": "sk-abcdefghijklmnopqrstuvwx"}, None),
        ({"task_id": "null"}, None),
        ({"task_id": 12}, None),
        ([{"task_id": "a-1"}], None),
        ({"data": {"data": {"data": {"data": {"task_id": "deep"}}}}}, None),
    ],
)
def test_the_id_is_found_in_every_shape_that_gateways_post(body: object, task_id: str | None) -> None:
    """The outermost one; what cannot be an id, or looks like a key, is none."""
    assert task_id_of(json.dumps(body).encode()) == task_id


def test_a_body_that_nests_without_end_is_no_callback() -> None:
    """And no crash."""
    assert task_id_of(b'{"data":' * 100_000) is None
