"""The headline numbers: one definition for the report, the notebook, `demo`, `status` and Prefect's artifacts.

In this module, `facts` is the row of the view `headline` (`reports/views/headline.sql`), and `classes` has the share of
each `fail_class` in the failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports import sentences, words
from reports.elements import Tile

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import polars as pl

Facts = dict[str, Any]

#: The views that `read_facts` reads.
READ: Final = frozenset({"headline", "failure_reasons"})

_CLASSES: Final = """
    select fail_class, sum(share) as share,
    from cohort.failure_reasons
    group by all
    order by share desc, fail_class
"""


def read_facts(con: duckdb.DuckDBPyConnection) -> tuple[Facts, pl.DataFrame]:
    """`facts` and `classes`, from a connection of `cohort.open_cohort`."""
    return con.sql("from headline").pl().row(0, named=True), con.sql(_CLASSES).pl()


def lines(facts: Facts, classes: pl.DataFrame) -> list[tuple[str, str]]:
    """Names and values for terminals and artifacts: the report's tiles, and its sentence about whose fault it is."""
    return [
        ("ids", accounted(facts)),
        *((tile.label.lower(), "; ".join(_parts(tile, accounted(facts)))) for tile in tiles(facts)),
        ("whose fault", sentences.whose(classes)),
        ("submitted", f"{words.minute(facts['first_submit_time'])} to {words.moment(facts['last_submit_time'])}"),
        ("last answer", _freshness(facts)),
        *(("lists of ids", sentence) for sentence in _unclear(facts)),
    ]


def _parts(tile: Tile, said: str) -> Iterator[str]:
    yield f"{tile.shown} ({tile.range_shown})" if tile.range_shown else tile.shown
    yield from (note for note in tile.notes if note != said)


def tiles(facts: Facts) -> list[Tile]:
    """The headline numbers, each with its uncertainty."""
    return [
        _tasks(facts),
        _rate(facts),
        *(_quantile(facts, name, label) for name, label in _QUANTILES.items()),
        Tile(
            "in_flight", "In flight", facts["in_flight"], words.count(facts["in_flight"]), "", ("not seen to end yet",)
        ),
        Tile(
            "stuck",
            "Stuck",
            facts["stuck"],
            words.count(facts["stuck"]),
            "",
            ("running for over three times as long as 99% of their kind take",),
            "bad" if facts["stuck"] else "plain",
        ),
    ]


_QUANTILES: Final = {"p50": "Half have ended within", "p95": "95% have ended within"}


def _tasks(facts: Facts) -> Tile:
    stand = f"{facts['succeeded']:,} succeeded, {facts['failed']:,} failed, {facts['in_flight']:,} in flight"
    unknown = f", {facts['unknown']:,} of unknown status" if facts["unknown"] else ""
    is_missing = facts["quarantined"] or facts["given_up"]
    tone: Final = "bad" if is_missing else "plain"
    return Tile(
        "tasks", "Tasks", facts["tasks"], words.count(facts["tasks"]), "", (stand + unknown, accounted(facts)), tone
    )


def accounted(facts: Facts) -> str:
    """The state of all accepted ids, as text: the four parts add up to the whole."""
    return (
        f"{words.plural(facts['accepted'], 'id')} accepted: {facts['understood']:,} understood, "
        f"{facts['quarantined']:,} quarantined, {facts['given_up']:,} given up, {facts['pending']:,} pending"
    )


def _rate(facts: Facts) -> Tile:
    known = facts["failure_rate"] is not None
    provider = (
        f"{words.percent(facts['provider_fault_rate'])} ({_interval(words.percent, facts, 'provider_fault_rate')})"
    )
    return Tile(
        "failure_rate",
        "Failure rate",
        facts["failure_rate"],
        words.percent(facts["failure_rate"]),
        _interval(words.percent, facts, "failure_rate") if known else "",
        (f"projected {words.percent(facts['projected_failure_rate'])}", f"by the provider {provider}") if known else (),
    )


def _quantile(facts: Facts, name: str, label: str) -> Tile:
    seconds, succeeded = facts[f"{name}_seconds"], facts[f"succeeded_{name}_seconds"]
    return Tile(
        f"{name}_seconds",
        label,
        seconds,
        words.duration(seconds),
        _interval(words.duration, facts, f"{name}_seconds") if seconds is not None else "",
        (f"of those that succeeded: {words.duration(succeeded)}",) if succeeded is not None else (),
    )


