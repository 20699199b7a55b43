"""The warehouse is disposable: it is derived again beside the live one, then takes its place."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.warehouse import children
from tests.warehouse.answers import RUNNING, SUCCESS_WITH_WORK, Answer, Request, file_of, minute
from tests.warehouse.conftest import DEFAULTS, Site
from tests.warehouse.tables import column, contents
from warehouse.archive.atomic import UNFINISHED
from warehouse.archive.compact import compact, remove_replaced
from warehouse.backends.choose import reader
from warehouse.database.publish import publish
from warehouse.errors import LossError, WarehouseLockedError, WarehouseOutdatedError
from warehouse.load.budget import Budget
from warehouse.maintenance import beside as rebuilding
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.rebuild import rebuild
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREIGN = "import duckdb; con = duckdb.connect(sys.argv[1])"


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(DataPaths(tmp_path_factory.mktemp("filled") / "data"))
    for number in range(3):
        site.archive([Answer(f"t{number}", minute(1), SUCCESS_WITH_WORK)], [Request(f"t{number}", minute(0))])
    site.load()
    return site


@pytest.fixture
def filled(site: Site, filled_once: Site) -> Site:
    """A site with some segments loaded."""
    return site.copy_of(filled_once)


def live(site: Site) -> dict[str, list[str]]:
    with site.writer() as con:
        return contents(con)


@contextmanager
def nothing_left_behind(site: Site) -> Iterator[None]:
    yield
    left = {path.name for path in site.paths.root.iterdir() if not path.name.endswith(".lock")}
    assert {name for name in left if name.startswith(UNFINISHED)} == set()


@pytest.mark.parametrize("damage", [b"", b"garbage" * 999, None], ids=["empty", "garbage", "gone"])
def test_a_damaged_warehouse_is_replaced(filled: Site, damage: bytes | None) -> None:
    """It and its log; and the new one is published."""
    before = live(filled)
    filled.paths.warehouse.unlink()
    if damage is not None:
        filled.paths.warehouse.write_bytes(damage)
    with nothing_left_behind(filled):
        assert filled.rebuild().segments == 6
    assert live(filled) == before
    with reader(filled.paths) as con:
        assert contents(con) == before


def test_a_new_file_is_opened_again_after_so_many_rows(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What DuckDB holds of an open file grows with what it took; the tables are those of a file opened once."""
    before = live(filled)
    opened: list[int] = []
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr(Budget, "portion_rows", 2)
    monkeypatch.setattr(rebuilding, "set_limit", lambda _con, limit: opened.append(limit))
    work = Derivation(filled.paths, filled.store, DEFAULTS, filled.policy, 5, lambda *step: steps.append(step))
    assert rebuild(work).segments == 6
    assert len(opened) == 1 + 3
    assert steps[:3] == [(2, 6), (4, 6), (6, 6)]
    assert live(filled) == before


def test_the_log_of_the_old_one_is_not_replayed_into_the_new_one(filled: Site) -> None:
    """DuckDB would do that with whatever log lies beside a file."""
    before = live(filled)
    log = filled.paths.warehouse.with_name("warehouse.duckdb.wal")
    with duckdb.connect(filled.paths.warehouse) as con:
        con.execute("set wal_autocheckpoint = '1GB'")
        con.execute("insert into segments values ('ghost', 'runs', 0, 0)")
        kept = log.read_bytes()
    filled.paths.warehouse.write_bytes(b"garbage" * 999)
    log.write_bytes(kept)
    filled.rebuild()
    assert not log.exists()
    assert live(filled) == before
    with filled.writer() as con:
        assert column(con, "select segment_id from segments where segment_id = 'ghost'") == []


