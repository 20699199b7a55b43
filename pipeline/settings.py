"""Settings, read once, frozen and passed in: options, or `AVATAR_TASKS_*` in the environment or a `.env` file."""

from __future__ import annotations

import difflib
import errno
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, ValidationError, WrapValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.wire.endpoints import TASK_PATH
from pipeline.errors import UnusableInputError
from pipeline.spans import read_span
from warehouse import home
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.object_store import SCHEME, ObjectFolder
from warehouse.ducklake.lake import PREFIX as LAKE_PREFIX
from warehouse.ducklake.lake import Lake, lake_at
from warehouse.environment import FILE, PREFIX, read_layers
from warehouse.errors import EnvironmentFileError
from warehouse.load.budget import Budget, budget_of
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warehouse.archive.storage import Storage

#: What is never stored or shown.
SECRET_SETTINGS: Final = ("api_key", "access_token", "user_id", "callback_secret")

#: Secrets that may be in a Prefect Secret block, which the setting `…_block` names.
BLOCKS: Final = ("api_key", "access_token")

#: The form of keys that gateways of this family issue. As the value of any other setting it would be stored or shown.
LOOKS_LIKE_A_KEY: Final = re.compile(r"\bsk-[A-Za-z0-9]{20,}")


def _span(value: object) -> object:
    """'7 days', '12h', '90' (seconds) as a timedelta; anything else is left to pydantic."""
    span = read_span(value, default_unit="s") if isinstance(value, str) else None
    return value if span is None else span


def _amount(value: object, read: Callable[[object], object]) -> object:
    """Bytes; pydantic's own messages say neither the unit nor how to write it."""
    try:
        return read(value)
    except ValidationError:
        raise ValueError("give an amount from 100MB to 1PiB, e.g. 350MB") from None


