"""The headline numbers of a published warehouse, for terminals and artifacts: those of the report."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pipeline.errors import UnusableInputError
from reports.cohort import Cohort, open_cohort
from reports.errors import ReportError
from reports.headline import lines, read_facts

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def headline(paths: DataPaths) -> list[tuple[str, str]]:
    """Names and values, for people, of all tasks; the same words as the report's.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when the published copy was made by another version.
    """
    try:
        with contextlib.closing(open_cohort(paths, Cohort())) as con:
            return lines(*read_facts(con))
    except ReportError as error:
        raise UnusableInputError(str(error)) from error
