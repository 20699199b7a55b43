"""Retention drops what is old, and nothing because a clock says so, or that is still polled."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.warehouse.answers import RUNNING, START, SUCCESS_WITH_WORK, Answer, Request, file_of
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.maintenance.conftest import NOW, day
from warehouse.backends.choose import reader
from warehouse.database.publish import publish
from warehouse.errors import RetentionRefusedError
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.maintain import maintain_file
from warehouse.maintenance.retention import plan_retention

if TYPE_CHECKING:
    from datetime import datetime

    from warehouse.maintenance.findings import Maintained


def run(site: Site, now: datetime, retain_days: int, *, accept_loss: bool = False) -> Maintained:
    work = Derivation(site.paths, site.store, DEFAULTS, site.policy, 1)
    return maintain_file(work, now, retain_days, accept_loss=accept_loss)


def files(site: Site) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in sorted(site.paths.archive.rglob("*.parquet"))}


def check_refused(site: Site, now: datetime, retain_days: int, words: str) -> None:
    """In the same words as by a dry run; the archive is as it was, to the byte."""
    before = files(site)
    with pytest.raises(RetentionRefusedError, match=f"nothing was dropped: .*{words}.*--accept-loss"):
        run(site, now, retain_days)
    assert files(site) == before
    planned = plan_retention(site.paths, site.store, now, retain_days)
    assert planned.refusal is not None
    with reader(site.paths) as con:
        [(tasks,)] = con.execute("select count(*) from tasks").fetchall()
    assert tasks == 4


@pytest.mark.parametrize("days", [35, 365, 730])
def test_nothing_is_dropped_when_nothing_would_remain(three_days: Site, days: int) -> None:
    """A clock that is two years ahead made an empty archive of a full one."""
    check_refused(three_days, NOW + timedelta(days=days), 16, "nothing would remain.*2026-02-04.*Is the clock right")


def test_nothing_is_dropped_long_after_the_newest_segment(three_days: Site) -> None:
    """Retention may be longer than the clock is wrong."""
    check_refused(
        three_days, NOW + timedelta(days=40), 50, "the clock says 2026-03-21.*newest segment is of 2026-02-04"
    )


def test_nothing_is_dropped_across_a_gap(three_days: Site) -> None:
    """By a clock that is ahead a run may have archived already, so that the newest segment is of today."""
    later = START + timedelta(days=80)
    three_days.archive([Answer("late", later, SUCCESS_WITH_WORK)])
    day(80, three_days, "late")
    three_days.load()
    publish(three_days.paths, 5)
    with pytest.raises(RetentionRefusedError, match="nothing was archived between 2026-02-04 and 2026-04-10"):
        run(three_days, later, 16)


def test_ids_that_are_still_polled_are_not_forgotten(site: Site) -> None:
    """They are named; an id that was seen again since, or has ended, holds nothing up."""
    running = [Answer(task, START + timedelta(minutes=5), RUNNING) for task in ("still", "again", "ended")]
    site.archive(running, [Request(one.task_id, START) for one in running])
    day(6, site, "ended", "other")
    at = START + timedelta(days=6)
    seen = file_of(site.archive([Answer("again", at, RUNNING)])[0])
    seen.rename(seen.parent.with_name(f"{at:%Y-%m-%d}") / seen.name)
    site.load()
    with pytest.raises(RetentionRefusedError, match=r"1 ids that are still polled would be forgotten \(still\)"):
        run(site, at, 3)
    assert run(site, at, 3, accept_loss=True).dropped_days == ["2026-01-20"]
    with reader(site.paths) as con:
        assert con.execute("select task_id from tasks order by all").fetchall() == [("again",), ("ended",), ("other",)]


def test_a_dry_run_says_what_would_go_and_changes_nothing(three_days: Site) -> None:
    """And then that goes."""
    publish(three_days.paths, 5)
    before = files(three_days)
    planned = plan_retention(three_days.paths, three_days.store, NOW, 16)
    assert (planned.not_before, planned.days, planned.refusal) == ("2026-01-24", ["2026-01-20"], None)
    assert (planned.segments, planned.answers, planned.ids) == (3, 4, 2)
    assert planned.bytes == sum(len(content) for name, content in before.items() if "/2026-01-20/" in name)
    assert files(three_days) == before
    assert run(three_days, NOW, 16).dropped_days == planned.days
    assert plan_retention(three_days.paths, three_days.store, NOW, 16).days == []


def test_an_accepted_loss_is_dropped(three_days: Site) -> None:
    """With `--accept-loss` it is done anyway."""
    later = NOW + timedelta(days=730)
    assert len(run(three_days, later, 16, accept_loss=True).dropped_days) == 3
