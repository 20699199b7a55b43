"""The simulated gateway as a server: how it starts, stops, and what a test that uses it can rely on."""

import ast
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import simulator
from simulator import ManualClock, SimulatedGateway, World, run, serve

NOW = datetime(2026, 1, 20, 3, tzinfo=UTC)


def test_a_test_needs_three_lines_to_have_a_gateway_that_knows_the_truth() -> None:
    """A world, a server, a request: the answer is what the world says it is."""
    world = World.recent(seed=7, tasks=50, now=NOW, odd_share=0)
    with serve(SimulatedGateway(world, key="k", clock=ManualClock(world.all_terminal_at()))) as base_url:
        answer = httpx.get(f"{base_url}/avatar/task/{world.ids[0]}", headers={"Authorization": "Bearer k"})
    [truth] = world.truth(world.all_terminal_at(), [world.ids[0]]).tasks
    assert answer.json()["data"]["status"] == truth["status_raw"]


def test_the_server_takes_a_free_port_and_stops_within_a_second() -> None:
    """Two servers run side by side; after the end nobody listens and no thread is left."""
    world = World.recent(seed=7, tasks=1, now=NOW, rush=0)
    with serve(SimulatedGateway(world)) as one, serve(SimulatedGateway(world)) as other:
        assert one != other
        assert httpx.get(other).status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(one)
    assert "simulated-gateway" not in {thread.name for thread in threading.enumerate()}


def test_a_client_that_keeps_its_connection_does_not_keep_the_server() -> None:
    """An idle keep-alive connection is closed at the end instead of waited for."""
    with httpx.Client() as client:
        with serve(SimulatedGateway(World.recent(seed=7, tasks=1, now=NOW, rush=0))) as base_url:
            client.get(base_url)
            began = time.monotonic()
        assert time.monotonic() - began < 1


def test_an_answer_that_never_comes_does_not_keep_the_server() -> None:
    """A request that hangs at the end is cut off."""
    with httpx.Client(timeout=10) as client, serve(SimulatedGateway(World.recent(1, 1, now=NOW, rush=0))) as base_url:
        waiting = threading.Thread(target=_expect_nothing, args=(client, f"{base_url}/avatar/task/sim_hang_1"))
        waiting.start()
        time.sleep(0.1)
        began = time.monotonic()
    waiting.join()
    assert time.monotonic() - began < 3


def _expect_nothing(client: httpx.Client, url: str) -> None:
    with pytest.raises(httpx.HTTPError):
        client.get(url).raise_for_status()


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    """It is told as what it is, in the caller's thread."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):  # noqa: SIM117
        with serve(SimulatedGateway(World.recent(1, 1, now=NOW, rush=0)), taken.getsockname()[1]):
            pass


def test_run_passes_the_address_before_it_serves() -> None:
    """What `simulate` prints; here it is told in a thread that ends when the gateway refuses to go on."""
    told: list[str] = []

    def stop_at_once(url: str) -> None:
        told.append(url)
        raise KeyboardInterrupt

    run(SimulatedGateway(World.recent(1, 1, now=NOW, rush=0)), 0, on_ready=stop_at_once)
    assert told[0].startswith("http://127.0.0.1:")


@pytest.mark.e2e
def test_importing_the_simulator_does_not_import_the_server() -> None:
    """Uvicorn takes a third of a second that only those who serve should pay."""
    probe = "import sys, simulator; print('uvicorn' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_the_simulator_imports_nothing_but_httpx_uvicorn_and_the_standard_library() -> None:
    """It stands in for the outside world, so it must not share its blind spots with what is tested against it."""
    allowed = {"simulator", "httpx", "uvicorn"} | set(sys.stdlib_module_names)
    assert _imported() <= allowed


def _imported() -> set[str]:
    names: set[str] = set()
    for path in Path(simulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
            elif isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
    return names
