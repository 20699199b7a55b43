"""Run benchmarks, print every figure beside its bar, and keep them.

python -m benchmarks [NAME …] [--rounds 3] [--scale 1]   # prints, and writes results/NAME.json
python -m benchmarks --docs                              # writes the tables in docs/performance.md from those files
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.harness import Row, as_text, machine, versions

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "performance.md"
_HEAD = ["what", "figure", "bar", "", "behind it"]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names())}; all if none is given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="1 for the sizes the bars speak of")
    parser.add_argument("--docs", action="store_true", help="only write the tables in docs/performance.md")
    options = parser.parse_args()
    if not options.docs:
        for name in options.names or names():
            run(name, options.rounds, options.scale)
    elif PAGE.exists():
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")


def names() -> list[str]:
    """The benchmarks: modules of this folder that can be run."""
    found = [one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg]
    return [one for one in found if "\ndef run(rounds: int, scale: float)" in (HERE / f"{one}.py").read_text("utf-8")]


def run(name: str, rounds: int, scale: float) -> None:
    """Run one benchmark, print its rows as they come, and keep them if it ran at full size."""
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


def with_tables(text: str, results: Path) -> str:
    """A page with the table between `<!-- figures: NAME -->` and `<!-- end -->` written anew from what is there."""

    def table(found: re.Match[str]) -> str:
        path = results / f"{found[2]}.json"
        return f"{found[1]}\n{as_table(json.loads(path.read_text('utf-8')))}\n{found[3]}" if path.exists() else found[0]

    return re.sub(r"(<!-- figures: (\w+) -->)\n.*?(<!-- end -->)", table, text, flags=re.DOTALL)


def _rounds(count: int) -> str:
    return "one round" if count == 1 else f"median of {count} rounds"


def as_table(result: dict[str, Any]) -> str:
    """A result as Markdown."""
    lines = [_HEAD, ["---"] * len(_HEAD)]
    for row in result["rows"]:
        bar = row["bar"]
        met = "" if bar is None else ("met" if bar["is_met"] else "**not met**")
        held_to = f"{bar['side']} {bar['value']:g}" if bar else ""
        lines.append([row["what"], f"{as_text(row['figure'])} {row['unit']}", held_to, met, row["detail"]])
    where = result["machine"]
    used = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    note = (
        f"{result['taken_at']}, {_rounds(result['rounds'])}, {where['cores']} cores ({where['cpu']}), "
        f"{where['memory_gb']} GB; {used}."
    )
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines]) + f"\n\n{note}"


if __name__ == "__main__":
    main()
