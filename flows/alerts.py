"""What somebody should be told after a run, once: what was told before is remembered beside the warehouse.

Kinds are promises, for automations are triggered by them: `slo-burning`, `tasks-stuck`, `schema-drift`, `key-refused`.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flows.errors import ExitCode
from warehouse.catalog import statement
from warehouse.connection import reader
from warehouse.durable import written_whole
from warehouse.errors import NothingPublishedError

if TYPE_CHECKING:
    from pathlib import Path

    from flows.run import Run
    from flows.summary import Summary

#: Of each kind, so many are told in words; the rest are counted.
TOLD_IN_WORDS: Final = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of thing to tell.

    Attributes:
        kind: slo-burning, tasks-stuck, schema-drift or key-refused.
        count: how many there are now that were not told before.
        words: about each of the first.
    """

    kind: str
    count: int
    words: tuple[str, ...]

    @property
    def sentence(self) -> str:
        more = f"; and {self.count - len(self.words):,} more" if self.count > len(self.words) else ""
        return "; ".join(self.words) + more


def news(run: Run, summary: Summary) -> list[Alert]:
    """What is to be told now and was not told before; it counts as told from here on.

    What is over is forgotten, so that it is told again when it comes back.
    """
    found = _found(run)
    if summary.exit_code == ExitCode.KEY_REFUSED:
        found["key-refused", summary.source] = str(summary.problem)
    told = _read(_memory(run))
    _write(_memory(run), [*found])
    new = {key: words for key, words in found.items() if list(key) not in told}
    return [_alert(kind, [words for (of, _), words in new.items() if of == kind]) for kind in {of: 0 for of, _ in new}]


def _alert(kind: str, words: list[str]) -> Alert:
    return Alert(kind, len(words), tuple(words[:TOLD_IN_WORDS]))


def _found(run: Run) -> dict[tuple[str, str], str]:
    with contextlib.suppress(NothingPublishedError), reader(run.paths) as con:
        rows = con.execute(statement("queries/alerts"), {"since": run.started_at}).fetchall()
        return {(kind, subject): words for kind, subject, words in rows}
    return {}


def _memory(run: Run) -> Path:
    return run.paths.root / "alerts.json"


def _read(path: Path) -> list[list[str]]:
    with contextlib.suppress(OSError, ValueError):
        told: list[list[str]] = json.loads(path.read_text(encoding="utf-8"))
        return told
    return []


def _write(path: Path, keys: list[tuple[str, str]]) -> None:
    with written_whole(path) as file:
        file.write(json.dumps(keys, ensure_ascii=False).encode())
