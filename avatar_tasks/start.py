"""Start a run: as a Prefect flow if there is a Prefect server, or else directly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flows._prefect.quiet import quiet_prefect
from pipeline import interrupts
from pipeline import run as runs
from pipeline.collect.accept import check_given
from pipeline.collect.client import gateway_address
from pipeline.collect.collect import CollectRun
from pipeline.data_folder import begin_folder
from pipeline.errors import UnusableInputError
from pipeline.settings import secrets_in_blocks

if TYPE_CHECKING:
    from pipeline.collect.request import CollectRequest
    from pipeline.collect.summary import Summary
    from pipeline.run import Reporter
    from pipeline.settings import Settings


def start(settings: Settings, request: CollectRequest, reporter: Reporter, *, prefect: bool | None = None) -> Summary:
    """Collect, and return the summary.

    A Prefect server makes runs visible, but a run does not need one, and a temporary one takes ten seconds to start. So
    Prefect is used if PREFECT_API_URL is set, a block holds a secret, or `prefect` is True; not if `prefect` is False.

    Raises:
        AvatarTasksError, WarehouseError: see `CollectRun.collect`.
    """
    gateway_address(settings)  # fails before a folder is created for a run that cannot work
    run = runs.begin(settings, "collect", reporter=reporter)
    begin_folder(run, scheduled=False, check=lambda: check_given(run, request))
    wanted = bool(os.environ.get("PREFECT_API_URL") or secrets_in_blocks(settings)) if prefect is None else prefect
    if wanted:
        quiet_prefect()
        from flows.collect import run_as_flow

        return run_as_flow(run, request)
    for name in secrets_in_blocks(settings):
        msg = f"AVATAR_TASKS_{name}_BLOCK is a Prefect block, which --no-prefect cannot read: set AVATAR_TASKS_{name}"
        raise UnusableInputError(msg)
    return interrupts.run(CollectRun(run, request).collect())


def begin_for_all(settings: Settings, reporter: Reporter) -> None:
    """Create the data folder of several gateways, if it is missing, before any of their runs starts.

    Raises:
        UnusableInputError, ArchiveError: see `begin_folder`.
    """
    begin_folder(runs.begin(settings, "begin", reporter=reporter), scheduled=False)
