"""`check` for the Prefect server in use: whether it answers and has what the deployments need. It changes nothing."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Final

import httpx
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows._prefect.flow_run import with_secrets
from flows._prefect.server import REMEDY, no_answer, server_address, short_client
from flows._prefect.setup import POOL, TAG, declarations_folder, read_declared
from flows._prefect.shared_rate import IN_FLIGHT_NAME, LIMIT_NAME, read_limit
from pipeline.check.finding import Finding, error
from pipeline.errors import ExitCode, UnusableInputError
from pipeline.settings import BLOCKS, secrets_in_blocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from prefect.client.orchestration import PrefectClient

    from pipeline.settings import Settings

_AREA: Final = "Prefect"
_SET_UP: Final = "Run `avatar-tasks setup-prefect`"


def check_server(settings: Sequence[Settings], folder: Path) -> tuple[Sequence[Settings | None], list[Finding]]:
    """The settings with the secrets from Prefect blocks, or None if a secret is missing; and the findings.

    Args:
        settings: the settings of each gateway.
        folder: the working folder, whose prefect.yaml lists the deployments that should exist.
    """
    return asyncio.run(_check(settings, folder))


async def _check(settings: Sequence[Settings], folder: Path) -> tuple[Sequence[Settings | None], list[Finding]]:
    address = server_address()
    without_blocks = [None if secrets_in_blocks(one) else one for one in settings]
    if not address:
        remedy = "export PREFECT_API_URL=http://127.0.0.1:4200/api (docs/operating.md)"
        text = "a setting names a Prefect block for a secret, but no Prefect server is set"
        return without_blocks, [error(_AREA, "block", text, remedy)]
    # Prefect reads its environment once, when it is imported; here the address that is set now must be checked.
    with temporary_settings({PREFECT_API_URL: address}):
        client = short_client()
    async with client:
        problem = await no_answer(client)
        if problem is not None:
            text = f"no answer from {address}: {problem}"
            return without_blocks, [error(_AREA, "server", text, REMEDY, ExitCode.UNREACHABLE)]
        found = [Finding(_AREA, "server", "ok", address)]
        try:
            found += [one async for one in _on_server(client, settings, folder)]
        except httpx.HTTPError as failure:
            found.append(error(_AREA, "server", f"it fails: {failure}", "See its log", ExitCode.UNREACHABLE))
            return without_blocks, found
        return [await _with_secrets(one, found) for one in settings], found


async def _with_secrets(settings: Settings, found: list[Finding]) -> Settings | None:
    try:
        return await with_secrets(settings)
    except (UnusableInputError, httpx.HTTPError) as failure:
        found.append(error(_AREA, "block", str(failure), f"{_SET_UP} with the secret in the environment"))
        return None


async def _on_server(client: PrefectClient, settings: Sequence[Settings], folder: Path) -> AsyncIterator[Finding]:
    yield await _pool(client)
    for one in settings:
        yield await _limits(client, one)
    yield await _deployments(client, folder)
    for one, name in itertools.product(settings, BLOCKS):
        if block := getattr(one, f"{name}_block"):
            yield Finding(_AREA, "block", "info", f"{block} is the block for {name.upper()}")


async def _pool(client: PrefectClient) -> Finding:
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        return error(_AREA, "pool", f"there is no work pool {POOL}", _SET_UP)
    if pool.is_paused:
        remedy = f"`prefect work-pool resume {POOL}`"
        return Finding(_AREA, "pool", "warning", f"{POOL} is paused: nothing runs", remedy)
    workers = [one.name for one in await client.read_workers_for_work_pool(POOL) if one.status == "ONLINE"]
    if not workers:
        remedy = f"`prefect worker start --pool {POOL}`"
        return Finding(_AREA, "pool", "warning", f"{POOL} has no worker: nothing runs", remedy)
    return Finding(_AREA, "pool", "ok", f"{POOL} with {len(workers)} workers")


async def _limits(client: PrefectClient, settings: Settings) -> Finding:
    limits = [
        limit
        for name in (LIMIT_NAME, IN_FLIGHT_NAME)
        if (limit := await read_limit(client, name, settings.source)) is not None
    ]
    if settings.rate and not any(one.name.startswith(LIMIT_NAME) for one in limits):
        text = f"RATE is {settings.rate:g}, but there is no limit {LIMIT_NAME}: every worker may send that many"
        return Finding(_AREA, "limits", "warning", text, f"{_SET_UP} --rate {settings.rate:g}")
    words = [f"{one.name}: {one.limit} slots, {one.slot_decay_per_second:g} of them freed per second" for one in limits]
    return Finding(_AREA, "limits", "ok", "; ".join(words) or "none")


async def _deployments(client: PrefectClient, folder: Path) -> Finding:
    there = {one.name: one for one in await client.read_deployments() if TAG in one.tags}
    wanted = set(read_declared(declarations_folder(folder)).deployments)
    if missing := sorted(wanted - there.keys()):
        return error(_AREA, "deployments", f"not deployed: {', '.join(missing)}", _SET_UP)
    paused = sorted(name for name in wanted if there[name].paused)
    return Finding(
        _AREA, "deployments", "ok", ", ".join(sorted(wanted)) + (f" (paused: {', '.join(paused)})" if paused else "")
    )
