"""Alerts after a run, each sent once: what was sent before is remembered beside the warehouse.

Kinds are promises, for automations are triggered by them: `slo-burning`, `tasks-stuck`, `collection-stale`,
`schema-drift`, `key-refused`, `identity-conflict`, `ids-missing`.

A run speaks for its own source, and of what is about all; each source has a memory of its own, so that runs of several
gateways neither forget nor repeat what the others sent.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
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

#: How many of each kind are named in the sentence; the rest are counted.
NAMED_IN_SENTENCE: Final = 3

#: What an alert is about: which source it is about ('' for all of them), its kind, and what exactly.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of alert.

    Attributes:
        kind: slo-burning, tasks-stuck, collection-stale, schema-drift, key-refused, identity-conflict or ids-missing.
        keys: what there is now that was not sent before.
        words: about each of the first.
    """

    kind: str
    keys: tuple[Key, ...]
    words: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.keys)

    @property
    def sentence(self) -> str:
        more = f"; and {self.count - len(self.words):,} more" if self.count > len(self.words) else ""
        return "; ".join(self.words) + more


@dataclass(frozen=True, slots=True)
class News:
    """Alerts to send now, which were not sent before.

    Attributes:
        alerts: one per kind.
        run: whose news these are.
        sent_before: what was sent before and still holds.
    """

    alerts: list[Alert]
    run: Run
    sent_before: frozenset[Key]

    def mark_sent(self, sent: Iterable[Alert]) -> None:
        """Remember what was sent; what was not is news again after the next run.

        What is over is forgotten, so that it is sent again when it comes back.
        """
        keys = self.sent_before | {key for alert in sent for key in alert.keys}
        for source in ("", self.run.settings.source):
            _write(_memory(self.run, source), sorted((kind, what) for of, kind, what in keys if of == source))


def news(run: Run, summary: Summary) -> News:
    """Alerts to send now, which were not sent before; they count as sent after `News.mark_sent`."""
    found = _found(run)
    if summary.exit_code == ExitCode.KEY_REFUSED:
        found[summary.source, "key-refused", summary.source] = str(summary.problem)
    sent_before = _sent_before(run, found)
    new = [key for key in found if key not in sent_before]
    kinds = dict.fromkeys(kind for _, kind, _ in new)
    return News([_alert(kind, [key for key in new if key[1] == kind], found) for kind in kinds], run, sent_before)


def _alert(kind: str, keys: list[Key], found: dict[Key, str]) -> Alert:
    return Alert(kind, tuple(keys), tuple(found[key] for key in keys[:NAMED_IN_SENTENCE]))


def _found(run: Run) -> dict[Key, str]:
    with contextlib.suppress(NothingPublishedError), reader(run.paths) as con:
        rows = con.execute(statement("queries/alerts"), {"since": run.started_at, "now": run.clock.now()}).fetchall()
        found: dict[Key, str] = {(source or "", kind, what): words for source, kind, what, words in rows}
        found |= _doubts(run, con)
        return {key: words for key, words in found.items() if key[0] in ("", run.settings.source)}
    return {}


def _doubts(run: Run, con: duckdb.DuckDBPyConnection) -> dict[Key, str]:
    conflicts = con.execute(statement("queries/identity_conflicts")).fetchall()
    storms = missing_storms(con, run.clock.now())
    return {
        **{(source, "identity-conflict", source): f"{source}: {in_conflict(*told)}" for source, *told in conflicts},
        **{(source, "ids-missing", source): words for source, words in storms.items()},
    }


def _sent_before(run: Run, found: dict[Key, str]) -> frozenset[Key]:
    """What of all that holds was sent before; one memory of all sources, as earlier versions had it, is of each."""
    memory = {source: _read(_memory(run, source)) for source in ("", run.settings.source)}
    return frozenset(key for key in found if [*key[1:]] in memory[key[0]] or [*key[1:]] in memory[""])


def _memory(run: Run, source: str) -> Path:
    return run.paths.root / (f"alerts-{source}.json" if source else "alerts.json")


def _read(path: Path) -> list[list[str]]:
    with contextlib.suppress(OSError, ValueError):
        told: list[list[str]] = json.loads(path.read_text(encoding="utf-8"))
        return told
    return []


def _write(path: Path, keys: list[tuple[str, str]]) -> None:
    if keys or path.exists():
        with atomic_write(path) as file:
            file.write(json.dumps(keys, ensure_ascii=False).encode())
