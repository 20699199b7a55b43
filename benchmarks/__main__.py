"""Run benchmarks, print every figure with its bar, and save them.

python -m benchmarks [NAME …] [--rounds 3] [--scale 1]   # prints, and writes results/NAME.json
python -m benchmarks --docs                              # writes their tables in LOG.md and docs/performance.md
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import json
import pkgutil
from datetime import UTC, datetime
from pathlib import Path

import benchmarks
from benchmarks.harness import Row, machine, versions
from benchmarks.output.chart import write_chart
from benchmarks.output.tables import with_tables
from benchmarks.scaling import POINTS

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PACKAGES = ("avatar_tasks", "flows", "gateway", "pipeline", "reports", "simulator", "transforms", "warehouse")
#: LOG.md has every figure and what was tried, for developers; docs/performance.md has one table for users.
LOG, PAGE = HERE / "LOG.md", HERE.parent / "docs" / "performance.md"


def main() -> None:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names())}; all if none is given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="1 for the sizes that the bars are for")
    parser.add_argument("--docs", action="store_true", help="only write the tables of LOG.md and docs/performance.md")
    options = parser.parse_args()
    if not options.docs:
        for package in PACKAGES:  # as pip compiles what it installs; we run from the checkout
            compileall.compile_dir(HERE.parent / package, quiet=1)
        for name in options.names or names():
            run(name, options.rounds, options.scale)
        return
    if POINTS.exists():
        write_chart(POINTS, PAGE.with_name("scaling.svg"))
    for page in (LOG, PAGE):
        page.write_text(with_tables(page.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")


def names() -> list[str]:
    """The benchmarks: modules in this folder with a `run` function."""
    found = [one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg]
    return [one for one in found if "\ndef run(rounds: int, scale: float)" in (HERE / f"{one}.py").read_text("utf-8")]


def run(name: str, rounds: int, scale: float) -> None:
    """Run one benchmark, print its rows as they are measured, and save them if it ran at full size."""
    module = importlib.import_module(f"benchmarks.{name}")
    print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
    rows: list[Row] = []
    for row in module.run(rounds, scale):
        rows.append(row)
        print("  " + " | ".join(cell for cell in row.as_cells() if cell), flush=True)
    result = {
        "benchmark": name,
        "taken_at": f"{datetime.now(UTC):%Y-%m-%d}",
        "rounds": rounds,
        "scale": scale,
        "machine": machine(),
        "versions": versions(),
        "rows": [row.as_dict() for row in rows],
    }
    if scale == 1:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
