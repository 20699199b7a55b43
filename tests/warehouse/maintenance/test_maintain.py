"""Maintenance: few segments, nothing older than wanted, proof of what a rebuild would give, and no harm to anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.warehouse import children
from tests.warehouse.answers import FAILURE, RUNNING, START, Answer, Request, file_of, minute
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.maintenance.conftest import NOW, run
from tests.warehouse.tables import column, contents
from warehouse.archive.active_runs import active_run
from warehouse.archive.atomic import UNFINISHED, atomic_write
from warehouse.backends.choose import reader
from warehouse.errors import WarehouseLockedError
from warehouse.maintenance import maintain as maintaining
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.findings import fingerprints
from warehouse.maintenance.maintain import maintain_file
from warehouse.maintenance.retention import plan_retention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse.archive.parquet import Kind

TAKE_LOCK = """
from pathlib import Path
from warehouse.database.locks import sole_writer
lock = sole_writer(Path(sys.argv[1]), 5)
lock.__enter__()
"""


def everything(site: Site) -> dict[str, list[str]]:
    with site.writer() as con:
        return contents(con) | {"segments": sorted(map(repr, con.execute("from segments").fetchall()))}


def days(site: Site, kind: Kind = "observations") -> list[str]:
    return [one.day for one in site.store.segments(kind)]


def test_everything_is_sound_and_small_segments_are_together(three_days: Site) -> None:
    """Tables stay as they are, what readers see too, and a second time there is nothing to do."""
    with three_days.writer() as con:
        before = contents(con)
    done = run(three_days)
    assert done.is_sound
    assert (done.before.segments, done.after.segments, done.joined, done.dropped_days) == (9, 6, 6, [])
    with reader(three_days.paths) as con:
        assert contents(con) == before
        assert column(con, "select count(*) from segments") == [6]
    again = run(three_days)
    assert (again.is_sound, again.joined, again.before, again.after) == (True, 0, done.after, done.after)


def test_what_is_too_old_is_forgotten_in_archive_and_tables_alike(three_days: Site) -> None:
    """As whole days; what is left is what a rebuild of the rest gives."""
    done = run(three_days, retain_days=16)
    assert (done.is_sound, done.dropped_days) == (True, ["2026-01-20"])
    assert days(three_days) == ["2026-01-25", "2026-02-04"]
    assert days(three_days, "requests") == ["2026-01-25", "2026-02-04"]
    with reader(three_days.paths) as con:
        assert column(con, "select task_id from tasks order by all") == ["t1", "t2", "t3"]
        assert column(con, "select json_path from schema_drift") == []
        assert column(con, "select distinct accepted - ended from id_accounting") == [0]
    before = everything(three_days)
    three_days.rebuild()
    assert everything(three_days) == before
    assert not list(three_days.paths.archive.rglob(f"{UNFINISHED}*"))


def test_a_day_is_dropped_when_all_of_it_is_too_old(tidied: Site) -> None:
    """NOW is three in the night of day 20: a day ago began day 19."""
    assert plan_retention(tidied.paths, tidied.store, NOW, 20).days == []
    assert run(tidied, retain_days=19).dropped_days == ["2026-01-20"]


def test_a_drop_that_fails_is_made_good_by_the_next(tidied: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the swap, between swap and drop, and before what was dropped is deleted: each next run continues."""
    for step, fails_at in (("swap_in", 1), ("drop_days", 1), ("discard", 2)):
        calls = iter(range(1, fails_at))

        def interrupt(*_: object, calls: Iterator[int] = calls) -> None:
            if next(calls, None) is None:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(maintaining, step, interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(tidied, retain_days=16)
        tidied.load()
        before = everything(tidied)
        tidied.rebuild()
        assert everything(tidied) == before, step
    done = run(tidied, retain_days=16)
    assert (done.is_sound, days(tidied)) == (True, ["2026-01-25", "2026-02-04"])
    assert not list(tidied.paths.archive.rglob(f"{UNFINISHED}*"))


def test_tables_that_a_rebuild_would_not_give_are_reported(tidied: Site) -> None:
    """With the rows here and there; nothing is dropped, and nothing is repaired without being asked."""
    with tidied.writer() as con:
        con.execute("update tasks set status = 'FAILURE' where task_id = 't2'")
        con.execute("delete from works where task_id = 't2'")
        con.execute("insert into quarantine by name select 'x' as reason")
    done = run(tidied, retain_days=16)
    assert {one.table: (one.rows, one.rows_rebuilt) for one in done.differences} == {
        "tasks": (4, 4),
        "works": (3, 4),
        "quarantine": (1, 0),
    }
    assert (done.is_sound, done.dropped_days) == (False, [])
    tidied.rebuild()
    assert run(tidied).is_sound


def test_missing_or_damaged_segments_are_reported_and_nothing_is_dropped(three_days: Site) -> None:
    """What the tables know of them is all there is; a backup may have the rest."""
    gone, damaged = three_days.store.segments("observations")[-2:]
    gone.path.unlink()
    file_of(damaged).write_bytes(b"")
    done = run(three_days, retain_days=16)
    assert done.lost == [gone.segment_id]
    assert [one.segment.segment_id for one in done.damaged] == [damaged.segment_id]
    assert done.dropped_days == []
    with three_days.writer() as con:
        assert column(con, "select count(*) from tasks") == [4]


def test_broken_rules_are_reported(tidied: Site) -> None:
    """As by hand: each names what is against it."""
    with tidied.writer() as con:
        con.execute("insert into tasks from tasks limit 1")
        con.execute("insert into requests by name select 'default' as source, 'nowhere' as task_id")
    broken = run(tidied).broken
    assert {"one row per task": 1, "every id accepted has ended, or is pending": 1}.items() <= broken.items()


def test_the_days_of_an_active_run_stay_unchanged(three_days: Site) -> None:
    """It may still count on its segments."""
    with active_run(three_days.paths.active_runs, START + timedelta(days=5)):
        assert run(three_days).joined == 2
        assert run(three_days, retain_days=8).dropped_days == ["2026-01-20"]
    assert run(three_days).joined == 4


@pytest.mark.e2e
def test_a_second_concurrent_maintain_is_refused(three_days: Site) -> None:
    """The second one names the active process."""
    before = everything(three_days)
    with (
        children.holding(TAKE_LOCK, three_days.paths.maintenance) as child,
        pytest.raises(WarehouseLockedError, match=str(child.pid)),
    ):
        run(three_days)
    assert everything(three_days) == before


@pytest.mark.e2e
def test_a_locked_warehouse_stays_unchanged(three_days: Site) -> None:
    """The lock holder is named, and the archive is unchanged."""
    names = sorted(path.name for path in three_days.paths.archive.rglob("*.parquet"))
    holding = "import duckdb; con = duckdb.connect(sys.argv[1])"
    with children.holding(holding, three_days.paths.warehouse) as child:
        with pytest.raises(WarehouseLockedError, match=str(child.pid)):
            run(three_days)
        assert sorted(path.name for path in three_days.paths.archive.rglob("*.parquet")) == names


def test_segments_archived_in_the_meantime_are_kept(three_days: Site) -> None:
    """Between its steps, wherever it does not hold the lock; also on a day that is being compacted."""
    arrived: list[str] = []

    def arrive(_done: int, _total: int) -> None:
        arrived.append(f"late-{len(arrived)}")
        if len(arrived) < 4:
            three_days.archive([Answer(arrived[-1], minute(9), FAILURE)], [Request(arrived[-1], minute(8))])

    work = Derivation(three_days.paths, three_days.store, DEFAULTS, three_days.policy, 1, arrive)
    assert maintain_file(work, NOW, None).is_sound
    assert len(arrived) > 4
    assert run(three_days).is_sound
    with three_days.writer() as con:
        found = column(con, "select task_id from tasks where starts_with(task_id, 'late') order by all")
    assert found == ["late-0", "late-1", "late-2"]


def test_files_of_killed_runs_are_removed(three_days: Site) -> None:
    """And what somebody is writing now is not."""
    folder = file_of(three_days.store.segments("observations")[0]).parent
    left = folder / f"{UNFINISHED}1-x.parquet"
    left.write_bytes(b"half")
    with atomic_write(folder / "y.parquet"):
        run(three_days)
        assert [path.name[-9:] for path in folder.glob(f"{UNFINISHED}*")] == ["y.parquet"]


def test_what_a_run_archives_while_tables_are_compared_is_no_difference(
    tidied: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live tables have been looked at by then, and what is derived beside them has not."""

    def archive_after(con: Any) -> Any:  # noqa: ANN401 - as the real one
        monkeypatch.undo()
        found = fingerprints(con)
        tidied.archive([Answer("meanwhile", minute(5), RUNNING)], [Request("meanwhile", minute(4))])
        return found

    monkeypatch.setattr(maintaining, "fingerprints", archive_after)
    assert run(tidied).differences == []
