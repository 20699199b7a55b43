"""Tables of saved results, in Markdown: all of them for `LOG.md`, a summary for users for `docs/performance.md`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from benchmarks.harness import as_text

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = ["what", "figure", "bar", "", "behind it"]
_SUMMARY_HEAD: Final = ["what", "figure", "behind it", "measured on", "with `python -m benchmarks …`"]

_CHART: Final = "![CPU seconds of load, rebuild, publish and report over the number of answers or tasks](scaling.svg)"

#: The figures for users, by benchmark; of the views only the slowest.
SUMMARY: Final = {
    "collecting": (
        "collect 20,000 ids, 64 in flight, beside httpx and pandas",
        "collect 100,000 ids, 256 in flight, 100 ms latency",
    ),
    "listing": (
        "requests for 20,000 tasks by list",
        "20,000 tasks by list, beside one request each, 100 ms latency",
        "20,000 tasks by list, beside httpx and pandas, 100 ms latency",
        "20,000 tasks, a hundred ids a request, beside one each, 100 ms latency",
        "6,000 tasks at one request a second, by bulk",
    ),
    "gateways": ("20,000 tasks of one gateway beside one that is down and one that throttles",),
    "memory": ("peak memory of collecting 200,000 ids", "peak memory of rebuilding 5,000,000 answers"),
    "small": (
        "peak memory of rebuilding 100,000 answers, one process, MEMORY=350MB",
        "peak memory of rebuilding 5,000,000 answers, one process, MEMORY=350MB",
        "peak memory of collecting 400,000 ids by single requests, MEMORY=350MB",
        "collecting 20,000 ids in a container of 512 MB",
    ),
    "growth": ("loading 10,000 answers", "planning: what is due", "status", "publishing"),
    "scaling": tuple(f"how {one} grows" for one in ("load", "rebuild", "publish", "report")),
    "rebuilding": ("rebuilding, beside bare DuckDB making the same tables", "rebuilding, beside dlt"),
    "cores": ("rebuilding with two processes",),
    "report": (
        "a report on 2,000 tasks",
        "a report on 1,000,000 tasks",
        "a report on 5,000,000 tasks",
        "the page of `serve` for 1,000,000 tasks, once rendered",
    ),
    "starting": ("`avatar-tasks --help`", "`avatar-tasks sql` on the demo"),
    "views": (),
}


def with_tables(text: str, results: Path) -> str:
    """A page in which the tables between `<!-- figures: NAME -->` and `<!-- end -->` are made from the saved results.

    The name `summary` is the table of `SUMMARY`; any other is the name of a benchmark.
    """

    def table(found: re.Match[str]) -> str:
        if found[2] == "summary":
            return f"{found[1]}\n{as_summary(results)}\n{found[3]}"
        path = results / f"{found[2]}.json"
        return f"{found[1]}\n{as_table(_read(path))}\n{found[3]}" if path.exists() else found[0]

    return re.sub(r"(<!-- figures: (\w+) -->)\n.*?(<!-- end -->)", table, text, flags=re.DOTALL)


def as_table(result: dict[str, Any]) -> str:
    """The table of a result, with the machine and versions below it."""
    lines = []
    for row in result["rows"]:
        bar = row["bar"]
        met = "" if bar is None else ("met" if bar["is_met"] else "**not met**")
        limit = f"{bar['side']} {bar['value']:g}" if bar else ""
        lines.append([row["what"], _figure(row), limit, met, row["detail"]])
    used = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    note = f"{result['taken_at']}, {_rounds(result['rounds'])}, {_machine(result)}; {used}."
    return f"{_markdown(_HEAD, lines)}\n\n{note}"


def as_summary(results: Path) -> str:
    """The table of `SUMMARY`, with date and command of each row, and below it the machines."""
    kept = {name: _read(results / f"{name}.json") for name in SUMMARY if (results / f"{name}.json").exists()}
    lines = [
        [row["what"], _figure(row), row["detail"], result["taken_at"], f"`{name}`"]
        for name, result in kept.items()
        for row in _chosen(name, result["rows"])
    ]
    picture = f"\n\n{_CHART}" if "scaling" in kept else ""
    return f"{_markdown(_SUMMARY_HEAD, lines)}\n\n{_machines(kept)}{picture}"


def _machines(kept: dict[str, dict[str, Any]]) -> str:
    usual, *others = dict.fromkeys(map(_machine, kept.values()))
    named = [
        f"{', '.join(f'`{name}`' for name, one in kept.items() if _machine(one) == other)} on {other}"
        for other in others
    ]
    return f"On {'; '.join([usual, *named])}."


def _chosen(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if name != "views":
        return [row for row in rows if row["what"] in SUMMARY[name]]
    slowest = max(rows, key=lambda row: row["figure"])
    return [slowest | {"what": f"the slowest of {len(rows)} views and macros on 5,000,000 tasks, `{slowest['what']}`"}]


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _figure(row: dict[str, Any]) -> str:
    return f"{as_text(row['figure'])} {row['unit']}"


def _rounds(count: int) -> str:
    return "one round" if count == 1 else f"median of {count} rounds"


def _machine(result: dict[str, Any]) -> str:
    where = result["machine"]
    return f"{where['cores']} cores ({where['cpu']}), {where['memory_gb']} GB"


def _markdown(head: list[str], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
