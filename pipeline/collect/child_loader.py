"""`avatar-tasks load` as a child process of a run: in one process the GIL would run requests and loading alternately.

Nothing depends on it: what it has not loaded, however it ended, is loaded at the end of the run or by the next. When
the run is killed, it finishes the load that it was started for, some seconds at most, and ends.
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

if TYPE_CHECKING:
    from pipeline.run import Run

#: The command as installed, which finds its packages wherever it is started.
COMMAND: Final = (str(Path(sysconfig.get_path("scripts"), "avatar-tasks")), "load", "--no-publish", "--json", "--run")


def load_in_child(run: Run) -> int:
    """Load what the run has archived by now; returns the number of segments.

    It is 0 when the warehouse is locked or cannot be written to, of which the run warns at its end, and when the child
    fails, of which it warns here. The child is in a process group of its own, so that Ctrl-C is for the run alone.
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
        run.warn_once(f"`{COMMAND[0]} load` cannot be started ({error}): what it would load is loaded at the end")
        return 0
    result = _json_object(done.stdout)
    if "segments_loaded" not in result:
        run.warn_once(f"`avatar-tasks load` failed ({_reason(done, result)}): what it had to load is loaded at the end")
        return 0
    for damaged in result["damaged"]:
        run.warn_once(damaged)
    return int(result["segments_loaded"])


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:  # it was killed
        return {}


def _reason(done: subprocess.CompletedProcess[bytes], result: dict[str, Any]) -> str:
    """The error that it ended with, or what it wrote last, or its exit code."""
    lines = done.stderr.decode(errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), f"exit code {done.returncode}")
    return str(result.get("error", last))


def child_environment(run: Run) -> dict[str, str]:
    """The environment of the child: without secrets, and with the settings of the run that say where and what to load.

    They may have come as options, and a demo's are its own, whatever is in the environment or in `.env`.
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
