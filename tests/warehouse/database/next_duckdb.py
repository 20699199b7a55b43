"""`make canary`: the core of the suite with the DuckDB that this process imports, and what is missing there.

    PYTHONPATH=.venv-duckdb/2.0.1 .venv/bin/python -m tests.warehouse.database.next_duckdb

It ends with 0 when every test passes, so that the bound in pyproject.toml can move; else with 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

import duckdb
import pytest

#: Load, views and queries: whatever else works, without these nothing does.
CORE: Final = (
    "tests/warehouse/load/test_load_rules.py",
    "tests/warehouse/load/test_ledger.py",
    "tests/warehouse/marts/test_gallery.py",
    "tests/transforms/test_shapes.py",
)


class Findings:
    """What pytest reports: how tests ended, and why they failed."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.ends[report.outcome] += 1
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.reasons[str(crash.message if crash else report.longrepr).splitlines()[0]] += 1


def main() -> int:
    """Run the core quietly, then print the counts and every reason once."""
    findings = Findings()
    pytest.main(["-n", "0", "-q", "--no-header", "--tb=no", "-rN", "-p", "no:cacheprovider", *CORE], plugins=[findings])
    print(f"\nDuckDB {duckdb.__version__}: {findings.ends['passed']} passed, {findings.ends['failed']} failed")  # noqa: T201
    for reason, count in findings.reasons.most_common():
        print(f"{count:>5}  {reason}")  # noqa: T201
    return 1 if findings.ends["failed"] or not findings.ends["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
