"""What `setup-prefect` remembers between its runs: variables on Prefect's server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.client.schemas.actions import VariableCreate, VariableUpdate

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


async def read_variable(client: PrefectClient, name: str) -> dict[str, Any]:
    """The object that a variable holds; empty where there is none."""
    variable = await client.read_variable_by_name(name)
    return variable.value if variable is not None and isinstance(variable.value, dict) else {}


async def write_variable(client: PrefectClient, name: str, value: dict[str, Any]) -> None:
    """Let a variable hold this object."""
    if await client.read_variable_by_name(name) is None:
        await client.create_variable(VariableCreate(name=name, value=value))
    else:
        await client.update_variable(VariableUpdate(name=name, value=value))
