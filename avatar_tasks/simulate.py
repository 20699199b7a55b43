"""`simulate`: only the simulated gateway, to try commands against it from another terminal."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from gateway.wire.endpoints import TASK_PATH
from pipeline.errors import UnusableInputError
from simulator import Account, Callbacks, SimClock, SimulatedGateway, World, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: How far behind the real clock an accelerated simulated clock begins; it runs faster until it has caught up.
LAG_SECONDS: Final = 900.0

#: The user id of the account whose tasks are listed.
USER_ID: Final = "7"


def simulate(
    *,
    port: int,
    tasks: int,
    seed: int,
    speed: float,
    key: str | None,
    account: str | None,
    task_path: str,
    callbacks: str | None,
    faults: float,
    ids_out: Path | None,
    notify: Callable[[str], None],
) -> None:
    """Serve a made-up week of `tasks` tasks until Ctrl-C.

    Raises:
        UnusableInputError: when the ids cannot be written, the port is taken, or the path does not end with the id.
    """
    path = _before_id(task_path)
    clock = SimClock(lag_seconds=LAG_SECONDS if speed > 1 else 0, speed=speed)
    world = World.recent(seed=seed, tasks=tasks, now=clock(), with_causes=True)
    listed = Account(account, USER_ID) if account else None
    app = SimulatedGateway(world, key=key, clock=clock, path=path, faults=faults, account=listed)
    if ids_out:
        _write_ids(ids_out, world)
    if callbacks:
        poster = Callbacks(world, clock, callbacks, lost_share=0.05, twice_share=0.05, late_share=0.05)
        threading.Thread(target=poster.keep_posting, args=(threading.Event(),), daemon=True).start()
    try:
        run(app, port, on_ready=lambda url: notify(_greeting(url, key, account, task_path)))
    except OSError as error:
        msg = f"cannot serve on port {port}: {error.strerror or error}. Try --port 0 for a free port"
        raise UnusableInputError(msg) from error


def _write_ids(path: Path, world: World) -> None:
    try:
        path.write_text("".join(f"{task_id}\n" for task_id in world.ids), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write the ids to {path}: {error.strerror or error}. Give another --ids-out"
        raise UnusableInputError(msg) from error


def _before_id(task_path: str) -> str:
    path, _, rest = task_path.partition("{id}")
    if not path.startswith("/") or "{id}" not in task_path or rest:
        raise UnusableInputError(f"--task-path {task_path!r} cannot be used: give e.g. /v1/videos/{{id}}")
    return path


def _greeting(url: str, key: str | None, account: str | None, task_path: str) -> str:
    listed = f"\n  export AVATAR_TASKS_ACCESS_TOKEN={account} AVATAR_TASKS_USER_ID={USER_ID}" if account else ""
    listed += "" if task_path == TASK_PATH else f"\n  export AVATAR_TASKS_TASK_PATH={task_path}"
    return (
        f"simulated gateway at {url}; Ctrl-C stops it. In another terminal, run:\n"
        f"  export AVATAR_TASKS_BASE_URL={url} AVATAR_TASKS_API_KEY={key or 'any'}{listed}"
    )
