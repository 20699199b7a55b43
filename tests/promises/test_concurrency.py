"""Everything at once on one data directory: the tables end as after one thing after the other; no reader is refused."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.promises.crowd import Crowd, Reader, Seen

if TYPE_CHECKING:
    from tests.promises.conftest import Besiege, Figures
    from tests.promises.siege import Siege

READERS = 2


def all_at_once(siege: Siege, seconds: float, *more: str) -> tuple[Crowd, list[Seen]]:
    """Three collects, one of them in a hurry, a rebuild, a publish loop, and readers; then all must be in order."""
    assert siege.do("collect") == 0
    readers = [Reader(siege, number) for number in range(READERS)]
    with ExitStack() as stack, Crowd(siege, hours_per_second=0.25 / seconds) as crowd:
        for reader in readers:
            stack.enter_context(reader.reading())
        crowd.add("first collect", "collect")
        crowd.add("second collect", "collect")
        crowd.add("collect in a hurry", "collect", lock_wait=0)
        crowd.add("rebuild", "rebuild")
        crowd.add("publish", "publish")
        for command in more:
            crowd.add(command, command)
        crowd.go_on(seconds)
    siege.inspect()
    siege.end()
    return crowd, [reader.seen() for reader in readers]


def check(crowd: Crowd, seen: list[Seen]) -> None:
    """Every command has run, and none saw anything that is not promised."""
    assert {name for name in crowd.ended if not name.endswith("held")} >= {"first collect", "rebuild", "publish"}
    assert [one.refused + one.wrong for one in seen] == [[]] * READERS
    assert all(1 < one.copies <= one.reads for one in seen)


def test_collects_a_rebuild_publications_and_readers_at_once_end_as_one_after_the_other(besiege: Besiege) -> None:
    """For a second or two; `make soak` does it for a minute, with `maintain` among them."""
    check(*all_at_once(besiege(300), 1))


@pytest.mark.soak
def test_everything_at_once_for_a_minute(besiege: Besiege, figures: Figures) -> None:
    """Equal to a serial load of the archive and to what the world knows."""
    siege = besiege(10_000)
    crowd, seen = all_at_once(siege, 60, "maintain")
    check(crowd, seen)
    figures(
        "everything at once for a minute",
        f"{dict(sorted(crowd.ended.items()))}; {sum(one.reads for one in seen):,} reads of "
        f"{max(one.copies for one in seen):,} copies, 0 refused, 0 of half a load; {len(siege.seen.accepted):,} ids "
        f"accepted, {siege.app.total_calls:,} requests, {len(siege.seen.answers):,} answers kept; 0 lost, 0 twice",
    )
