"""Settings, read once, frozen, and passed in: `AVATAR_TASKS_*` from the environment or a `.env` file, or options."""

from __future__ import annotations

import difflib
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.errors import UnusableInputError
from warehouse.lake import PREFIX as LAKE_PREFIX
from warehouse.lake import Lake
from warehouse.objects import SCHEME, object_folder
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "AVATAR_TASKS_"

_UNITS: Final = {"s": 1, "second": 1, "m": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
_SPAN: Final = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([a-z]*?)s?\s*$", re.IGNORECASE)


def _span(value: object) -> object:
    """'7 days', '12h', '90' (seconds) as a timedelta; anything else is left for pydantic to judge."""
    if isinstance(value, str) and (found := _SPAN.match(value)):
        unit = found[2].lower() or "s"
        if unit in _UNITS:
            return timedelta(seconds=float(found[1]) * _UNITS[unit])
    return value


def _place(value: object) -> object:
    """A DuckDB file's path, or `ducklake:postgres:…`; messages leave out the rest, for it may hold a password."""
    if isinstance(value, str) and ":" in value and not value.startswith(LAKE_PREFIX) and not Path(value).drive:
        msg = (
            f"{value.partition(':')[0]!r} warehouses are not known, only a DuckDB file's path or {LAKE_PREFIX}… with "
            "how to reach PostgreSQL, e.g. ducklake:postgres:dbname=lake host=db"
        )
        raise ValueError(msg)
    return value


def _url(value: object) -> object:
    if isinstance(value, str) and "://" in value and not re.match(r"s3://[^/]+(/|$)", value):
        msg = f"{value!r} is neither a folder nor s3://bucket/prefix"
        raise ValueError(msg)
    return value


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Span = Annotated[timedelta, BeforeValidator(_span)]
WarehousePlace = Annotated[str, BeforeValidator(_place)]
Place = Annotated[str, BeforeValidator(_url)]
Redact = Annotated[frozenset[Literal["notify_hook", "signed_urls"]], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Everything that can be set; INTERFACE and README describe each."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    base_url: str | None = None
    api_key: SecretStr | None = None
    api_key_block: str | None = None
    source: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    data_dir: Path = Path("data")
    warehouse: WarehousePlace | None = None
    lake_data: Place | None = None
    archive: Place | None = None
    concurrency: int = Field(default=64, ge=1, le=4096)
    rate: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=30.0, gt=0)
    max_body_bytes: int = Field(default=8_388_608, ge=1024)
    redact: Redact = frozenset()
    give_up_after: Span = timedelta(days=7)
    max_unreachable_share: float = Field(default=0.5, ge=0, le=1)
    lock_wait: float = Field(default=60.0, ge=0)
    shard_ids: int = Field(default=100_000, ge=1)
    poll_min: float = Field(default=15.0, gt=0)

    @property
    def paths(self) -> DataPaths:
        file = Path(self.warehouse).absolute() if self.warehouse and not self._lake else None
        return DataPaths(self.data_dir.absolute(), file, self._lake, self._archive)

    @property
    def _archive(self) -> Path | None:
        if not self.archive:
            return None
        return object_folder(self.archive) if self.archive.startswith(SCHEME) else Path(self.archive).absolute()

    @property
    def _lake(self) -> Lake | None:
        if not self.warehouse or not self.warehouse.startswith(LAKE_PREFIX):
            return None
        data = self.lake_data or str(self.data_dir.absolute() / "lake")
        return Lake(self.warehouse.removeprefix(LAKE_PREFIX), data if SCHEME in data else str(Path(data).absolute()))

    @property
    def policy(self) -> PollingPolicy:
        return PollingPolicy(min_seconds=self.poll_min, give_up_after=self.give_up_after)


def read_settings(**options: Any) -> Settings:  # noqa: ANN401 - each option has its field's type, which pydantic checks
    """The settings in force; options given on the command line win over the environment, which wins over `.env`.

    Raises:
        UnusableInputError: for a name that is no setting, with a hint, or a value that cannot be used.
    """
    _refuse_unknown(name for name in os.environ if name.startswith(PREFIX))
    _refuse_unknown(name for name in dotenv_values(".env") if name.upper().startswith(PREFIX))
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + str(problem["loc"][0]).upper()
        msg = f"{name} cannot be used: {problem['msg'][0].lower()}{problem['msg'][1:]}"
        raise UnusableInputError(msg) from None  # pydantic's own words may hold the value, which may be a key


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in names:
        if name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"settings are {', '.join(known)}"
            msg = f"{name} is no setting: {hint}"
            raise UnusableInputError(msg)
