"""The ways that a file with ids comes in: each tried in an empty data directory, with what it accepted and said."""

from __future__ import annotations

import io
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline import run as runs
from pipeline.collect.accept import accept
from pipeline.collect.request import CollectRequest
from pipeline.errors import UnusableInputError
from pipeline.intake.feeds import Feeds, feed_pieces
from pipeline.intake.rejections import Rejections
from pipeline.run import Reporter
from pipeline.settings import Settings
from warehouse.archive import parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


@dataclass
class Outcome:
    """The result.

    Attributes:
        ids: those accepted, in order.
        rejected: the named rejections.
        refusal: the sentence about the file; None when it was read to its end.
        warnings: whatever else was said.
    """

    ids: list[str] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    refusal: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[int]:
        return [one["line"] for one in self.rejected]


def take(folder: Path, request: CollectRequest, key: str | None = None) -> Outcome:
    """Accept ids as a run does; what is said of them, and what is in the archive then."""
    outcome = Outcome()
    settings = Settings(data_dir=folder / "data", api_key=key, source="default")  # type: ignore[arg-type]
    run = runs.begin(settings, "collect", reporter=Reporter(warn=outcome.warnings.append))
    try:
        outcome.rejected = accept(run, request).rejections.named
    except UnusableInputError as error:
        outcome.refusal = str(error)
    segments = run.store.segments("requests")
    outcome.ids = [task_id for segment in segments for task_id in parquet.read(segment)["task_id"].to_list()]
    return outcome


def by_file(folder: Path, file: Path, column: str | None = None, key: str | None = None) -> Outcome:
    """`--ids-file FILE`."""
    return take(folder, CollectRequest(ids_file=str(file), ids_column=column), key)


def by_folder(folder: Path, file: Path, column: str | None = None, key: str | None = None) -> Outcome:
    """`--ids-from FOLDER`, with the file in it."""
    exports = folder / "exports"
    exports.mkdir()
    (exports / file.name).write_bytes(file.read_bytes())
    outcome = Outcome()
    rejections = Rejections(secrets=frozenset({key} if key else ()))
    feeds = Feeds(ids_from=str(exports), column=column)
    outcome.ids = [one for piece in feed_pieces(feeds, rejections, outcome.warnings.append) for one in piece]
    outcome.rejected = rejections.named
    outcome.refusal = next((words for words in outcome.warnings if "The other files are read" in words), None)
    return outcome


def by_inbox(folder: Path, file: Path, column: str | None = None, key: str | None = None) -> Outcome:
    """`--inbox FOLDER`, with the file in it; the refusal is what stands beside the file that was set aside."""
    path = drop(folder / "inbox", file.name, file.read_bytes())
    outcome = take(folder, CollectRequest(inbox=str(path.parent), ids_column=column), key)
    reason = path.parent / "unusable" / f"{file.name}.reason.txt"
    outcome.refusal = reason.read_text(encoding="utf-8") if reason.exists() else None
    assert (path.parent / ("done" if outcome.refusal is None else "unusable") / file.name).exists()
    return outcome


def by_stdin(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, column: str | None = None, key: str | None = None
) -> Outcome:
    """`--ids-file -`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    return take(folder, CollectRequest(ids_file="-", ids_column=column), key)


WAYS: Final[dict[str, Callable[..., Outcome]]] = {"file": by_file, "folder": by_folder, "inbox": by_inbox}


def drop(folder: Path, name: str, content: bytes, age_seconds: float = 60) -> Path:
    """A file that somebody put into a folder a minute ago."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age_seconds,) * 2)
    return path
