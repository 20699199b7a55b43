"""deploy/compose.yaml without containers: each service's command as a process, on a machine of its own (see `machine`).

`/app` and `/prefect` of the image are folders of /opt here, names of services are names of this machine, and PostgreSQL
is its own; users, environments, commands, order and health checks are those of the files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import httpx
import yaml  # type: ignore[import-untyped]  # a need of Prefect's, which ships no types

from tests.guide import machine
from tests.guide.operator import API, ENDED, wait_for

USER: Final = "avatar-tasks"
PLACES: Final = {"/app": str(machine.PROJECT), "/prefect": "/opt/prefect"}
LOG: Final = Path("/run/compose.log")


def here(text: str) -> str:
    """With our folders, and the defaults of what compose substitutes."""
    for place, ours in PLACES.items():
        text = re.sub(rf"(?<![\w/]){place}\b", ours, text)
    return re.sub(r"\$\{\w+:-(\w+)\}", r"\1", text)


def environment() -> dict[str, str]:
    """What the image sets."""
    text = (machine.ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found = dict(pair.split("=", 1) for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE) for pair in line.split())
    found["PATH"] = found["PATH"].replace("$PATH", os.environ["PATH"])
    return {name: here(value) for name, value in found.items()} | {"HOME": str(machine.PROJECT), "LANG": "C.UTF-8"}


def start(service: dict[str, Any]) -> None:
    """Its command, as the image's user."""
    env = environment() | {name: here(value) for name, value in service.get("environment", {}).items()}
    with LOG.open("ab") as log:
        subprocess.Popen(
            [here(part) for part in service["command"]],
            cwd=machine.PROJECT,
            env=env,
            user=USER,
            group=USER,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def is_healthy(test: list[str]) -> bool:
    """By its health check, run as the image's user."""
    assert test[0] == "CMD"
    done = subprocess.run(
        test[1:],
        env=environment(),
        user=USER,
        group=USER,
        extra_groups=[],
        check=False,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    return done.returncode == 0


def make_image() -> None:
    """What the Containerfile does after `make setup`."""
    machine.run("useradd", "--system", "--home-dir", str(machine.PROJECT), "--shell", "/usr/sbin/nologin", USER)
    for folder in (machine.PROJECT / "data", machine.PROJECT / "inbox", Path(PLACES["/prefect"])):
        folder.mkdir()
        shutil.chown(folder, USER)


def make_database(service: dict[str, Any]) -> None:
    """What the image of PostgreSQL does."""
    names = {name: here(value) for name, value in service["environment"].items()}
    for statement in (
        f"create user {names['POSTGRES_USER']} password '{names['POSTGRES_PASSWORD']}'",
        f"create database {names['POSTGRES_DB']} owner {names['POSTGRES_USER']}",
    ):
        machine.run("sudo", "-u", "postgres", "psql", "-qc", statement)


def follow(services: dict[str, Any]) -> None:
    """Start everything in its order, and use it."""
    with Path("/etc/hosts").open("a", encoding="utf-8") as hosts:
        hosts.write(f"127.0.0.1 {' '.join(services)}\n")
    make_database(services["postgres"])
    started = {"postgres"}
    while waiting := [name for name in services if name not in started]:
        name = next(one for one in waiting if set(services[one].get("depends_on", {})) <= started)
        start(services[name])
        if is_waited_for(services, name):
            wait_for(partial(is_healthy, services[name]["healthcheck"]["test"]), f"a healthy {name}")
        started.add(name)
    wait_for(worker_is_healthy, "a healthy worker")
    collect()
    health = httpx.get("http://127.0.0.1:8898/health", timeout=60)
    assert health.status_code == 200, health.text


def is_waited_for(services: dict[str, Any], name: str) -> bool:
    """Whether another starts once it is healthy."""
    needs = [one.get("depends_on", {}).get(name, {}) for one in services.values()]
    return any(one.get("condition") == "service_healthy" for one in needs)


def worker_is_healthy() -> bool:
    """By the image's HEALTHCHECK."""
    text = (machine.ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
    [command] = re.findall(r"HEALTHCHECK .*\\\n +CMD (\[.*\])", text)
    return is_healthy(["CMD", *yaml.safe_load(command)])


def collect() -> None:
    """A run takes the simulator's ids."""
    deployment = httpx.get(f"{API}/deployments/name/collect/collect", timeout=30).json()["id"]
    run = httpx.post(f"{API}/deployments/{deployment}/create_flow_run", json={}, timeout=30).json()["id"]

    def state() -> str:
        return str(httpx.get(f"{API}/flow_runs/{run}", timeout=30).json()["state"]["name"])

    wait_for(lambda: state() in ENDED, "the end of a run")
    assert state() == "Completed"
    with duckdb.connect(machine.PROJECT / "data" / "published" / "current.duckdb", read_only=True) as con:
        [count] = con.execute("select count(*) from tasks").fetchall()[0]
    print(f"{count} tasks")  # noqa: T201
    assert count > 0


def main() -> None:
    """As `docker compose up` does."""
    began = time.monotonic()
    machine.set_up(Path(tempfile.mkdtemp()))
    make_image()
    services = yaml.safe_load((machine.ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    with machine.postgresql():
        try:
            follow(services)
        except BaseException:
            print(LOG.read_text(errors="replace")[-6000:] if LOG.exists() else "no log", flush=True)  # noqa: T201
            raise
    print(f"after {time.monotonic() - began:.0f} s")  # noqa: T201
    sys.stdout.flush()


if __name__ == "__main__":
    main()
