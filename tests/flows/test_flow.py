"""The flow `collect` on a real Prefect server: what the server sees, and what it never sees."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import KEY, CommandLine
from tests.pipeline.discovery.lists import TOKEN, listed, plain_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import Gateway


@pytest.fixture
def on_prefect(
    tmp_path: Path, gateway: Gateway, server_home: tuple[Path, dict[str, str]], quick_prefect: list[str]
) -> CommandLine:
    """The command line set up for the simulated gateway and that server."""
    return CommandLine(
        tmp_path,
        server_home[1] | {"AVATAR_TASKS_BASE_URL": gateway.base_url, "AVATAR_TASKS_API_KEY": KEY},
        quick_prefect,
    )


def ask(home: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(home / "prefect.db")) as server:
        return server.execute(query).fetchall()


def test_collect_is_a_flow_run_where_prefect_is_set_up(
    on_prefect: CommandLine, gateway: Gateway, server_home: tuple[Path, dict[str, str]]
) -> None:
    """With the same result, exit code and --json as without."""
    result = on_prefect("collect", *gateway.world.ids[:20], "--json")
    assert (result.code, result.json["outcomes"]) == (0, {"task": 20}), result.err
    assert result.err.count("run=collect ") == 1
    assert ("collect", "COMPLETED") in ask(
        server_home[0], "select flow.name, state_type from flow_run join flow on flow.id = flow_id"
    )
    assert any("20 answers about 20 ids" in str(data) for (data,) in ask(server_home[0], "select data from artifact"))


def test_a_server_that_does_not_answer_ends_with_2(on_prefect: CommandLine, gateway: Gateway) -> None:
    """It is no bug of ours; nothing is polled, and the message says how to go on without it."""
    address = f"{gateway.base_url}/api"  # where something else answers
    result = on_prefect("collect", gateway.world.ids[0], PREFECT_API_URL=address)
    assert (result.code, gateway.app.total_calls) == (2, 0), result.err
    assert "reason=unusable_input" in result.err
    for words in (f"Prefect's server at {address} does not answer", "`prefect server start`", "--no-prefect"):
        assert words in result.err


def test_a_flow_run_may_leave_loading_to_others(on_prefect: CommandLine, gateway: Gateway, tmp_path: Path) -> None:
    """As `collect --no-load` does, and the flow's parameter `load`."""
    result = on_prefect("collect", gateway.world.ids[0], "--no-load", "--json")
    assert (result.code, result.json["fetched"], result.json["published"]) == (0, 1, None), result.err
    assert not (tmp_path / "data/warehouse.duckdb").exists()
    assert on_prefect("load", "--json").json["answers_loaded"] == 1


def test_an_invalid_id_is_not_sent_to_the_server(
    on_prefect: CommandLine, gateway: Gateway, server_home: tuple[Path, dict[str, str]]
) -> None:
    """It keeps a flow's parameters; nor is a password in SQL."""
    secret = "sk-live-0a1b2c3d4e5f"
    query = f"select '{gateway.world.ids[1]}' as id -- password={secret}"
    result = on_prefect("collect", gateway.world.ids[0], f"KEY={secret}", "\udcff", "--ids-from", query, "--json")
    assert (result.code, result.json["requested"], result.json["rejected_count"]) == (0, 2, 2), result.err
    assert result.json["rejected"][0]["reason"] == "has a character that no task id has: '='"
    stored = b"".join(path.read_bytes() for path in server_home[0].rglob("*") if path.is_file())
    assert gateway.world.ids[0].encode() in stored
    assert secret.encode() not in stored


def test_a_refused_key_fails_the_flow_run_and_says_why(
    on_prefect: CommandLine, gateway: Gateway, server_home: tuple[Path, dict[str, str]]
) -> None:
    """An operator sees it in Prefect; the key itself is nowhere on the server."""
    result = on_prefect("collect", *gateway.world.ids[:20], "--json", AVATAR_TASKS_API_KEY="sk-a-wrong-key")
    assert (result.code, result.json["exit_code"]) == (3, 3), result.err
    states = ask(server_home[0], "select type, message from flow_run_state where type = 'FAILED'")
    assert any("refused the key" in str(message) for _, message in states)
    stored = b"".join(path.read_bytes() for path in server_home[0].rglob("*") if path.is_file())
    assert b"sk-a-wrong-key" not in stored
    assert KEY.encode() not in stored


@pytest.fixture(scope="module")
def secrets(server_home: tuple[Path, dict[str, str]], quick_prefect: list[str]) -> None:
    """Blocks on the server, as an operator makes them in the dashboard."""
    save = f"""
from prefect.blocks.system import Secret
Secret(value={KEY!r}).save('gateway-key', overwrite=True)
Secret(value={TOKEN!r}).save('account-token', overwrite=True)
"""
    subprocess.run([*quick_prefect, "-c", save], env=os.environ | server_home[1], check=True, timeout=60)


@pytest.mark.usefixtures("secrets")
def test_the_key_may_be_in_a_secret_block(on_prefect: CommandLine, gateway: Gateway) -> None:
    """Named by a setting, read from the server in use."""
    block = {"AVATAR_TASKS_API_KEY": "", "AVATAR_TASKS_API_KEY_BLOCK": "gateway-key"}
    assert on_prefect("collect", gateway.world.ids[0], "--json", **block).json["outcomes"] == {"task": 1}
    refused = on_prefect("collect", gateway.world.ids[0], **(block | {"AVATAR_TASKS_API_KEY_BLOCK": "no-such"}))
    assert refused.code == 2, refused.err
    assert "no-such" in refused.err
    plain = on_prefect("collect", gateway.world.ids[0], "--no-prefect", **block)
    assert plain.code == 2
    assert "--no-prefect" in plain.err


@pytest.mark.usefixtures("secrets")
def test_discovery_as_a_flow_takes_the_token_from_a_secret_block(on_prefect: CommandLine, tmp_path: Path) -> None:
    """The list is walked in the flow run, and what it has needs no poll."""
    with listed(tmp_path, plain_world(30)) as site:
        block = {"AVATAR_TASKS_ACCESS_TOKEN": "", "AVATAR_TASKS_ACCESS_TOKEN_BLOCK": "account-token"}
        result = on_prefect("collect", "--discover", "--json", **(site.command.environment | block))
    assert (result.code, result.json["discovered"]["tasks"], result.json["requests"]) == (0, 30, 0), result.err


def test_the_report_flow_leaves_a_link_and_what_it_says(
    on_prefect: CommandLine, gateway: Gateway, server_home: tuple[Path, dict[str, str]]
) -> None:
    """On the server, beside the file; people find it where it is served."""
    assert on_prefect("collect", *gateway.world.ids, "--no-prefect").code == 0
    code = "from flows.report import report; report(since='30 days', served_at='https://reports.example/')"
    done = on_prefect("-c", code)
    assert done.code == 0, done.err
    assert (on_prefect.folder / "data" / "reports" / "report.html").stat().st_size > 100_000
    artifacts = dict(ask(server_home[0], "select key, data from artifact where key like 'report%'"))
    assert "https://reports.example/report.html" in artifacts["report-link"]
    assert "Half of the tasks have ended within" in artifacts["report"]
    assert "whose fault" in artifacts["report"]
    assert "## Compared with the week before" in artifacts["report"]
