"""Rebuilding the warehouse from the archive, compared with bare DuckDB and dlt reading the same bodies from JSON.

Bare DuckDB makes the same tables by hand-written SQL; `peers/duckdb_all_tables.sql` says what it omits. Columns that
both have get the same values. The cost of only reading JSON into tasks, works and pt_infos is printed, too
(`peers/duckdb_three_tables.sql`). dlt is slow: it gets a twentieth of the answers, and rates are compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import polars.selectors as cs

from benchmarks.harness import OURS, Row, at_least, compete, run_process
from benchmarks.inputs.bodies import END as FIRST_LOOK
from benchmarks.inputs.bodies import answers, fill_archive, requests_of
from warehouse.analysis import DEFAULTS, read_analysis
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from benchmarks.harness import Contest, Outcome

IDS: Final = 200_000
RUN: Final = "20260301T000000-bench"
PEERS: Final = Path(__file__).with_name("peers")
_DUCKDB: Final = """
import sys, duckdb
with duckdb.connect(sys.argv[2]) as con:
    con.execute("set enable_progress_bar = false")
    con.execute(open(sys.argv[1], encoding="utf-8").read())
"""

#: The tables that are compared, and the columns of ours that bare DuckDB does not make: `extras` are the fields without
#: a column, and to find them SQL would have to name all others again, level by level.
OURS_ALONE: Final[dict[str, set[str]]] = {
    "tasks": set(),
    "works": {"extras"},
    "pt_infos": {"extras"},
    "observations": set(),
    "requests": set(),
    "quarantine": set(),
    "schema_drift": set(),
}

#: For every contender, the sizes of the three tables and a sum.
_SIZES: Final = """
    select
        (select count(*) from tasks),
        (select count(*) from works),
        (select count(*) from pt_infos),
        (select sum(latency_seconds)::bigint from tasks)
"""
_SIZES_OF_DLT: Final = """
    select
        (select count(*) from answers.tasks),
        (select count(data__id) from answers.tasks),
        (select count(*) from answers.tasks__pt_infos),
        (select sum(finish_time - submit_time) from answers.tasks where finish_time >= submit_time and submit_time > 0)
"""


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Speed compared with the peers; peak memory at a quarter of the ids and at all of them.

    Raises:
        ModuleNotFoundError: when dlt is not installed.
    """
    if find_spec("dlt") is None:
        raise ModuleNotFoundError("dlt is not installed here; use .venv-bench, which `make bench` builds")
    with tempfile.TemporaryDirectory() as name:
        folder, count = Path(name), int(IDS * scale)
        quarter, sample = count // 4, count // 20
        for ids in (quarter, count):
            fill_archive(Archive(LocalFolder(DataPaths(folder / str(ids)).archive)), ids)
        for ids in (sample, count):
            write_lines(folder / f"lines-{ids}", answers(ids, RUN, FIRST_LOOK))

        contest = compete(
            {
                "ours": lambda: ours(folder / str(count), _values),
                "bare duckdb": lambda: bare(folder / f"lines-{count}", "duckdb_all_tables", _values),
            },
            rounds,
        )
        three = compete({"three": lambda: bare(folder / f"lines-{count}", "duckdb_three_tables", sizes)}, rounds)
        dlt = compete(
            {
                "dlt": lambda: _dlt(folder / f"lines-{sample}"),
                "bare duckdb": lambda: bare(folder / f"lines-{sample}", "duckdb_three_tables", sizes),
            },
            rounds,
        )
        yield from _speeds(contest, three, dlt, count, sample)
        peak = ours(folder / str(quarter), _values).peak_mb
        detail = f"{peak:,.0f} MB for {quarter:,}"
        yield Row(f"peak memory of rebuilding {count:,}", contest.peak_mb("ours"), "MB", None, detail)


