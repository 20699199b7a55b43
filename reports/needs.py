"""What needs a person now: a count, what it counts, and the command to run next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import words
from reports.cohort import using

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from reports.headline import Facts

#: Links that stop working within this many hours are counted as expiring.
_HOURS: Final = 24

_COUNTS: Final = """
    select
        count(*) filter (where not is_expired and seconds_left < $seconds) as expiring,
        count(*) filter (where is_expired) as expired,
        (select count(*) from refund_claims) as claims,
        (
            select count(*) from published.unknown_ids
            cross join memory.filters
            where sources is null or list_contains(sources, source)
        ) as unknown_ids,
        (
            select count(*) from whole.given_up_tasks
            cross join memory.filters
            where reason = 'too_old' and status is null and (sources is null or list_contains(sources, source))
        ) as given_up,
        (
            select count(*) from published.missing_storms
            cross join memory.filters
            where hour_start > $now::timestamptz - interval 1 day
                and (sources is null or list_contains(sources, source))
        ) as storms,
    from result_expiry_at($now)
"""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a person should look at.

    Attributes:
        key: its name in the page.
        noun: what is counted, singular.
        count: how many there are; never 0.
        says: what is wrong with them.
        command: the command that shows or repairs them.
    """

    key: str
    noun: str
    count: int
    says: str
    command: str


#: `noun`, `says` and `command` of each need, the most urgent first.
_WORDS: Final = {
    "stale": (
        "source",
        "without a usable answer{since}, although ids are due: {sources}. Is anything collecting?",
        "avatar-tasks check",
    ),
    "storms": (
        "hour",
        "of the last day in which the gateway knew nothing of most ids: is the key or the address another than before?",
        'avatar-tasks sql "from missing_storms"',
    ),
    "stuck": (
        "task",
        "stuck: still running beyond three times the time that 99% of their kind take",
        'avatar-tasks sql "from stuck_tasks order by age_seconds desc"',
    ),
    "expiring": (
        "link",
        "to a result that will stop working within 24 hours: download those videos",
        'avatar-tasks sql "from result_expiry where not is_expired order by expires_at"',
    ),
    "claims": (
        "task",
        "that failed, charged for and by a rule not refunded: to be claimed",
        "avatar-tasks evidence --claims --out claims.zip",
    ),
    "unknown_ids": (
        "id",
        "that the gateway says it does not know, as often as polled: submitted elsewhere?",
        'avatar-tasks sql "from unknown_ids"',
    ),
    "given_up": (
        "id",
        "given up as too old without an answer that was understood: in no figure. Were they ever submitted?",
        "avatar-tasks sql \"from given_up_tasks where reason = 'too_old' and status is null\"",
    ),
    "quarantined": ("id", "with an answer that could not be understood", 'avatar-tasks sql "from quarantine"'),
    "conflicts": (
        "task",
        "with answers about other tasks: check the proxy in front of the gateway",
        'avatar-tasks sql "from mixed_up_answers"',
    ),
    "expired": (
        "link",
        "to a result that no longer works: was the video downloaded?",
        'avatar-tasks sql "from result_expiry where is_expired"',
    ),
}


def needs(
    con: duckdb.DuckDBPyConnection, facts: Facts, stale_sources: str | None, now: datetime, where: str
) -> list[Need]:
    """The needs with a count above 0, the most urgent first.

    Args:
        con: a connection of `cohort.open_cohort`.
        facts: the row of the view `headline`.
        stale_sources: names of sources without a usable answer, joined by ", "; None if there are none.
        now: the current time.
        where: the option that names the data folder in commands: see `words.where`.
    """
    with using(con, "cohort"):
        counted = con.execute(_COUNTS, {"now": now, "seconds": _HOURS * 3600}).pl().row(0, named=True)
    counts = counted | {
        "stale": len(stale_sources.split(", ")) if stale_sources else 0,
        "stuck": facts["stuck"],
        "quarantined": facts["quarantined"],
        "conflicts": facts["identity_conflicts"],
    }
    since = f" since {words.moment(facts['last_answer_at'])}" if facts["last_answer_at"] else ""
    return [
        Need(key, noun, counts[key], says.format(since=since, sources=stale_sources), words.command(command, where))
        for key, (noun, says, command) in _WORDS.items()
        if counts[key]
    ]
