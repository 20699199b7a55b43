"""A process that loads an archive into a lake, beside others that do the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.warehouse.conftest import DEFAULTS
from warehouse.backends.lake import LakeWriter
from warehouse.load import loader as load
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from threading import Barrier

    from warehouse.archive.segments import Archive
    from warehouse.ducklake.lake import Lake


def load_one_by_one(lake: Lake, store: Archive, first: int, together: Barrier) -> None:
    """All segments, each in a load of its own, beginning with the `first`, once all have come `together`."""
    segments = [one for kind in ("requests", "observations") for one in store.segments(kind)]
    with LakeWriter(lake, 60).open() as con:
        together.wait(60)
        for one in segments[first:] + segments[:first]:
            load.load(con, [one], DEFAULTS, PollingPolicy())
