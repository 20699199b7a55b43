"""The command `load`: load what is archived and not loaded yet, and summarise the result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import load as loading
from pipeline.data_folder import require_archive
from pipeline.errors import ExitCode
from warehouse.errors import CANNOT_LOAD
from warehouse.load.loader import Loaded

if TYPE_CHECKING:
    from pipeline.run import Run


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """One load; the keys of `load --json`.

    Attributes:
        segments_loaded: archive segments loaded.
        answers_loaded: answers in them that were not loaded before.
        damaged: a message about each segment that could not be read; the others are loaded.
        published: the file readers open; null when nothing was published.
        exit_code: how it ended.
        problem: why nothing, or not everything, was loaded or published, as a sentence; null when nothing was wrong.
        seconds: how long it took.
    """

    segments_loaded: int
    answers_loaded: int
    damaged: list[str]
    published: str | None
    exit_code: ExitCode
    problem: str | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return dataclasses.asdict(self) | {"exit_code": int(self.exit_code)}

    def as_lines(self) -> list[str]:
        """For people."""
        loaded = (
            f"loaded {self.segments_loaded:,} segments with {self.answers_loaded:,} answers in {self.seconds:.1f} s"
        )
        return [loaded, *([f"published {self.published}"] if self.published else [])]


def load(run: Run, *, publish: bool = True, of_run: str | None = None) -> LoadSummary:
    """Load what is archived and not loaded yet, then publish. If publishing fails, what was loaded stays loaded.

    Args:
        run: from `run.begin`.
        publish: False leaves publishing to a later load.
        of_run: only what this run archived. If it still archives, more may come while this loads: then that is loaded,
            too (see `_is_worth_another`).

    Raises:
        UnusableInputError: when there is no archive.
        ArchiveError: when the archive cannot be read.
    """
    require_archive(run.paths)
    done = Loaded()
    problem: str | None = None
    try:
        with loading.writer(run, run.settings.lock_wait, done) as writer:
            is_more = True
            while is_more:
                before = done.answers
                with writer.open_loaded(of_run=of_run):
                    pass
                is_more = of_run is not None and _is_worth_another(run, done.answers - before)
            if publish:
                writer.publish()
    except CANNOT_LOAD as error:
        problem = str(error)
    return LoadSummary(
        segments_loaded=done.segments,
        answers_loaded=done.answers,
        damaged=[one.error for one in done.damaged],
        published=run.published if publish and problem is None else None,
        exit_code=ExitCode.NOT_LOADED if problem else ExitCode.DONE,
        problem=problem,
        seconds=round(run.clock.monotonic() - run.began, 3),
    )


def _is_worth_another(run: Run, answers: int) -> bool:
    """Whether to look once more for what the run has archived, after a pass that loaded so many answers.

    A new process would cost half a second of CPU. After few there are few again; after many the run itself is faster,
    as it uses all cores.
    """
    usual = run.sizes.load_answers
    return usual / 10 <= answers <= usual
