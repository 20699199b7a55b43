"""Older versions of DuckDB, and the next one, read the published file: every table, view and macro of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from warehouse.database.schema import definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

    from warehouse.database.schema import Definition
    from warehouse.paths import DataPaths

ROOT: Final = Path(__file__).parents[3]
HERE: Final = Path(__file__).parent
VERSIONS: Final = sorted(path.stem.removeprefix("duckdb-") for path in HERE.glob("duckdb-*.lock"))

#: What a parameter of a macro is given, by its name; any other is a text.
ARGUMENTS: Final = {
    "moment": "timestamptz '2025-01-20 12:00:00+00'",
    "t0": "timestamptz '2025-01-01 00:00:00+00'",
    "t1": "timestamptz '2025-02-01 00:00:00+00'",
    "a0": "timestamptz '2025-01-13 00:00:00+00'",
    "a1": "timestamptz '2025-01-16 00:00:00+00'",
    "b0": "timestamptz '2025-01-16 00:00:00+00'",
    "b1": "timestamptz '2025-01-20 00:00:00+00'",
    "bucket_seconds": "3600",
    "bucket": "'day'",
    "zone": "'Europe/Berlin'",
    "successes": "3",
    "trials": "11",
    "chance": "0.01",
}


def call(one: Definition) -> str:
    """A query on a table, view or macro."""
    if one.kind != "macro":
        return f"select * from {one.name}"  # noqa: S608 - a name of ours
    found = re.search(r"macro \w+\((.*?)\) as( table)?", one.sql, re.DOTALL)
    assert found, one.name
    names = [part.strip() for part in found[1].split(",") if part.strip() and ":=" not in part]
    given = ", ".join(ARGUMENTS.get(name, "'x'") for name in names)
    return f"select * from {one.name}({given})" if found[2] else f"select {one.name}({given}) as value"  # noqa: S608


def is_callable(one: Definition) -> bool:
    """Whether the test knows what to give its parameters; small macros are reached through the views that use them."""
    return one.kind != "macro" or "'x'" not in call(one)


def plans() -> Iterator[ParameterSet]:
    """Each version, and the steps of its optimizer that are left out: one takes DuckDB 1.3 most of eight seconds."""
    for version in VERSIONS:
        slow = "filter_pushdown" if version.startswith("1.3.") else ""
        yield pytest.param(version, slow, id=version)
        if slow:
            yield pytest.param(version, "", id=f"{version}, with all of its optimizer", marks=pytest.mark.soak)


@pytest.mark.e2e
@pytest.mark.parametrize(("version", "left_out"), list(plans()))
def test_another_duckdb_reads_everything(version: str, left_out: str, week_paths: DataPaths, tmp_path: Path) -> None:
    """In a process that has that version alone; `make test` installs it from its lock."""
    place = ROOT / ".venv-duckdb" / version
    if not (place / ".set-up").exists() and not os.environ.get("CI"):
        pytest.skip(f"DuckDB {version} is not installed: `make test` does it")
    everything = [*definitions("tables"), *definitions("marts")]
    calls = {one.name: call(one) for one in everything if is_callable(one)}
    (tmp_path / "calls.json").write_text(json.dumps(calls), encoding="utf-8")
    given = [str(week_paths.published), str(tmp_path / "calls.json"), left_out]
    command = [sys.executable, str(HERE / "old_duckdb.py"), *given]
    environment = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["version"] == version
    assert {name: error for name, error in answer["found"].items() if error} == {}
    assert len(answer["found"]) == len(calls) > 60
