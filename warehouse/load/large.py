"""Loads of any size, in transactions one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warehouse.database.memory_limit import lower_limit
from warehouse.database.session import temporary_folder
from warehouse.load.budget import STEP_ROWS, Budget
from warehouse.load.loader import load
from warehouse.load.prepared import prepare_steps
from warehouse.load.steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import duckdb

    from warehouse.analysis import Analysis
    from warehouse.archive.parquet import Segment
    from warehouse.load.loader import Loaded
    from warehouse.load.prepared import Prepared
    from warehouse.policy import PollingPolicy

_ALONE: Final = Budget()


def load_in_steps(
    con: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    analysis: Analysis,
    policy: PollingPolicy,
    step_rows: int = STEP_ROWS,
    *,
    budget: Budget = _ALONE,
    between: Callable[[duckdb.DuckDBPyConnection], None] = lambda _con: None,
) -> Iterator[Loaded]:
    """Load any number of segments in transactions of about `step_rows` rows; yields the result of each.

    What a transaction changes stays in memory, uncompressed, until it commits; with steps of a limited size, memory
    does not grow with the archive. Each step is visible completely or not at all, and the ledger lists what is visible.
    If there is much to load, as many processes as the budget allows read and flatten the next answers. `between` is
    called with the connection between two steps.

    Raises:
        duckdb.Error, ArchiveError: see `load`; steps that are committed stay loaded.
    """
    steps = list(steps_of(segments, step_rows))
    with prepare_steps(steps, analysis.failure_rules, budget, temporary_folder(con)) as ready:
        yield from load_prepared(con, zip(steps, ready, strict=True), analysis, policy, budget=budget, between=between)


def load_prepared(
    con: duckdb.DuckDBPyConnection,
    steps: Iterable[tuple[Sequence[Segment], Prepared]],
    analysis: Analysis,
    policy: PollingPolicy,
    *,
    budget: Budget,
    between: Callable[[duckdb.DuckDBPyConnection], None],
) -> Iterator[Loaded]:
    """As `load_in_steps`, for steps that are already prepared, or that other processes are preparing."""
    if budget.is_short:
        lower_limit(con, budget.file_bytes)
    for number, (step, prepared) in enumerate(steps):
        if number > 0:
            between(con)
        done = load(con, step, analysis, policy, prepared, budget.piece_pages)
        prepared.release()
        yield done
