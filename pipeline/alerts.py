"""Alerts after a run: sent when a problem begins, once a day while it lasts, and when it is over.

What was sent before is stored beside the warehouse. Kinds must keep their names, because automations refer to them:
`slo-burning`, `tasks-stuck`, `collection-stale`, `schema-drift`, `key-refused`, `identity-conflict`, `ids-missing`, and
`resolved`.

A run sends the alerts about its own source and those about all sources. What was sent is stored for each source
separately, so that runs of several gateways neither forget nor repeat what the others sent.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.collect.other_ids import in_conflict, missing_storms
from pipeline.errors import ExitCode
from warehouse.archive.atomic import atomic_write
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.errors import NothingPublishedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from pipeline.collect.summary import Summary
    from pipeline.run import Run

#: How many alerts of each kind the sentence names; it only counts the rest.
NAMED_IN_SENTENCE: Final = 3

#: A problem that lasts is sent again after this time.
REMIND_AFTER: Final = timedelta(days=1)

RESOLVED: Final = "resolved"

_CRITICAL: Final = ("slo-burning", "collection-stale", "key-refused", "identity-conflict", "ids-missing")

#: The kinds that last, each with the words sent when it is over. Schema drift is not among them: it is an event.
_LASTING: Final = {
    "slo-burning": "the error budget no longer burns too fast",
    "tasks-stuck": "ended, or is no longer beyond three times the p99",
    "collection-stale": "usable answers arrive again, or nothing is due",
    "key-refused": "the gateway accepts the key again",
    "identity-conflict": "no id is answered with another task now",
    "ids-missing": "the gateway knows the ids again, or an hour has passed since they were polled",
}

#: What an alert is about: the source ('' for all of them), the kind, and the subject, e.g. an id or a field.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of alert.

    Attributes:
        kind: slo-burning, tasks-stuck, collection-stale, schema-drift, key-refused, identity-conflict, ids-missing, or
            resolved.
        keys: what it is about.
        words: a sentence about each of the first few keys.
        is_reminder: whether it was sent before and the problem still lasts.
    """

    kind: str
    keys: tuple[Key, ...]
    words: tuple[str, ...]
    is_reminder: bool = False

    @property
    def count(self) -> int:
        return len(self.keys)

    @property
    def severity(self) -> str:
        """`critical` or `warning`; `info` if the problem is over."""
        if self.kind == RESOLVED:
            return "info"
        return "critical" if self.kind in _CRITICAL else "warning"

    @property
    def sentence(self) -> str:
        more = f"; and {self.count - len(self.words):,} more" if self.count > len(self.words) else ""
        return f"{'Still: ' if self.is_reminder else ''}{'; '.join(self.words)}{more}"


@dataclass(frozen=True, slots=True)
class News:
    """Alerts to send now.

    Attributes:
        alerts: new ones and reminders, one per kind, and one for everything that is over.
        run: the run that sends them.
        sent_before: for each problem that still lasts, when it was last sent.
        over: problems that were sent before and are over.
    """

    alerts: list[Alert]
    run: Run
    sent_before: dict[Key, datetime]
    over: frozenset[Key] = frozenset()

    def mark_sent(self, sent: Iterable[Alert]) -> None:
        """Store which alerts were sent; the others are due again after the next run.

        A problem that is over is forgotten once its end was sent, so that it is sent as new if it comes back.
        """
        now, sent = self.run.clock.now(), list(sent)
        keys = self.sent_before | {key: now for alert in sent if alert.kind != RESOLVED for key in alert.keys}
        if not any(alert.kind == RESOLVED for alert in sent):
            keys |= {key: now for key in self.over if key[1] in _LASTING}
        for source in ("", self.run.settings.source):
            of_source = sorted((kind, what, at.isoformat()) for (of, kind, what), at in keys.items() if of == source)
            _write(_memory(self.run, source), of_source)


