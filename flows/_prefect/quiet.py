"""Settings for Prefect before it is imported, so that the terminal shows this program's messages and not Prefect's.

A setting that is already in the environment is kept. docs/operating.md says what they save.
"""

from __future__ import annotations

import os
from typing import Final

QUIET: Final = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "60",
    "DO_NOT_TRACK": "1",
}


def quiet_prefect() -> None:
    """Has to be called before `prefect` is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
