"""How a run ended: how many ids it reached, its exit code, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.collect.summary import UNREACHABLE
from pipeline.errors import ExitCode
from reports.words import plural
from warehouse import plan

if TYPE_CHECKING:
    import duckdb

    from gateway.client import GatewayClient
    from pipeline.collect.fetch import Tally

#: The exit code of a run, by what is wrong with the gateway.
_EXIT_CODES: Final = {"key_refused": ExitCode.KEY_REFUSED, "no_gateway": ExitCode.UNUSABLE_INPUT}

#: If the deadline comes, such an answer does not make the id unreachable: the next request might have succeeded.
_LIMITED: Final = "throttled"


@dataclass(frozen=True, slots=True)
class Reached:
    """What happened to the ids of a run; see the fields of the same names in `Summary`."""

    asked: int
    fetched: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    not_polled: int
    unreachable: int


def count_reached(con: duckdb.DuckDBPyConnection, run_id: str, tally: Tally, client: GatewayClient) -> Reached:
    """Count ids by their last answer. Ids never polled count as unreachable, or as not polled if the deadline came."""
    left = plan.tasks_of_run(con, run_id)
    outcomes = plan.answers_of_run(con, run_id)
    fetched = max(tally.answered, sum(outcomes.values()))
    never_polled = max(tally.planned - max(tally.answered, fetched - plan.listed_answers_of_run(con, run_id)), 0)
    limited = sum(count for outcome, _, count in left if outcome == _LIMITED)
    not_polled = never_polled + limited if _is_stopped(client) else 0
    return Reached(
        asked=never_polled + sum(count for _, _, count in left),
        fetched=fetched,
        outcomes=outcomes,
        statuses={status: count for outcome, status, count in left if outcome == "task" and status is not None},
        not_polled=not_polled,
        unreachable=never_polled + sum(count for outcome, _, count in left if outcome in UNREACHABLE) - not_polled,
    )


def is_hopeless(client: GatewayClient) -> bool:
    """Whether another round would fail in the same way: the key is refused, or there is no gateway."""
    return client.conclusion is not None and client.conclusion.reason in _EXIT_CODES


def judge_gateway(client: GatewayClient, *, is_known: bool) -> tuple[ExitCode, str] | None:
    """How the run ends if something is wrong with the key or the address; None if nothing is.

    If the gateway has answered before (`is_known`), a few web pages come from its proxy and do not mean that its
    address is wrong.
    """
    conclusion = client.conclusion
    if conclusion is None or conclusion.reason not in _EXIT_CODES:
        return None
    if is_known and client.ended is None and conclusion.reason == "no_gateway":
        return None
    return _EXIT_CODES[conclusion.reason], conclusion.sentence


def judge_reach(client: GatewayClient, reached: Reached, most_unreachable: float) -> tuple[ExitCode, str] | None:
    """How the run ends if more than the share `most_unreachable` of its ids could not be reached; None if not."""
    polled = reached.asked - reached.not_polled
    if not polled or reached.unreachable / polled <= most_unreachable:
        return None
    why = client.conclusion.sentence if client.conclusion else _why_unreachable(client)
    return ExitCode.UNREACHABLE, f"{reached.unreachable:,} of {plural(polled, 'id')} could not be reached. {why}"


def _is_stopped(client: GatewayClient) -> bool:
    """Whether it stopped because the deadline came, so that ids it did not poll wait for the next run."""
    return client.ended is not None and client.ended.reason == "stopped"


def _why_unreachable(client: GatewayClient) -> str:
    last = f": the last failure was {client.last_failure}" if client.last_failure else ""
    return f"The gateway or the network fails{last}. What was collected is kept: run again later."
