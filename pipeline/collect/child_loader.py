"""Runs `avatar-tasks load` as a child process: in one process the GIL would let requests and loading only alternate.

Nothing depends on it: what it has not loaded is loaded at the end of the run, or by the next run. If the run is
killed, the child finishes its load, which takes a few seconds at most, and ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.sources.choose import secret_variables
from warehouse.environment import PREFIX, SECRETS
from warehouse.load.loader import Loaded

if TYPE_CHECKING:
    from pipeline.run import Run

#: The installed command, which finds its packages from any working folder.
COMMAND: Final = (str(Path(sysconfig.get_path("scripts"), "avatar-tasks")), "load", "--no-publish", "--json", "--run")


def load_in_child(run: Run) -> Loaded:
    """Load what the run has archived by now, and what it archives meanwhile; see `pipeline.load_command.load`.

    The result is empty if the warehouse is locked or cannot be written to (the run warns of that at its end), or if the
    child fails (which is warned of here). The child has its own process group, so that Ctrl-C reaches only the run.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [*COMMAND, run.run_id],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=child_environment(run),
            process_group=0,
            check=False,
        )
    except OSError as error:
        run.warn_once(f"`{COMMAND[0]} load` cannot be started ({error}): everything is loaded at the end of the run")
        return Loaded()
    result = _json_object(done.stdout)
    if "segments_loaded" not in result:
        run.warn_once(f"`avatar-tasks load` failed ({_reason(done, result)}): the rest is loaded at the end of the run")
        return Loaded()
    for damaged in result["damaged"]:
        run.warn_once(damaged)
    return Loaded(result["segments_loaded"], result["answers_loaded"])


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:  # it was killed
        return {}


def _reason(done: subprocess.CompletedProcess[bytes], result: dict[str, Any]) -> str:
    """The child's error, or else the last line that it wrote, or else its exit code."""
    lines = done.stderr.decode(errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), f"exit code {done.returncode}")
    return str(result.get("error", last))


def child_environment(run: Run) -> dict[str, str]:
    """The child's environment: without secrets, and with the run's settings that say where and what to load.

    The settings are passed because they may come from options or belong to a demo, and so differ from `.env`.
    """
    settings, paths = run.settings, run.paths
    here = {
        "data_dir": paths.root,
        "archive": paths.storage,
        "give_up_after": settings.give_up_after.total_seconds(),
        "poll_min": settings.poll_min,
        "lock_wait": 0,
        "load_processes": 1,  # the run itself has the other core
        "source": settings.source,
        "accept_other_ids": settings.accept_other_ids,
        **run.warehouse.settings,
    }
    set_here = {f"{PREFIX}{name}".upper(): str(value) for name, value in here.items()}
    named = secret_variables()
    inherited = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(SECRETS) and name not in named
    }
    return {name: value for name, value in inherited.items() if name.upper() not in set_here} | set_here
