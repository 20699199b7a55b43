"""Where things lie below the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The places of one data directory; nothing is created by looking at them."""

    root: Path
    warehouse_file: Path | None = None

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def warehouse(self) -> Path:
        return self.warehouse_file or self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published" / "current.duckdb"

    @property
    def analysis(self) -> Path:
        return self.root / "analysis.toml"

    @property
    def plans(self) -> Path:
        return self.root / "plans"

    @property
    def reports(self) -> Path:
        return self.root / "reports"