def _speeds(contest: Contest, three: Contest, dlt: Contest, count: int, sample: int) -> Iterator[Row]:
    """Compared with bare DuckDB for all tables and for three, on `count` answers, and with dlt on `sample` of them."""
    rates = {
        "ours": count / contest.seconds("ours"),
        "all": count / contest.seconds("bare duckdb"),
        "three": count / three.seconds("three"),
        "dlt": sample / dlt.seconds("dlt"),
    }
    cpu = contest.cpu_seconds("bare duckdb") / contest.cpu_seconds("ours")
    detail = f"{rates['ours']:,.0f} answers/s, bare {rates['all']:,.0f}; by CPU {cpu:.2f} times"
    times = contest.times("bare duckdb", "ours")
    yield Row("rebuilding, beside bare DuckDB making the same tables", times, "times as fast", at_least(0.6), detail)
    detail = f"bare {rates['three']:,.0f} answers/s: no facts, no drift, no newest answer, no flags"
    times = rates["ours"] / rates["three"]
    yield Row("rebuilding, beside bare DuckDB making three tables", times, "times as fast", None, detail)
    detail = f"dlt {rates['dlt']:,.0f} answers/s, measured on {sample:,}"
    yield Row("rebuilding, beside dlt", rates["ours"] / rates["dlt"], "times as fast", at_least(100), detail)
    times = rates["three"] / rates["dlt"]
    yield Row("bare DuckDB making three tables, beside dlt", times, "times as fast", None, "what can be reached")


def ours(data: Path, rows: Callable[[Path], object]) -> Outcome:
    """`avatar-tasks rebuild` of a data directory; `rows` reads the result from the warehouse."""
    arguments = [OURS, "rebuild", "--data-dir", "."]
    return run_process(arguments, lambda: rows(data / "warehouse.duckdb"), data)


def bare(lines: Path, script: str, rows: Callable[[Path], object]) -> Outcome:
    """Bare DuckDB running a script of `peers` on files of `write_lines`."""
    made = lines / f"{script}.duckdb"
    made.unlink(missing_ok=True)
    arguments = [sys.executable, "-c", _DUCKDB, str(PEERS / f"{script}.sql"), made.name]
    return run_process(arguments, lambda: rows(made), lines)


def _dlt(lines: Path) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        arguments = [sys.executable, str(PEERS / "dlt_bodies.py"), str(lines / "bodies.ndjson"), name]
        return run_process(arguments, lambda: sizes(Path(name) / "peer.duckdb", _SIZES_OF_DLT))


def write_lines(folder: Path, frames: Iterable[pl.DataFrame]) -> None:
    """Write files with the bodies of answers as received, with their metadata, with their ids, and with our rules."""
    folder.mkdir()
    with (
        (folder / "bodies.ndjson").open("wb") as bodies,
        (folder / "answers.ndjson").open("wb") as as_observed,
        (folder / "requests.ndjson").open("wb") as as_requested,
        (folder / "rules.ndjson").open("wb") as rules,
    ):
        for frame in frames:
            for facts, body in zip(_as_json(frame.drop("body")), frame["body"], strict=True):
                bodies.write(body + b"\n")
                as_observed.write(facts[:-1] + b', "body": ' + body + b"}\n")
            as_requested.writelines(line + b"\n" for line in _as_json(requests_of(frame)))
        for position, rule in enumerate(read_analysis(DEFAULTS).failure_rules):
            rules.write(json.dumps({"position": position, **asdict(rule)}).encode() + b"\n")


def _as_json(frame: pl.DataFrame) -> Iterator[bytes]:
    """The rows as JSON objects."""
    times = cs.datetime().dt.to_string("iso:strict")
    return (json.dumps(row).encode() for row in frame.with_columns(times).iter_rows(named=True))


def sizes(path: Path, query: str = _SIZES) -> object:
    """The size of a contender's warehouse."""
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchall()


def compared(con: duckdb.DuckDBPyConnection, table: str) -> duckdb.DuckDBPyRelation:
    """The columns of a table that both contenders make, by name."""
    names = {name for name, *_ in con.execute(f"describe {table}").fetchall()}
    return con.table(table).select(*sorted(names - OURS_ALONE[table]))


def _values(path: Path) -> object:
    """For each table its columns, its number of rows, and a checksum of its content."""
    with duckdb.connect(path, read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        return [_checked(con, table) for table in OURS_ALONE]


def _checked(con: duckdb.DuckDBPyConnection, table: str) -> object:
    rows = compared(con, table)
    return table, rows.columns, rows.query("one", "select count(*), sum(hash(one)) from one").fetchall()
