"""What holds whatever happened: the promises, as checks on a data directory that nobody is working on.

Each check raises AssertionError; tests/promises/test_mutations.py proves that each can.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from tests.warehouse.tables import DERIVED, column, contents, emptied, rows
from transforms.schema import IDENTITY
from warehouse.analysis import read_analysis
from warehouse.archive import parquet
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.database.writer import open_writer
from warehouse.load.loader import load
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator import World
    from warehouse.paths import DataPaths

KEYS = {
    "tasks": "source, task_id",
    "works": "source, task_id",
    "pt_infos": "source, task_id, pt_index",
    "pending": "source, task_id",
    "observations": ", ".join(IDENTITY),
    "quarantine": "source, task_id, observed_at",
    "schema_drift": "json_path, kind",
    "requests": "source, task_id, requested_at, run_id",
    "runs": "run_id",
    "segments": "segment_id",
}

#: Everything a data directory may contain while no run is active.
ALLOWED = re.compile(
    r"archive/\.avatar-tasks\.json"
    r"|archive/(requests|observations|list_pages|list_windows|runs)/\d{4}-\d\d-\d\d/[^./][^/]*\.parquet"
    r"|(\.unfinished-rebuild-)?warehouse\.duckdb(\.lock)?|maintain\.lock|\.gateways/[^./][^/]*\.json|\.at-work/\d{4}-\d\d-\d\d"
    r"|warehouse\.duckdb\.wal"
    r"|published/(current|\.version-\d+-\d+)\.duckdb"
)

Answer = tuple[Any, ...]


def check_all(paths: DataPaths, policy: PollingPolicy = PollingPolicy()) -> None:  # noqa: B008 - frozen
    """Everything that must hold after a run that ended well."""
    with open_writer(paths.warehouse, 5) as con:
        found = contents(con)
        check_keys(con)
        check_ledger(con, Archive(LocalFolder(paths.archive)))
        check_accounts(con, Archive(LocalFolder(paths.archive)))
    check_same(found, from_scratch(paths, policy))
    check_published(paths)
    with reader(paths) as con:
        check_same(contents(con), found)
    check_no_leftovers(paths)


def check_keys(con: duckdb.DuckDBPyConnection) -> None:
    """No key twice."""
    for table, key in KEYS.items():
        twice = rows(con, f"select {key}, count(*) as n from {table} group by all having n > 1 limit 3")  # noqa: S608 - names above
        assert not twice, f"{table} holds a key twice: {twice}"


def check_ledger(con: duckdb.DuckDBPyConnection, store: Archive) -> None:
    """The segments of the ledger are those of the archive."""
    archived = {one.segment_id for kind in parquet.SCHEMAS for one in store.segments(kind)}
    loaded = set(column(con, "select segment_id from segments"))
    assert loaded == archived, f"not loaded: {archived - loaded}; not archived: {loaded - archived}"


def check_accounts(con: duckdb.DuckDBPyConnection, store: Archive) -> None:
    """Loaded, quarantined, given up and pending add up to what was accepted, by the archive's own account."""
    [accepted, ended, quarantined, given_up, pending] = con.execute(
        """
        select coalesce(sum(columns(['accepted', 'ended', 'quarantined', 'given_up', 'pending'])), 0)::bigint
        from id_accounting
        """
    ).fetchall()[0]
    ids = accepted_ids(store)
    accounted = ended + quarantined + given_up + pending
    assert accounted == accepted == len(ids), f"of {len(ids)} ids {accepted} are accepted, {accounted} accounted for"


def check_same(found: dict[str, list[str]], expected: dict[str, list[str]]) -> None:
    """Row for row in every derived table."""
    for table in DERIVED:
        missing, surplus = set(expected[table]) - set(found[table]), set(found[table]) - set(expected[table])
        assert found[table] == expected[table], f"{table} lacks {list(missing)[:2]} and has {list(surplus)[:2]} instead"


def check_published(paths: DataPaths) -> None:
    """The published file opens, as readers open it, and adds up in itself."""
    with contextlib.closing(duckdb.connect(paths.published_version(), read_only=True)) as con:
        check_keys(con)
        con.execute("select sum(accepted) from id_accounting").fetchall()


def check_whole(con: duckdb.DuckDBPyConnection) -> None:
    """No half of a load: every rule holds, the ledger's rows are there, and so is each answer that a run tells of."""
    broken = con.execute(statement("queries/broken_rules")).fetchall()
    assert not broken, f"rules that do not hold: {broken}"
    for kind in parquet.SCHEMAS:
        entered = con.execute("select coalesce(sum(rows), 0)::bigint from segments where kind = ?", [kind]).fetchall()
        assert entered == con.table(kind).count("*").fetchall(), f"{kind} is not what the ledger says: {entered}"
    half = column(con, _RUNS_WHOSE_ANSWERS_ARE_MISSING)
    assert not half, f"runs of which not every answer is there: {half[:3]}"


_RUNS_WHOSE_ANSWERS_ARE_MISSING = """
    select run_id from runs left join (select run_id, count(*) as answers from observations group by all) using (run_id)
    where command = 'collect' and (summary ->> 'fetched')::bigint != coalesce(answers, 0)
"""


def check_no_leftovers(paths: DataPaths) -> None:
    """Nothing lies about but what belongs there, and one published copy."""
    files = [str(path.relative_to(paths.root)) for path in paths.root.rglob("*") if path.is_file()]
    leftovers = [one for one in files if not ALLOWED.fullmatch(one)]
    assert not leftovers, f"leftovers: {leftovers}"
    assert len([one for one in files if one.startswith("published/")]) <= 2, files


def check_truth(paths: DataPaths, world: World, ids: Iterable[str], world_now: Any) -> None:  # noqa: ANN401
    """Once all has been asked at `world_now`, the tables hold what the world knows, value by value."""
    truth = world.truth(world_now, ids)
    with reader(paths) as con:
        for table, expected in (("tasks", truth.tasks), ("works", truth.works), ("pt_infos", truth.pt_infos)):
            names = ", ".join(f'"{name}"' for name in expected[0])
            known = con.execute(f"select {names} from {table}").pl().to_dicts()  # noqa: S608 - names of ours
            key = [name for name in ("task_id", "pt_index") if name in expected[0]]
            by_key = {tuple(row[name] for name in key): row for row in known}
            for row in expected:
                assert by_key.get(tuple(row[name] for name in key)) == dict(row)


def from_scratch(paths: DataPaths, policy: PollingPolicy) -> dict[str, list[str]]:
    """What a serial load of the whole archive, in one go into a new warehouse, makes of it."""
    store = Archive(LocalFolder(paths.archive))
    everything = [one for kind in parquet.SCHEMAS for one in store.segments(kind)]
    with emptied("oracle") as con:
        assert load(con, everything, read_analysis(paths.analysis), policy).damaged == []
        return contents(con)


def answers(store: Archive) -> set[Answer]:
    """Every answer in the archive, by its identity."""
    return {row for one in store.segments("observations") for row in parquet.read(one).select(IDENTITY).iter_rows()}


def accepted_ids(store: Archive) -> set[Answer]:
    frames = [parquet.read(one).select("source", "task_id") for one in store.segments("requests")]
    return set(pl.concat(frames).iter_rows()) if frames else set()
