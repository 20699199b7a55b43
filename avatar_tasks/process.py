"""How a process of ours starts: what it creates is private, garbage is collected less often, less is imported.

All of it lasts until the process ends. What a library does by itself in some other one, e.g. a worker of Prefect, stays
as it is.
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

#: New objects until the youngest generation is collected, and after how many collections the older ones are; Python has
#: 700, 10 and 10. Imports make objects by the hundred thousand, and requests in flight thousands that are still in use.
#: Without this, and the freeze below, collecting 20,000 ids takes 1.11 times the CPU (median of five rounds in turn).
_THRESHOLDS: Final = (10_000, 20, 20)


def set_up_process() -> None:
    """For the rest of this process."""
    keep_private()
    be_frugal_if_short(os.environ.get(f"{PREFIX}MEMORY", ""))
    gc.set_threshold(*_THRESHOLDS)
    # httpx imports its own command line where click and rich are installed: a third of its 0.15 s of CPU. This is how
    # Python says that a module is not there, and httpx then does without.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    atexit.register(gc.freeze)  # the system takes everything back as a process ends: without a last garbage collection
