"""`setup-prefect`: everything on the Prefect server in use that the deployments need; run it again after any change.

Prefect's own commands are not all made to be repeated: `automation create` makes a second one, `gcl create` and
`work-pool create` fail, and `deploy` starts schedules again that somebody has paused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml  # type: ignore[import-untyped]  # a need of Prefect's, which ships no types
from prefect.blocks import notifications  # noqa: F401 - so that their types are known
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate, GlobalConcurrencyLimitUpdate, WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from flows._prefect.shared_rate import IN_FLIGHT_NAME, LIMIT_NAME, bucket_for
from pipeline.errors import AvatarTasksError, UnusableInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient

    from flows._prefect.shared_rate import Bucket
    from pipeline.settings import Settings

POOL: Final = "avatar-tasks"
ALERTS_BLOCK: Final = "avatar-tasks-alerts"
TAG: Final = "avatar-tasks"
DECLARATIONS: Final = ("prefect.yaml", "automations.yaml")


def declarations_folder(working_folder: Path) -> Path:
    """The working folder where it holds the declarations, else the checkout that the program is installed from."""
    here = all((working_folder / name).exists() for name in DECLARATIONS)
    return working_folder if here else Path(__file__).resolve().parents[2]


def set_up(settings: Settings, folder: Path, say: Callable[[str], None], *, in_flight: int | None = None) -> None:
    """Create or bring up to date work pool, limits, blocks, automations and deployments.

    Args:
        settings: `RATE` becomes the limit that all workers share; a key goes to the block it is to be in.
        folder: where `prefect.yaml` and `automations.yaml` are.
        say: told what was done.
        in_flight: most requests in flight over all workers; None leaves each run its own `CONCURRENCY`.

    Raises:
        UnusableInputError: when a file is not there, or no server is set or answers.
        AvatarTasksError: when Prefect refuses to deploy.
    """
    for name in DECLARATIONS:
        if not (folder / name).exists():
            msg = f"there is no {name} in {folder}: run this in a checkout of avatar-tasks, or in its image"
            raise UnusableInputError(msg)
    if not os.environ.get("PREFECT_API_URL"):
        msg = "no Prefect server is set: export PREFECT_API_URL=http://127.0.0.1:4200/api (docs/operating.md)"
        raise UnusableInputError(msg)
    try:
        declarations = yaml.safe_load((folder / "automations.yaml").read_text(encoding="utf-8"))["automations"]
        asyncio.run(_set_up(settings, folder, declarations, say, in_flight))
    except (httpx.HTTPError, RuntimeError) as error:
        msg = f"Prefect's server at {os.environ['PREFECT_API_URL']} does not do it: {str(error).splitlines()[0]}"
        raise UnusableInputError(msg) from error


async def _set_up(
    settings: Settings,
    folder: Path,
    declarations: list[dict[str, Any]],
    say: Callable[[str], None],
    in_flight: int | None,
) -> None:
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        say(f"work pool {POOL}")
        await _limits(client, settings, in_flight, say)
        await _key_block(settings, say)
        await _automations(client, declarations, say)
        paused = await _paused(client)
        await asyncio.to_thread(_deploy, folder)
        await _use_this_python(client)
        await _pause_again(client, paused, say)
        for deployment in await client.read_deployments():
            if TAG in deployment.tags:
                say(f"deployment {deployment.name}")


async def _limits(client: PrefectClient, settings: Settings, in_flight: int | None, say: Callable[[str], None]) -> None:
    if settings.rate is None:
        await _forget_limit(client, LIMIT_NAME)
    else:
        await _keep_rate(client, bucket_for(settings.rate))
        say(f"global limit {LIMIT_NAME}: at most {settings.rate:g} requests a second over all workers")
    if in_flight is None:
        await _forget_limit(client, IN_FLIGHT_NAME)
    else:
        await client.upsert_global_concurrency_limit_by_name(IN_FLIGHT_NAME, in_flight)
        say(f"global limit {IN_FLIGHT_NAME}: at most {in_flight} requests in flight over all workers")


async def _keep_rate(client: PrefectClient, bucket: Bucket) -> None:
    """A bucket that changes is empty, for what a fast one holds would take a slow one minutes to drain."""
    with contextlib.suppress(ObjectNotFound):
        standing = await client.read_global_concurrency_limit_by_name(LIMIT_NAME)
        if (standing.limit, standing.slot_decay_per_second) == (bucket.slots, bucket.per_second):
            return
    await client.upsert_global_concurrency_limit_by_name(LIMIT_NAME, bucket.slots, bucket.per_second)
    await client.update_global_concurrency_limit(LIMIT_NAME, GlobalConcurrencyLimitUpdate(active_slots=0))


async def _forget_limit(client: PrefectClient, name: str) -> None:
    with contextlib.suppress(ObjectNotFound):
        await client.delete_global_concurrency_limit_by_name(name)


async def _key_block(settings: Settings, say: Callable[[str], None]) -> None:
    """Put the key into the block that is to hold it, where both are set."""
    if settings.api_key_block and settings.api_key:
        block: Any = Secret(value=settings.api_key)
        await block.save(settings.api_key_block, overwrite=True)
        say(f"block secret/{settings.api_key_block} holds the key; AVATAR_TASKS_API_KEY is not needed by workers")


async def _automations(client: PrefectClient, declarations: list[dict[str, Any]], say: Callable[[str], None]) -> None:
    receiver = await _receiver(client)
    for declared in declarations:
        actions = [_told(receiver, declared) if one["type"] == "do-nothing" else one for one in declared["actions"]]
        wanted = AutomationCore.model_validate(declared | {"actions": actions})
        standing = [one.id for one in await client.read_automations_by_name(wanted.name)]
        if standing:
            await client.update_automation(standing[0], wanted)
        else:
            await client.create_automation(wanted)
        for twin in standing[1:]:
            await client.delete_automation(twin)
        say(f"automation {wanted.name}")
    if receiver is None:
        say(
            f"alerts are events on the server; a notification block named {ALERTS_BLOCK} sends them (docs/operating.md)"
        )


async def _receiver(client: PrefectClient) -> UUID | None:
    """The notification block, of whatever type, that alerts are sent with."""
    kinds = {kind.get_block_type_slug() for kind in _notification_blocks(NotificationBlock)}
    found = [
        one
        for one in await client.read_block_documents()
        if one.name == ALERTS_BLOCK and one.block_type is not None and one.block_type.slug in kinds
    ]
    return found[0].id if found else None


def _notification_blocks(base: type[Any]) -> list[type[Any]]:
    return [deeper for kind in base.__subclasses__() for deeper in (kind, *_notification_blocks(kind))]


def _told(receiver: UUID | None, declared: dict[str, Any]) -> dict[str, Any]:
    if receiver is None:
        return {"type": "do-nothing"}
    where = "{% if deployment %}Deployment {{ deployment.name }}, r{% else %}R{% endif %}un {{ flow_run.name }}"
    body = f"{{{{ event.payload.sentence | default(event.resource.name) }}}}\n\n{declared['description']}\n\n{where}"
    return {
        "type": "send-notification",
        "block_document_id": str(receiver),
        "subject": str(declared["name"]),
        "body": body,
    }


async def _paused(client: PrefectClient) -> set[tuple[str, str | None]]:
    """Schedules that somebody has paused, by deployment and slug."""
    return {
        (one.name, schedule.slug)
        for one in await client.read_deployments()
        if TAG in one.tags
        for schedule in one.schedules
        if not schedule.active
    }


async def _pause_again(client: PrefectClient, paused: set[tuple[str, str | None]], say: Callable[[str], None]) -> None:
    for one in await client.read_deployments():
        for schedule in one.schedules:
            if (one.name, schedule.slug) in paused and schedule.id is not None:
                await client.update_deployment_schedule(one.id, schedule.id, active=False)
                say(f"schedule {schedule.slug} of {one.name} stays paused")


async def _use_this_python(client: PrefectClient) -> None:
    """prefect.yaml names the Python of `make setup`; runs use the one that sets up, where that is another."""
    command = f"{shlex.quote(sys.executable)} -m prefect.engine"
    for one in await client.read_deployments():
        if TAG in one.tags and one.job_variables.get("command") != command:
            await client.update_deployment(
                one.id, DeploymentUpdate(job_variables=one.job_variables | {"command": command})
            )


def _deploy(folder: Path) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, env=os.environ | {"PWD": str(folder)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stderr + done.stdout).strip().splitlines()
        msg = f"Prefect refused to deploy: {words[-1] if words else 'it does not say why'}"
        raise AvatarTasksError(msg)
