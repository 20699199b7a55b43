"""What is in deploy/: units that are sandboxed and start what exists, and a compose file that fits together."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # a need of Prefect's, too
import pytest
import yaml  # type: ignore[import-untyped]  # a need of Prefect's, which ships no types

from avatar_tasks.cli import main
from pipeline.settings import Settings
from pipeline.watch.conditions import read_conditions

if TYPE_CHECKING:
    import click

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
#: Of our own kind in any file: settings, whose names must be right, since unknown ones are errors.
SETTING = re.compile(r"\bAVATAR_TASKS_([A-Z_]+)\b")
MOST_EXPOSED = 3.0


def command_of(unit: Path) -> list[str]:
    """What it starts, with % for %%."""
    [line] = re.findall(r"^ExecStart=((?:.*\\\n)*.*)", unit.read_text(), re.MULTILINE)
    return shlex.split(line.replace("\\\n", " ").replace("%%", "%"))


def parsed(command: list[str]) -> click.Context:
    """A command line of ours, which click refuses where an option is unknown."""
    name, *arguments = command
    return main.commands[name].make_context(name, list(arguments))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_sandboxed(unit: Path) -> None:
    """By systemd's own count, from 0 to 10."""
    command = ["systemd-analyze", "security", "--offline=true", str(unit)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    [exposure] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", shown)
    assert float(exposure) < MOST_EXPOSED


def test_the_live_report_is_started_by_options_that_exist_on_loopback() -> None:
    """Another address is for the operator to choose."""
    program, *command = command_of(DEPLOY / "avatar-tasks-serve.service")
    assert program.endswith("/.venv/bin/avatar-tasks")
    assert parsed(command).params["host"] == "127.0.0.1"


def test_the_watch_has_conditions_that_exist() -> None:
    """As `status` reads them."""
    program, *command = command_of(DEPLOY / "avatar-tasks-watch.service")
    assert program.endswith("/.venv/bin/avatar-tasks")
    conditions = read_conditions(parsed(command).params["conditions"])
    assert {"stale", "unanswered", "failing", "waiting", "missing_storm", "disk"} <= {one.name for one in conditions}


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_settings_in_deploy_exist(path: Path) -> None:
    """Whatever is called AVATAR_TASKS_…."""
    assert {name.lower() for name in SETTING.findall(path.read_text())} <= set(Settings.model_fields)


def test_the_health_check_and_the_dashboard_listen_on_loopback_by_settings() -> None:
    """Unless somebody says otherwise."""
    worker, server = ((DEPLOY / f"avatar-tasks-{name}.service").read_text() for name in ("worker", "server"))
    for words in ("PREFECT_WORKER_WEBSERVER_HOST=127.0.0.1", "PREFECT_WORKER_WEBSERVER_PORT="):
        assert f"Environment={words}" in worker
    for words in ("PREFECT_SERVER_UI_STATIC_DIRECTORY=", "PREFECT_SERVER_UI_API_URL=", "PREFECT_UI_URL="):
        assert f"Environment={words}" in server
    assert "--host 127.0.0.1" in server


def test_the_compose_file_is_one_by_the_specification() -> None:
    """An unknown key, such as a misspelt one, is none."""
    validator = jsonschema.Draft7Validator(json.loads((Path(__file__).parent / "compose-spec.json").read_text()))
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert [one.message for one in validator.iter_errors(compose)] == []
    compose["services"]["server"]["comand"] = compose["services"]["server"].pop("command")
    assert len(list(validator.iter_errors(compose))) == 1


def test_the_compose_file_fits_together() -> None:
    """Services, volumes and dependencies that are there, health checks that others wait for, commands that are ours."""
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"postgres", "report", "server", "simulator", "worker"}
    for service in services.values():
        assert {mount.split(":")[0] for mount in service["volumes"]} <= set(compose["volumes"])
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] != "service_healthy" or "test" in services[name]["healthcheck"]
        if "build" in service:
            folder = DEPLOY / service["build"]["context"]
            assert (folder / service["build"]["dockerfile"]).is_file()
    assert all(one.startswith("127.0.0.1:") for service in services.values() for one in service.get("ports", []))
    assert services["worker"]["network_mode"] == "service:simulator"
    parsed(services["simulator"]["command"][1:])
    parsed(services["report"]["command"][1:])
    parsed(shlex.split(services["worker"]["command"][2].split("&&")[0])[1:])
