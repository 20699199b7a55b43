"""`setup-prefect`: creates everything that the deployments need on the Prefect server; run it again after any change.

Not all of Prefect's own commands can be repeated: `automation create` creates a second one, `gcl create` and
`work-pool create` fail, and `deploy` restarts paused schedules and resets parameters. This keeps an operator's changes:
see flows/_prefect/decisions.py.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml  # type: ignore[import-untyped]  # a need of Prefect's, which ships no types
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import (
    DeploymentUpdate,
    WorkPoolCreate,
)
from prefect.exceptions import ObjectNotFound

from flows._prefect.decisions import OWN_FILE, Own, decide, declared, on_server, read_own, replaced, with_values
from flows._prefect.limits import Limits
from flows._prefect.notify import ALERTS_BLOCK, automation, is_same, notification_block
from flows._prefect.of_sources import NO_COLLECT, SOURCE_TAG, with_automations, with_deployments
from flows._prefect.of_sources import with_values as with_own_values
from flows._prefect.server import REMEDY, first_line, read_variable, server_address, write_variable
from pipeline.errors import AvatarTasksError, UnusableInputError
from pipeline.settings import BLOCKS
from pipeline.sources.choose import settings_of
from pipeline.sources.file import read_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.events.schemas.automations import AutomationCore

    from flows._prefect.decisions import Decided, Values
    from pipeline.settings import Settings
    from pipeline.sources.file import Source

POOL: Final = "avatar-tasks"
#: The Prefect variable that holds what the declarations wanted when `setup-prefect` last ran.
DECLARED_VARIABLE: Final = "avatar_tasks_declared"
TAG: Final = "avatar-tasks"
DECLARATIONS: Final = ("prefect.yaml", "automations.yaml")


def declarations_folder(working_folder: Path) -> Path:
    """The working folder if it contains the declarations, or else the checkout that the program is installed from."""
    here = all((working_folder / name).exists() for name in DECLARATIONS)
    return working_folder if here else Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Declared:
    """The contents of prefect.yaml, automations.yaml, deployments.toml and sources.toml."""

    folder: Path
    project: dict[str, Any]
    automations: list[dict[str, Any]]
    own: Own
    sources: list[Source]

    @property
    def deployments(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.project["deployments"]}


def read_declared(folder: Path) -> Declared:
    """Read the declarations.

    Args:
        folder: the folder with `prefect.yaml`, `automations.yaml`, and optionally `deployments.toml` and
            `sources.toml`.

    Raises:
        UnusableInputError: when a required file is missing, or one cannot be used.
    """
    for name in DECLARATIONS:
        if not (folder / name).exists():
            raise UnusableInputError(
                f"there is no {name} in {folder}: run this in a checkout of avatar-tasks, or in its image"
            )
    project, automations = (yaml.safe_load((folder / name).read_text(encoding="utf-8")) for name in DECLARATIONS)
    sources = read_sources(folder)
    plain = project["deployments"]
    project["deployments"] = with_deployments(plain, sources)
    own = read_own(folder / OWN_FILE, {one["name"]: one for one in project["deployments"]})
    own = replace(own, values=with_own_values(own.values, plain, sources))
    return Declared(folder, project, with_automations(automations["automations"], sources), own, sources)


@dataclass(frozen=True)
class SetUp:
    """One set-up of a server: what should be there, and whether to change anything.

    `rate` and `in_flight` are limits for all workers together: None keeps what the server has, 0 removes it.
    """

    settings: Settings
    declared: Declared
    report: Callable[[str], None]
    rate: float | None = None
    in_flight: int | None = None
    dry_run: bool = False

    def run(self) -> None:
        """Create or update work pool, limits, blocks, automations and deployments; report what was or would be changed.

        Raises:
            UnusableInputError: when no server is set, or it does not answer.
            AvatarTasksError: when Prefect refuses to deploy.
        """
        if not server_address():
            raise UnusableInputError(
                "no Prefect server is set: export PREFECT_API_URL=http://127.0.0.1:4200/api (docs/operating.md)"
            )
        try:
            asyncio.run(self._run())
        except (httpx.HTTPError, RuntimeError) as error:
            raise UnusableInputError(
                f"Prefect's server at {server_address()} cannot be set up: {first_line(error)}. {REMEDY}"
            ) from error

    async def _run(self) -> None:
        async with get_client() as client:
            await self._pool(client)
            rate = self.declared.own.rate if self.rate is None else self.rate
            in_flight = self.declared.own.in_flight if self.in_flight is None else self.in_flight
            await Limits(client, self.report, self.dry_run).set(self.declared.sources, rate, in_flight)
            await self._secret_blocks()
            await self._automations(client)
            await self._deployments(client)

    async def _pool(self, client: PrefectClient) -> None:
        try:
            await client.read_work_pool(POOL)
        except ObjectNotFound:
            self.report(f"work pool {POOL}: new")
            if not self.dry_run:
                await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)

    async def _secret_blocks(self) -> None:
        """Save each key and token in its block, if both the secret and the name of the block are set."""
        of_sources = [settings_of(one) for one in self.declared.sources]
        for settings, name in itertools.product(of_sources or [self.settings], BLOCKS):
            block_name, secret = getattr(settings, f"{name}_block"), getattr(settings, name)
            if not (block_name and secret):
                continue
            what = "the key" if name == "api_key" else "the access token"
            variable = f"AVATAR_TASKS_{name.upper()}"
            self.report(f"block secret/{block_name} gets {what}; workers do not need {variable}")
            if not self.dry_run:
                block: Any = Secret(value=secret)
                await block.save(block_name, overwrite=True)

    async def _automations(self, client: PrefectClient) -> None:
        receiver = await notification_block(client)
        for one in self.declared.automations:
            await self._automation(client, automation(one, receiver))
        await self._remove_automations(client)
        if receiver is None:
            self.report(f"alerts are events on the server only: no notification block is named {ALERTS_BLOCK}")

    async def _remove_automations(self, client: PrefectClient) -> None:
        """Remove automations about missing runs of deployments that are gone, or now have a cron expression."""
        wanted = {one["name"] for one in self.declared.automations}
        for one in await client.read_automations():
            if one.name.startswith(NO_COLLECT) and one.name not in wanted:
                self.report(f"automation {one.name!r}: removed")
                if not self.dry_run:
                    await client.delete_automation(one.id)

    async def _automation(self, client: PrefectClient, wanted: AutomationCore) -> None:
        """Make sure that there is exactly one automation of this name; if it was disabled, it stays disabled."""
        current = await client.read_automations_by_name(wanted.name)
        if not current:
            self.report(f"automation {wanted.name!r}: new")
            if not self.dry_run:
                await client.create_automation(wanted)
            return
        wanted = wanted.model_copy(update={"enabled": current[0].enabled})
        if len(current) == 1 and is_same(wanted, current[0]):
            return
        self.report(f"automation {wanted.name!r}: updated")
        if not self.dry_run:
            await client.update_automation(current[0].id, wanted)
            for double in current[1:]:
                await client.delete_automation(double.id)

    async def _deployments(self, client: PrefectClient) -> None:
        current = {one.name: one for one in await client.read_deployments() if TAG in one.tags}
        before: dict[str, Values] = await read_variable(client, DECLARED_VARIABLE)  # when `setup-prefect` last ran
        decided: dict[str, Decided] = {}
        for name, deployment in self.declared.deployments.items():
            wanted, own = declared(deployment), self.declared.own.values.get(name, {})
            server = on_server(current[name]) if name in current else None
            decided[name] = decide(wanted, own, before.get(name), server)
            for line in [*decided[name].lines, *self._moved(deployment, current.get(name))]:
                self.report(f"deployment {name}: {line}")
        gone = [one for name, one in current.items() if name not in decided and _is_of_source(one)]
        for one in gone:
            self.report(f"deployment {one.name}: removed, because sources.toml no longer has its gateway")
        if self.dry_run:
            return
        await asyncio.to_thread(self._deploy, {name: one.values for name, one in decided.items()})
        for one in gone:
            await client.delete_deployment(one.id)
        await _use_this_python(client)
        await write_variable(
            client,
            DECLARED_VARIABLE,
            {
                name: replaced(declared(one), self.declared.own.values.get(name, {}))
                for name, one in self.declared.deployments.items()
            },
        )

    def _moved(self, deployment: dict[str, Any], current: DeploymentResponse | None) -> list[str]:
        if current is None:
            return []
        folder = str(current.job_variables.get("working_dir") or "nothing")
        pairs = [("flow", current.entrypoint, deployment["entrypoint"]), ("folder", folder, str(self.declared.folder))]
        return [f"{what}: {before} -> {now}" for what, before, now in pairs if before != now]

    def _deploy(self, values: dict[str, Values]) -> None:
        """Let Prefect deploy prefect.yaml with these values.

        Raises:
            AvatarTasksError: when Prefect refuses.
        """
        deployments = [with_values(one, values[name]) for name, one in self.declared.deployments.items()]
        project = self.declared.project | {"deployments": deployments}
        with tempfile.TemporaryDirectory() as folder:
            rendered = Path(folder) / "prefect.yaml"
            rendered.write_text(yaml.safe_dump(project, sort_keys=False, allow_unicode=True), encoding="utf-8")
            command = [
                sys.executable,
                "-m",
                "prefect",
                "--no-prompt",
                "deploy",
                "--all",
                "--prefect-file",
                str(rendered),
            ]
            env = os.environ | {"PWD": str(self.declared.folder)}
            done = subprocess.run(  # noqa: S603 - our own command
                command, cwd=self.declared.folder, env=env, capture_output=True, text=True, check=False
            )
        if done.returncode:
            words = (done.stderr + done.stdout).strip().splitlines()
            raise AvatarTasksError(f"Prefect refused to deploy: {words[-1] if words else 'it printed no reason'}")


def _is_of_source(deployment: DeploymentResponse) -> bool:
    return any(tag.startswith(SOURCE_TAG) for tag in deployment.tags)


async def _use_this_python(client: PrefectClient) -> None:
    """Let runs use the Python that runs this command, if it is not the one of `make setup` that prefect.yaml names."""
    command = f"{shlex.quote(sys.executable)} -m prefect.engine"
    for one in await client.read_deployments():
        if TAG in one.tags and one.job_variables.get("command") != command:
            await client.update_deployment(
                one.id, DeploymentUpdate(job_variables=one.job_variables | {"command": command})
            )