def _interval(shown: Any, facts: Facts, name: str) -> str:  # noqa: ANN401 - a function of words
    return words.interval(shown(facts[f"{name}_low"]), shown(facts[f"{name}_high"]))


def _freshness(facts: Facts) -> str:
    if facts["last_answer_at"] is None:
        return "none of use yet"
    late = "; ids are due, and no usable answer has come for an hour" if facts["is_stale"] else ""
    return f"{words.moment(facts['last_answer_at'])}{late}"


def in_short(facts: Facts, classes: pl.DataFrame) -> list[str]:
    """The report in a few plain sentences."""
    if not facts["tasks"]:
        return ["There is nothing to report: there is no task.", *_missing(facts), *_conflicts(facts)]
    return [
        *_stale(facts),
        *_conflicts(facts),
        *_missing(facts),
        *_ended_within(facts),
        *_failed(facts, classes),
        _running(facts),
        *_odd(facts),
    ]


def _stale(facts: Facts) -> list[str]:
    """A warning if collecting has stopped, so that the report is not up to date."""
    if not facts["is_stale"]:
        return []
    last = facts["last_answer_at"]
    since = f"since {words.moment(last)}" if last else "yet"
    return [f"Not up to date: no usable answer has come {since} although ids are due, so nothing newer is known."]


def _missing(facts: Facts) -> list[str]:
    """A sentence about ids that are in no figure."""
    missing = facts["accepted"] - facts["understood"]
    if not missing:
        return []
    share = words.percent(missing / facts["accepted"])
    are = "is" if missing == 1 else "are"
    return [f"{accounted(facts)}. {words.plural(missing, 'id')} ({share}) {are} in no figure here."]


def _ended_within(facts: Facts) -> list[str]:
    if facts["p50_seconds"] is None:
        return []
    differs = sentences.is_tail_known(facts) and facts["p95_seconds"] != facts["p50_seconds"]
    slow = f", one in twenty takes longer than {words.duration(facts['p95_seconds'])}" if differs else ""
    return [f"Half of the tasks have ended within {words.duration(facts['p50_seconds'])}{slow}."]


def _failed(facts: Facts, classes: pl.DataFrame) -> list[str]:
    if facts["failure_rate"] is None:
        return []
    blame = f" {sentences.whose(classes)}" if facts["failed"] else ""
    return [f"{_in_every(facts['failure_rate'])} of the tasks that ended failed.{blame}"]


def _odd(facts: Facts) -> list[str]:
    found = []
    if facts["unknown"]:
        have = "has" if facts["unknown"] == 1 else "have"
        found.append(
            f"{words.tasks(facts['unknown'])} {have} a status that nobody understands: neither running nor ended, and "
            "in no curve."
        )
    found += _unclear(facts)
    if facts["without_submit_time"]:
        found.append(
            f"{words.tasks(facts['without_submit_time'])} without a time of submission: counted, but in no curve."
        )
    return found


def _unclear(facts: Facts) -> list[str]:
    """A sentence about lists of ids that may contain running tasks only; if they do, the times shown are too long."""
    if not facts["unclear_lists"]:
        return []
    lists, those = words.plural(facts["unclear_lists"], "list"), words.tasks(facts["unclear_tasks"])
    sentence = (
        f"Whether {lists} of ids ({those}) came from running tasks alone is unclear: they count from submission, and "
        "times are too long if so. `collect --drawn-from running` or `all` ends doubt (see view accepted_lists)."
    )
    return [sentence]


def _conflicts(facts: Facts) -> list[str]:
    if not facts["identity_conflicts"]:
        return []
    many = words.tasks(facts["identity_conflicts"])
    advice = "see view mixed_up_answers, and check the proxy in front of the gateway"
    return [f"{many} got answers about other tasks and are in no number here: {advice}."]


def _in_every(share: float) -> str:
    if share in {0, 1}:
        return "None" if share == 0 else "Every one"
    if share > 1 / 3:
        return words.percent(share)
    return f"{words.percent(share)}, about one in {1 / share:,.0f},"


def _running(facts: Facts) -> str:
    if not facts["in_flight"]:
        return "Every task has ended." if not facts["unknown"] else "No task is known to be running."
    which = "all" if facts["stuck"] == facts["in_flight"] > 1 else f"{facts['stuck']:,}"
    stuck = f"{which} of them stuck" if facts["stuck"] else "none of them stuck"
    return f"{words.tasks(facts['in_flight'])} had not ended when last seen, {stuck}."
