"""Garbage in cycles, which Python looks for by going through objects again and again."""

from __future__ import annotations

import atexit
import contextlib
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: New objects until the youngest are looked through, and after how many such looks older ones are. Python has 700, 10
#: and 10; the more requests are in flight, the more often it goes through what is still in use.
_THRESHOLDS: Final = (10_000, 20, 20)


@contextlib.contextmanager
def looked_for_seldom() -> Iterator[None]:
    """Until the block ends: less often, and not among what is there already, which is mostly modules."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def looked_for_little_by_commands() -> None:
    """For the rest of this process: less often, and not when it ends, for the system takes everything back anyway.

    While the libraries are imported that takes 0.05 s; at the end 0.06 s then, and 0.1 s after a run.
    """
    gc.set_threshold(*_THRESHOLDS)
    atexit.register(gc.freeze)
