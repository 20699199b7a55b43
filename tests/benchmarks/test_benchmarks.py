"""The benchmarks' own rules: alternate, the same rows or nothing, a bar beside each figure."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import LOG, PAGE, RESULTS, names
from benchmarks.harness import Outcome, Row, at_least, at_most, compete, machine, run_process, versions
from benchmarks.output.tables import SUMMARY, as_table, with_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def contender(seconds: list[float], rows: object, calls: list[str], name: str) -> Callable[[], Outcome]:
    left = iter(seconds)

    def work() -> Outcome:
        calls.append(name)
        return Outcome(next(left), rows)

    return work


def test_contenders_alternate_and_ratios_are_those_of_each_round() -> None:
    """A busy round makes both slow: the median of its ratios does not care."""
    calls: list[str] = []
    contest = compete(
        {"ours": contender([1, 10, 1], 5, calls, "ours"), "peer": contender([3, 40, 2], 5, calls, "peer")}, rounds=3
    )
    assert calls == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert contest.times("peer", "ours") == 3
    assert contest.seconds("ours") == 1


def test_a_contender_with_other_rows_does_not_count() -> None:
    """Nothing is fast because it does less."""
    contenders = {"ours": contender([1], 5, [], "ours"), "peer": contender([3], 4, [], "peer")}
    with pytest.raises(ValueError, match="ours: 5; peer: 4"):
        compete(contenders, rounds=1)


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells it of processes that run")
def test_the_peak_of_a_run_is_that_of_all_its_processes() -> None:
    """A process that has another do the work does not seem to need less."""
    hoard = "import time; held = bytearray(100_000_000); time.sleep(1)"
    alone = run_process([sys.executable, "-c", hoard], lambda: 0)
    helped = f"import subprocess, sys; one = subprocess.Popen([sys.executable, '-c', {hoard!r}]); {hoard}; one.wait()"
    together = run_process([sys.executable, "-c", helped], lambda: 0)
    assert 100 < alone.peak_mb < 150
    assert together.peak_mb > 1.9 * alone.peak_mb


@pytest.mark.parametrize(
    ("bar", "figure", "is_met"),
    [
        pytest.param(at_least(8), 8.0, True, id="just-enough"),
        pytest.param(at_least(8), 7.9, False, id="too-little"),
        pytest.param(at_most(1.2), 1.3, False, id="too-much"),
    ],
)
def test_a_bar_is_met_or_not(bar: object, figure: float, *, is_met: bool) -> None:
    """And the row says which."""
    row = Row("collect", figure, "times", bar)  # type: ignore[arg-type]
    assert row.as_cells()[2:4] == [str(bar), "met" if is_met else "not met"]


def test_the_page_gets_the_kept_figures(tmp_path: Path) -> None:
    """What stands between the marks is replaced, the text around it stays; without a result nothing changes."""
    row = Row("collect", 9.5, "times as fast", at_least(8), "4,000/s")
    result = {"taken_at": "2026-11-25", "rounds": 3, "machine": machine(), "versions": versions()}
    (tmp_path / "a.json").write_text(json.dumps(result | {"rows": [row.as_dict()]}))
    page = "before\n<!-- figures: a -->\nold\n<!-- end -->\nafter\n<!-- figures: b -->\nkept\n<!-- end -->\n"
    written = with_tables(page, tmp_path)
    assert "| collect | 9.5 times as fast | at least 8 | met | 4,000/s |" in written
    assert "old" not in written
    assert "kept" in written
    assert with_tables(written, tmp_path) == written


@pytest.mark.parametrize("page", [pytest.param(LOG, id="the log"), pytest.param(PAGE, id="the page for users")])
def test_the_tables_are_those_of_the_kept_figures(page: Path) -> None:
    """`python -m benchmarks --docs` writes them, and nobody edits one by hand."""
    text = page.read_text(encoding="utf-8")
    assert "<!-- figures: " in text
    assert with_tables(text, RESULTS) == text


def test_a_summary_has_date_and_command_of_each_figure() -> None:
    """Every row that it names was measured; of the views it has the slowest."""
    text = with_tables("<!-- figures: summary -->\n<!-- end -->", RESULTS)
    lines = [one for one in text.splitlines() if one.startswith("| ")][2:]
    measured = {name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in SUMMARY}
    assert len(lines) == sum(map(len, SUMMARY.values())) + 1
    for name, wanted in SUMMARY.items():
        for what in wanted:
            [line] = [one for one in lines if one.startswith(f"| {what} |")]
            assert line.endswith(f"| {measured[name]['taken_at']} | `{name}` |")
    slowest = max(measured["views"]["rows"], key=lambda row: row["figure"])
    assert f"`{slowest['what']}`" in lines[-1]
    assert all(one["machine"]["cpu"] in text for one in measured.values()), "each machine that was measured on"


def test_no_figure_names_the_machine() -> None:
    """The machine's name is nobody's business."""
    table = as_table({"taken_at": "", "rounds": 1, "machine": machine(), "versions": versions(), "rows": []})
    assert set(machine()) == {"system", "cpu", "cores", "memory_gb"}
    assert "duckdb 1.5.5" in table


def test_benchmarks_are_found_by_their_run_function() -> None:
    """A new one is a new file."""
    assert {"collecting", "memory", "starting"} <= set(names())
    assert not {"harness", "fast_gateway", "__main__"} & set(names())