def news(run: Run, summary: Summary) -> News:
    """Alerts to send now: what is new, what lasts and was last sent at least a day ago, and what is over.

    They count as sent only after `News.mark_sent`.
    """
    published = _found(run)
    found = published or {}
    if summary.exit_code == ExitCode.KEY_REFUSED:
        found[summary.source, "key-refused", summary.source] = str(summary.problem)
    remembered = _remembered(run, found)
    is_known = {"key-refused": summary.requests > 0}  # others: from the published copy
    kept = {key for key in remembered if key in found or not is_known.get(key[1], published is not None)}
    over = frozenset(remembered.keys() - kept)
    due = {key for key in kept & found.keys() if run.clock.now() - remembered[key] >= REMIND_AFTER}
    new = [key for key in found if key not in remembered]
    alerts = [_alert(kind, new, found) for kind in _kinds(new)]
    alerts += [_alert(kind, due, found, is_reminder=True) for kind in _kinds(due) if kind in _LASTING]
    return News([*alerts, *_resolved(over)], run, {key: remembered[key] for key in kept}, over)


def _kinds(keys: Iterable[Key]) -> Iterable[str]:
    return dict.fromkeys(kind for _, kind, _ in keys)


def _alert(kind: str, keys: Iterable[Key], found: dict[Key, str], *, is_reminder: bool = False) -> Alert:
    of_kind = [key for key in found if key in set(keys) and key[1] == kind]
    return Alert(kind, tuple(of_kind), tuple(found[key] for key in of_kind[:NAMED_IN_SENTENCE]), is_reminder)


def _resolved(over: Iterable[Key]) -> list[Alert]:
    keys = tuple(sorted(key for key in over if key[1] in _LASTING))
    words = tuple(f"{what}: {_LASTING[kind]}" for _, kind, what in keys[:NAMED_IN_SENTENCE])
    return [Alert(RESOLVED, keys, words)] if keys else []


def _found(run: Run) -> dict[Key, str] | None:
    """The problems in the published warehouse; None if nothing is published."""
    with contextlib.suppress(NothingPublishedError), reader(run.paths) as con:
        rows = con.execute(statement("queries/alerts"), {"since": run.started_at, "now": run.clock.now()}).fetchall()
        found: dict[Key, str] = {(source or "", kind, what): words for source, kind, what, words in rows}
        found |= _doubts(run, con)
        return {key: words for key, words in found.items() if key[0] in ("", run.settings.source)}
    return None


def _doubts(run: Run, con: duckdb.DuckDBPyConnection) -> dict[Key, str]:
    conflicts = con.execute(statement("queries/identity_conflicts")).fetchall()
    storms = missing_storms(con, run.clock.now())
    return {
        **{(source, "identity-conflict", source): f"{source}: {in_conflict(*told)}" for source, *told in conflicts},
        **{(source, "ids-missing", source): words for source, words in storms.items()},
    }


def _remembered(run: Run, found: Iterable[Key]) -> dict[Key, datetime]:
    """What was sent before, and when last. Files of earlier versions are for all sources and have no times."""
    remembered: dict[Key, datetime] = {}
    for source in ("", run.settings.source):
        for kind, what, *at in _read(_memory(run, source)):
            if at:
                remembered[source, kind, what] = datetime.fromisoformat(at[0])
            else:
                remembered |= {key: run.clock.now() for key in found if key[1:] == (kind, what)}
    return remembered


def _memory(run: Run, source: str) -> Path:
    return run.paths.root / (f"alerts-{source}.json" if source else "alerts.json")


def _read(path: Path) -> list[list[str]]:
    with contextlib.suppress(OSError, ValueError):
        told: list[list[str]] = json.loads(path.read_text(encoding="utf-8"))
        return told
    return []


def _write(path: Path, keys: list[tuple[str, str, str]]) -> None:
    if keys or path.exists():
        with atomic_write(path) as file:
            file.write(json.dumps(keys, ensure_ascii=False).encode())