def test_answers_that_arrive_in_the_meantime_are_in_the_new_one(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collecting, loading and publishing go on while the new one is made."""
    monkeypatch.setattr(Budget, "rebuild_rows", 1)
    steps: list[tuple[int, int]] = []

    def meanwhile(done: int, total: int) -> None:
        if not steps:
            filled.archive([Answer("late", minute(3), RUNNING)], [Request("late", minute(0))])
            filled.load()
        steps.append((done, total))

    rebuild(Derivation(filled.paths, filled.store, DEFAULTS, filled.policy, 5, meanwhile))
    assert steps == [*((done, 6) for done in range(1, 7)), (1, 2), (2, 2)]
    with filled.writer() as con:
        assert column(con, "select count(*) from segments") == [8]
        assert column(con, "select status from tasks where task_id = 'late'") == ["IN_PROGRESS"]


@pytest.mark.e2e
def test_a_locked_live_warehouse_stays_unchanged(filled: Site) -> None:
    """Its holder goes on, and the half-made one is removed."""
    before = live(filled)
    with (
        nothing_left_behind(filled),
        children.holding(FOREIGN, filled.paths.warehouse) as child,
        pytest.raises(WarehouseLockedError, match=str(child.pid)),
    ):
        filled.rebuild(wait_seconds=0.3)
    assert live(filled) == before


def test_a_rebuild_that_fails_leaves_everything_as_it_is(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing behind; what an earlier one left is removed first."""
    before = live(filled)
    beside = filled.paths.root / f"{UNFINISHED}rebuild-warehouse.duckdb"
    shutil.copyfile(filled.paths.warehouse, beside)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with nothing_left_behind(filled), monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_swap", fail)
        with pytest.raises(KeyboardInterrupt):
            filled.rebuild()
    assert live(filled) == before


def test_a_warehouse_of_another_version_asks_for_a_rebuild_and_gets_one(filled: Site) -> None:
    """A table has gained a column since: adding it empty would be no derivation."""
    before = live(filled)
    with duckdb.connect(filled.paths.warehouse) as con:
        con.execute("alter table tasks drop column shape")
        con.execute("update catalog_version set fingerprint = 'of an older version'")
    with pytest.raises(WarehouseOutdatedError, match=r"warehouse\.duckdb .* table tasks .*avatar-tasks rebuild"):
        filled.writer().__enter__()
    filled.rebuild()
    assert live(filled) == before


def test_a_damaged_segment_is_named_by_a_rebuild(filled: Site) -> None:
    """The rest is there; and it is refused as long as the tables have more."""
    file_of(filled.store.segments("observations")[0]).write_bytes(b"")
    with unchanged(filled), pytest.raises(LossError, match=r"1 of 6 segments .* 1 answers, 0 accepted ids"):
        filled.rebuild()
    done = filled.rebuild(accept_loss=True)
    assert (done.segments, [one.segment.kind for one in done.damaged]) == (5, ["observations"])
    assert filled.rebuild().segments == 5, "what was never loaded is nothing to lose"


@contextmanager
def unchanged(site: Site) -> Iterator[None]:
    """What the live warehouse and readers have."""
    before, copy = live(site), site.paths.published.read_bytes() if site.paths.published.exists() else b""
    yield
    assert live(site) == before
    assert (site.paths.published.read_bytes() if site.paths.published.exists() else b"") == copy


@pytest.mark.parametrize("damage", ["live", "no live", "damaged live", "damaged log"])
def test_a_rebuild_without_its_archive_is_refused(filled: Site, damage: str) -> None:
    """Not mounted or mistyped: it says what is away. Where the live warehouse cannot be read, by the published copy."""
    publish(filled.paths, 5)
    away = filled.paths.root / "away"
    filled.paths.archive.rename(away)
    before = live(filled)
    if damage == "no live":
        filled.paths.warehouse.unlink()
    elif damage == "damaged live":
        filled.paths.warehouse.write_bytes(b"garbage" * 999)
    elif damage == "damaged log":
        filled.paths.warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"garbage" * 999)
    kept = filled.paths.published.read_bytes()
    words = r"6 of 6 segments .* are missing: there is no folder .*archive: 3 answers, 3 accepted ids, .*--accept-loss"
    with pytest.raises(LossError, match=words):
        filled.rebuild()
    assert filled.paths.published.read_bytes() == kept
    assert not filled.paths.archive.exists()
    away.rename(filled.paths.archive)
    filled.rebuild()
    assert live(filled) == before


def test_a_segment_that_goes_while_the_new_one_is_made_is_not_lost_either(
    filled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check at the end is made with the live warehouse's lock held."""
    monkeypatch.setattr(Budget, "rebuild_rows", 1)

    def meanwhile(_done: int, _total: int) -> None:
        for one in filled.store.segments("requests"):
            one.path.unlink()

    with unchanged(filled), pytest.raises(LossError, match="0 answers"):
        rebuild(Derivation(filled.paths, filled.store, DEFAULTS, filled.policy, 5, meanwhile))


def test_compacted_segments_are_not_counted_as_lost(filled: Site) -> None:
    """The ledger may still list the parts, and the archive what they were compacted into, or both."""
    list(compact(filled.store, {one.segment_id for one in filled.store.segments("observations")}, "9999-99-99"))
    filled.rebuild()
    filled.load()
    remove_replaced(filled.store)
    filled.rebuild()


def test_an_accepted_loss_is_reported(filled: Site) -> None:
    """In the words of the refusal."""
    told: list[str] = []
    filled.store.segments("requests")[0].path.unlink()
    work = Derivation(filled.paths, filled.store, DEFAULTS, filled.policy, 5)
    rebuild(work, accept_loss=True, notify=told.append)
    assert len(told) == 1
    assert "1 of 6 segments" in told[0]
    with filled.writer() as con:
        assert column(con, "select count(*) from segments") == [5]
