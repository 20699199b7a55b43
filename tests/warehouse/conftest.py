"""A data directory with an archive, and ways to load it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.warehouse.answers import Answer, Request, write_answers, write_requests
from tests.warehouse.tables import emptied
from warehouse.analysis import Analysis, read_analysis
from warehouse.archive.atomic import make_directory
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.database.writer import open_writer
from warehouse.load.loader import Loaded, load, unloaded
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.rebuild import rebuild
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import duckdb

    from warehouse.archive.parquet import Segment

DEFAULTS = read_analysis(Path("there is none"))


@dataclass
class Site:
    """A data directory."""

    paths: DataPaths
    policy: PollingPolicy = field(default_factory=PollingPolicy)

    @property
    def store(self) -> Archive:
        return Archive(LocalFolder(self.paths.archive))

    def writer(self, wait_seconds: float = 5) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """As `open_writer`."""
        make_directory(self.paths.root)
        return open_writer(self.paths.warehouse, wait_seconds)

    def archive(self, answers: Sequence[Answer] = (), requests: Sequence[Request] = ()) -> list[Segment]:
        """Write a segment of each, if there is anything to write."""
        written = [write_requests(self.store, requests)] if requests else []
        return written + ([write_answers(self.store, answers)] if answers else [])

    def load(self, analysis: Analysis = DEFAULTS) -> Loaded:
        """Load what is archived and not loaded yet."""
        with self.writer() as con:
            return load(con, unloaded(con, self.store), analysis, self.policy)

    def rebuild(self, analysis: Analysis = DEFAULTS, wait_seconds: float = 5, *, accept_loss: bool = False) -> Loaded:
        work = Derivation(self.paths, self.store, analysis, self.policy, wait_seconds)
        return rebuild(work, accept_loss=accept_loss)

    def copy_of(self, other: Site) -> Site:
        """This directory with what another has: quicker to have than loads."""
        shutil.copytree(other.paths.root, self.paths.root, symlinks=True)
        return self


@dataclass
class Bench:
    """A warehouse in memory, for everything that is about tables alone."""

    con: duckdb.DuckDBPyConnection
    store: Archive
    policy: PollingPolicy = field(default_factory=PollingPolicy)

    def load(
        self, answers: Sequence[Answer] = (), requests: Sequence[Request] = (), analysis: Analysis = DEFAULTS
    ) -> Loaded:
        """Archive and load, as one segment of each."""
        written = [write_requests(self.store, requests)] if requests else []
        written += [write_answers(self.store, answers)] if answers else []
        return load(self.con, written, analysis, self.policy)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(DataPaths(tmp_path / "data"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with emptied() as con:
        yield Bench(con, Archive(LocalFolder(tmp_path / "archive")))
