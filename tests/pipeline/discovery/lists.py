"""A gateway with a list of tasks, and the command line that walks it; no ids file anywhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator import Account, ManualClock, SimulatedGateway, World, serve
from tests.command_line import KEY, CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN, USER = "account-token-that-opens-nothing", "7"


@dataclass(frozen=True)
class Listed:
    """A served gateway with its account, and the command line set up for both."""

    world: World
    account: Account
    app: SimulatedGateway
    clock: ManualClock
    command: CommandLine


def plain_world(tasks: int, *, days: float = 6, seed: int = 5, odd_share: float = 0.0) -> World:
    """Tasks of the last days, the last of which ended hours ago; all of them are envelopes, as a list has them."""
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    return World(seed=seed, tasks=tasks, start=end - timedelta(days=days), end=end, odd_share=odd_share)


@contextmanager
def listed(folder: Path, world: World, **account: Any) -> Iterator[Listed]:  # noqa: ANN401 - those of Account
    clock = ManualClock(world.all_terminal_at())
    one = Account(TOKEN, USER, **account)
    app = SimulatedGateway(world, key=KEY, clock=clock, account=one)
    with serve(app) as base_url:
        environment = {
            "AVATAR_TASKS_BASE_URL": base_url,
            "AVATAR_TASKS_API_KEY": KEY,
            "AVATAR_TASKS_ACCESS_TOKEN": TOKEN,
            "AVATAR_TASKS_USER_ID": USER,
        }
        yield Listed(world, one, app, clock, CommandLine(folder, environment))
