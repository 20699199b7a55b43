"""Which views a report reads, directly and indirectly: only these are created for its cohort."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from warehouse.database.schema import with_needed

PACKAGE: Final = Path(__file__).parent.parent

#: Created before the other views, because they read it.
_FIRST: Final = ("every_bucket",)
#: The report's own views, in `reports/views`, each after those that it uses.
VIEWS: Final = (
    *_FIRST,
    *sorted(path.stem for path in (PACKAGE / "views").glob("*.sql") if path.stem not in _FIRST),
)
#: Views of the warehouse that figures and needs read directly.
_USED_BY_FIGURES: Final = {"slow_tail", "result_expiry_at", "refund_claims"}
#: Views that compare two periods; they are read from `always`, so that the chosen range of time does not limit them.
PERIODS: Final = ("period_comparison", "drivers_between", "change_points_between", "collection_freshness_at")


@cache
def used_by_report() -> frozenset[str]:
    """The views and macros that the report reads, with all its figures."""
    examples = (word for path in (PACKAGE / "examples").glob("*.sql") for word in _words(f"examples/{path.stem}"))
    return frozenset({*VIEWS, *examples, *_USED_BY_FIGURES, *PERIODS})


@cache
def with_used(wanted: frozenset[str]) -> frozenset[str]:
    """These views and macros, and all that they read directly or indirectly, of the report and of the warehouse."""
    used = {*wanted, *(word for path in (PACKAGE / "cohort").glob("*.sql") for word in _words(f"cohort/{path.stem}"))}
    for name in reversed(VIEWS):
        if name in used:
            used |= _words(f"views/{name}")
    return frozenset(used | with_needed(used))


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub(r"--.*", "", sql_of(name))))


def sql_of(name: str) -> str:
    """The text of `reports/{name}.sql`."""
    return (PACKAGE / f"{name}.sql").read_text(encoding="utf-8")
