"""How a process of this program starts: its files are private, garbage is collected less often, less is imported.

All of it lasts until the process ends. Processes that this program does not start, e.g. Prefect's workers, are not
changed.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import Final

from pipeline.file_mode import keep_private
from warehouse.environment import PREFIX
from warehouse.machine import be_frugal_if_short

#: How many new objects trigger a collection of the youngest generation, and how many collections trigger one of the
#: older ones; Python's defaults are 700, 10 and 10. Imports create hundreds of thousands of objects, and requests in
#: flight thousands that are still in use.
#: Without this, and the freeze below, collecting 20,000 ids takes 1.11 times the CPU (median of five rounds in turn).
_THRESHOLDS: Final = (10_000, 20, 20)


def set_up_process() -> None:
    """Set up this process, until it ends."""
    keep_private()
    be_frugal_if_short(os.environ.get(f"{PREFIX}MEMORY", ""))
    gc.set_threshold(*_THRESHOLDS)
    # httpx imports its own command line if click and rich are installed: a third of its 0.15 s of CPU. None in
    # sys.modules means that the module is missing, and httpx then works without it.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    atexit.register(gc.freeze)  # skip the last garbage collection: the system frees all memory when the process ends
