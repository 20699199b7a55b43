"""Where things lie below the data directory."""

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
    """The places of one data directory; nothing is created by looking at them.

    Attributes:
        root: the data directory.
        warehouse_file: the warehouse's file, where it is not below `root`.
        lake: the lake that takes the place of that file, where there is one.
        archive_at: where the archive is, where it is not below `root`: a folder, or a place on object storage.
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
        """The folder of the archive, where it is in one."""
        return self.storage.folder or self.root / "archive"

    @property
    def has_mark(self) -> bool:
        """Whether the archive is in a folder and has its mark; without importing what reading it needs."""
        return self.storage.folder is not None and (self.storage.folder / MARK).exists()

    @property
    def warehouse(self) -> Path:
        return self.warehouse_file or self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published" / "current.duckdb"

    def version_of(self, published: Path) -> Path:
        """The name that a published copy alone has, while it is the newest: `published/current.duckdb` is replaced."""
        status = published.stat()
        return self.published.with_name(f".version-{status.st_mtime_ns}-{status.st_ino}.duckdb")

    def published_version(self) -> Path:
        """The newest published copy under the name it alone has; under its common name where it has no other.

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
        """What `maintain` locks, so that there is one at a time."""
        return self.root / "maintain"

    @property
    def gateways(self) -> Path:
        """What runs remember of gateways, a file for each source; nothing is lost with it."""
        return self.root / ".gateways"

    @property
    def reports(self) -> Path:
        return self.root / "reports"
