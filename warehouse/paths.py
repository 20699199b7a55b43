"""Where things are below the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warehouse.archive.local_folder import LocalFolder

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.archive.storage import Storage
    from warehouse.ducklake.lake import Lake

#: The file in an archive that says which data folder it is; see `warehouse.archive.folder_mark`.
MARK: Final = ".avatar-tasks.json"


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The paths of one data directory; reading them creates nothing.

    Attributes:
        root: the data directory.
        warehouse_file: the warehouse's file, if it is not below `root`.
        lake: the lake that is used instead of that file, if there is one.
        archive_at: where the archive is, if it is not below `root`: a folder, or a place on object storage.
        is_shared: whether what readers open is readable for the group of `root`.
    """

    root: Path
    warehouse_file: Path | None = None
    lake: Lake | None = None
    archive_at: Storage | None = None
    is_shared: bool = False

    @property
    def storage(self) -> Storage:
        """The place of the archive."""
        return self.archive_at or LocalFolder(self.root / "archive")

    @property
    def archive(self) -> Path:
        """The folder of the archive, if it is not on object storage."""
        return self.storage.folder or self.root / "archive"

    @property
    def has_mark(self) -> bool:
        """Whether the archive is in a folder and has its mark; imports nothing that only reading the mark needs."""
        return self.storage.folder is not None and (self.storage.folder / MARK).exists()

    @property
    def warehouse(self) -> Path:
        return self.warehouse_file or self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published" / "current.duckdb"

    def version_of(self, published: Path) -> Path:
        """The unique name of a published copy while it is the newest, beside the shared `published/current.duckdb`."""
        status = published.stat()
        return self.published.with_name(f".version-{status.st_mtime_ns}-{status.st_ino}.duckdb")

    def published_version(self) -> Path:
        """The newest published copy by its unique name, or by the shared name if it has no unique one.

        Raises:
            FileNotFoundError: when nothing has been published.
        """
        version = self.version_of(self.published)
        return version if version.exists() else self.published

    @property
    def analysis(self) -> Path:
        return self.root / "analysis.toml"

    @property
    def active_runs(self) -> Path:
        return self.root / ".at-work"

    @property
    def maintenance(self) -> Path:
        """The file that `maintain` locks, so that only one runs at a time."""
        return self.root / "maintain"

    @property
    def gateways(self) -> Path:
        """What runs remember about gateways, one file for each source; it may be deleted without loss."""
        return self.root / ".gateways"

    @property
    def reports(self) -> Path:
        return self.root / "reports"