def _place(value: object) -> object:
    """A DuckDB file's path, or `ducklake:postgres:…`. Messages leave out what follows, as it may hold a password."""
    if isinstance(value, str) and ":" in value and not value.startswith(LAKE_PREFIX) and not Path(value).drive:
        msg = (
            f"{value.partition(':')[0]!r} is not a known kind of warehouse: give a DuckDB file's path, or "
            f"{LAKE_PREFIX}… with PostgreSQL's connection string, e.g. ducklake:postgres:dbname=lake host=db"
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


def _home(value: object) -> object:
    return home.expand(str(value)) if isinstance(value, str | Path) else value


def _no_url(value: object) -> object:
    """A URL is refused as a folder: if one is given by mistake, messages would repeat the password in it."""
    if isinstance(value, str | Path) and re.match(r"[a-z][a-z0-9+.-]*:/", str(value), re.IGNORECASE):
        raise ValueError("it is a URL, but a folder is needed")
    return value


def _usable_path(value: str | Path) -> str | Path:
    """A path that all libraries accept. The address of a lake is not a path, and is accepted as it is."""
    if not str(value).strip():
        raise ValueError("it is empty")
    if str(value).startswith(LAKE_PREFIX):
        return value
    _require_plain_name(value)
    if Path(value).exists() and not (Path(value).is_file() or Path(value).is_dir()):
        raise ValueError("it is a device or a pipe, but a file or folder is needed")
    if "?" in str(Path(value).absolute()):
        raise ValueError(
            "its path has a ? in it, and DuckDB cannot write its log beside such a file: choose another folder"
        )
    return value


def _no_folder(value: str) -> str:
    if not value.startswith(LAKE_PREFIX) and Path(value).is_dir():
        raise ValueError(f"{value} is a folder, but the path of a DuckDB file is needed")
    return value


def _path_with_id(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/:@-]*\{id\}[A-Za-z0-9._~/:@-]*", value):
        msg = f"{value!r} is not a path with {{id}} in it, such as {TASK_PATH} or /v1/videos/{{id}}"
        raise ValueError(msg)
    return value


def _in_a_path(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@-]*", value.get_secret_value()):
        raise ValueError(
            "it becomes the last part of a URL, and has a character that has a meaning there (/ ? # % or a space). Use "
            "letters and digits, e.g. the output of `openssl rand -hex 24`"
        )
    return value


def _require_plain_name(value: str | Path) -> None:
    if re.search(r"[\x00-\x1f\x7f]", str(value)):
        raise ValueError("it has a line break or control character in it: is a quote not closed?")
    try:
        os.fspath(value).encode()
        os.lstat(Path(value, "published", "x" * 60))
    except UnicodeEncodeError:
        raise ValueError("it is not valid UTF-8") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError("its name is too long") from None


Span = Annotated[timedelta, BeforeValidator(_span), Field(gt=timedelta(0), le=timedelta(days=36_525))]
Folder = Annotated[Path, BeforeValidator(_home), BeforeValidator(_no_url), AfterValidator(_usable_path)]
WarehousePlace = Annotated[
    str, BeforeValidator(_home), BeforeValidator(_place), AfterValidator(_usable_path), AfterValidator(_no_folder)
]
Place = Annotated[str, BeforeValidator(_home), BeforeValidator(_url), AfterValidator(_usable_path)]
TaskPath = Annotated[str, AfterValidator(_path_with_id)]
PathSecret = Annotated[SecretStr, Field(min_length=16, max_length=200), AfterValidator(_in_a_path)]
Redact = Annotated[frozenset[Literal["notify_hook", "signed_urls"]], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Everything that can be set; README describes each."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, allow_inf_nan=False
    )

    base_url: str | None = None
    api_key: SecretStr | None = None
    api_key_block: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")  # Prefect's rule for names of blocks
    access_token: SecretStr | None = None
    access_token_block: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    user_id: SecretStr | None = Field(default=None, min_length=1, max_length=20)
    callback_secret: PathSecret | None = None
    source: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    data_dir: Folder = Path("data")
    warehouse: WarehousePlace | None = None
    lake_data: Place | None = None
    archive: Place | None = None
    task_path: TaskPath = TASK_PATH
    fetch: Literal["single", "bulk", "auto"] = "auto"
    concurrency: int = Field(default=64, ge=1, le=4096)
    rate: float | None = Field(default=None, ge=0.001, le=1_000_000)
    timeout: float = Field(default=30.0, gt=0, le=86_400)
    max_body_bytes: int = Field(default=8_388_608, ge=1024, le=2**40)
    redact: Redact = frozenset()
    give_up_after: Span = timedelta(days=7)
    max_unreachable_share: float = Field(default=0.5, ge=0, le=1)
    lock_wait: float = Field(default=60.0, ge=0, le=604_800)
    shard_ids: int = Field(default=100_000, ge=1)
    memory: Annotated[ByteSize, Field(ge=100_000_000, le=2**50), WrapValidator(_amount)] | None = None
    load_processes: int | None = Field(default=None, ge=1, le=1024)
    poll_min: float = Field(default=15.0, gt=0, le=86_400)
    first_start: bool | None = None
    accept_other_ids: bool = False
    log_format: Literal["text", "json"] = "text"
    share: Literal["group"] | None = None
    run_as_owner: bool = False

    @property
    def paths(self) -> DataPaths:
        file = Path(self.warehouse).absolute() if self.warehouse and not self._lake else None
        return DataPaths(self.data_dir.absolute(), file, self._lake, self._archive, self.share == "group")

    @property
    def _archive(self) -> Storage | None:
        if not self.archive:
            return None
        if self.archive.startswith(SCHEME):
            return ObjectFolder.at(self.archive)
        return LocalFolder(Path(self.archive).absolute())

    @property
    def _lake(self) -> Lake | None:
        data = self.lake_data or str(self.data_dir.absolute() / "lake")
        return lake_at(self.warehouse or "", data if SCHEME in data else str(Path(data).absolute()))

    @property
    def policy(self) -> PollingPolicy:
        return PollingPolicy(
            min_seconds=self.poll_min,
            give_up_after=self.give_up_after,
            source=self.source,
            accept_other_ids=self.accept_other_ids,
        )

    @property
    def budget(self) -> Budget:
        """The memory and processes that a load may use."""
        return budget_of(self.load_processes, self.memory)


def read_settings(**options: Any) -> Settings:  # noqa: ANN401 - each option has its field's type, which pydantic checks
    """The settings in force; options given on the command line win over the environment, which wins over `.env`.

    Raises:
        UnusableInputError: for an unknown setting, with a hint, or a value that cannot be used.
    """
    values = read_values() | {name: value for name, value in options.items() if value is not None}
    return validated(values)


def read_values() -> dict[str, Any]:
    """What is set in the environment and in `.env`, by the field names of `Settings`.

    Raises:
        UnusableInputError: for an unknown setting, with a hint.
    """
    try:
        layers = read_layers()
    except EnvironmentFileError as error:
        raise UnusableInputError(str(error)) from None
    for where, names in layers.items():
        _refuse_unknown(names, where if where == str(FILE) else f"the {where}")
    found = {name: value for layer in layers.values() for name, value in layer.items()}
    return {name.removeprefix(PREFIX).lower(): value for name, value in found.items()}


def validated(values: dict[str, Any]) -> Settings:
    """Settings from these values, which take precedence over the environment.

    Raises:
        UnusableInputError: for a value that cannot be used.
    """
    _refuse_keys(values)
    try:
        return Settings(**values)
    except OverflowError:
        msg = f"{PREFIX}GIVE_UP_AFTER cannot be used: it is too long a time"
        raise UnusableInputError(msg) from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + str(problem["loc"][0]).upper()
        what = problem["msg"].removeprefix("Value error, ")
        msg = f"{name} cannot be used: {what[0].lower()}{what[1:]}"
        raise UnusableInputError(msg) from None  # pydantic's message may hold the value, which may be a key


def secrets_in_blocks(settings: Settings) -> list[str]:
    """The names, as in messages, of secrets that only a Prefect block holds."""
    return [name.upper() for name in BLOCKS if getattr(settings, f"{name}_block") and not getattr(settings, name)]


def _refuse_keys(values: dict[str, Any]) -> None:
    """Refuse a key as the value of another setting: those values are stored or shown somewhere."""
    for name, value in values.items():
        if isinstance(value, str | Path) and name not in SECRET_SETTINGS and LOOKS_LIKE_A_KEY.search(str(value)):
            msg = f"{PREFIX}{name.upper()} contains what looks like a key: put keys only into {PREFIX}API_KEY"
            raise UnusableInputError(msg)


def _refuse_unknown(names: Iterable[str], where: str) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"settings are {', '.join(known)}"
            msg = f"unknown setting {name[:80]} in {where}: {hint}"
            raise UnusableInputError(msg)
