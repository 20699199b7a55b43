"""The in-memory databases of a cohort, the views that each of them has, and what is evaluated once per page."""

from __future__ import annotations

from typing import Final

from reports.cohort.used import PERIODS
from warehouse.database.schema import definitions, with_needed

#: What several figures read, evaluated once per page and stored as tables: by database, the warehouse's views and those
#: created after them (`AFTER`); and the report's own views.
KEPT: Final = {"cohort": {"task_latency", "failure_chance"}, "pooled": {"kind_follow_up"}}
KEPT_AFTER: Final = {("pooled", "quantiles"), ("pooled", "outcome_curve")}
KEPT_OF_OURS: Final = frozenset({"every_bucket", "failure_pareto", "latency_cells"})

_BUCKETS: Final = {"bucket_start", "bucket_end", "is_bucket_partial", "kind_follow_up"}
_RATES: Final = {*_BUCKETS, "failure_rate_by", "failure_rate_daily"}
_CURVES: Final = {
    *_BUCKETS,
    *("survival_bound", "incidence_bound", "age_bin", "levels_reached", "latency_life_table_between"),
    *("latency_survival_between", "latency_survival", "latency_bins_by", "latency_quantiles_by"),
    *("latency_quantiles", "outcome_shares_between", "outcome_incidence_between", "outcome_incidence"),
}
#: Views over all tasks that are the same for every cohort: see of_all.py.
OF_ALL: Final = ("accepted_lists", "kind_follow_up")
#: Views that have to read all tasks, not only those of the cohort.
_OF_THE_WHOLE: Final = {*OF_ALL, "stuck_tasks"}
#: Views of the database `whole`: they read all tasks, and depend on `now()`.
_BY_THE_CLOCK: Final = {"collection_freshness", "given_up_tasks", "id_accounting", "stuck_tasks"}
#: The databases, and which of the warehouse's views each has over its own tables. `cohort` has all except those that
#: have to read all tasks (see histories.sql); the others have those that the report reads. Databases whose name ends in
#: _total or _buckets get their kind_follow_up from latencies.sql or follow_up.sql.
DATABASES: Final = {
    "whole": frozenset(with_needed(_BY_THE_CLOCK)),
    "always": frozenset(with_needed(PERIODS)),
    "cohort": frozenset(one.name for one in definitions("marts")) - _OF_THE_WHOLE,
    "pooled": frozenset(_CURVES),
    "pooled_always": frozenset({"in_flight_by_minute"}),
    "pooled_buckets": frozenset(_CURVES) - {"kind_follow_up"},
    "cohort_total": frozenset(_RATES) - {"kind_follow_up"},
    "pooled_total": frozenset(_RATES) - {"kind_follow_up"},
    "buckets_total": frozenset(_RATES) - {"kind_follow_up"},
}
#: The files that create further views from the views of a database.
AFTER: Final = {
    "whole": ("histories",),
    "cohort": ("latencies", "quantiles"),
    "pooled": ("follow_up", "quantiles", "outcome_curve"),
    "pooled_buckets": ("quantiles",),
}
