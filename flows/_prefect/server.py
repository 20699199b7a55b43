"""Prefect's server: whether it answers, the messages about that for all commands, and its variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import VariableCreate, VariableUpdate

from pipeline.errors import UnusableInputError

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

REMEDY: Final = "Start it (`prefect server start`), or correct PREFECT_API_URL"

_SECONDS: Final = 5.0


def server_address() -> str:
    """The address of the server that is set; empty if none is, and Prefect would start a temporary one."""
    return os.environ.get("PREFECT_API_URL", "")


def short_client() -> PrefectClient:
    """A client that does not wait long for an answer."""
    return get_client(httpx_settings={"timeout": _SECONDS})


async def no_answer(client: PrefectClient) -> str | None:
    """Why the server does not answer, in one line; None if it answers."""
    problem = await client.api_healthcheck()
    return None if problem is None else first_line(problem)


async def require_server() -> None:
    """Check that the server that is set answers; do nothing if none is set.

    Raises:
        UnusableInputError: when it does not answer.
    """
    if not (address := server_address()):
        return
    async with short_client() as client:
        problem = await no_answer(client)
    if problem is not None:
        msg = f"Prefect's server at {address} does not answer ({problem}). {REMEDY}, or collect with --no-prefect"
        raise UnusableInputError(msg)


def first_line(error: BaseException) -> str:
    """The first line of an error's message without the final punctuation mark; its class name if it has no message."""
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".!")


async def read_variable(client: PrefectClient, name: str) -> dict[str, Any]:
    """The JSON object in a variable; empty if there is none."""
    variable = await client.read_variable_by_name(name)
    return variable.value if variable is not None and isinstance(variable.value, dict) else {}


async def write_variable(client: PrefectClient, name: str, value: dict[str, Any]) -> None:
    """Create or update a variable with a JSON object."""
    if await client.read_variable_by_name(name) is None:
        await client.create_variable(VariableCreate(name=name, value=value))
    else:
        await client.update_variable(VariableUpdate(name=name, value=value))
