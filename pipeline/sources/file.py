"""`sources.toml` in the working folder: several gateways, each a table `[[source]]`. A single one needs no such file.

The file never contains a secret: it names the environment variable or the Prefect Secret block that holds it.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.errors import InvalidSetting
from gateway.wire.endpoints import TASK_PATH
from pipeline.errors import UnusableInputError
from pipeline.settings import LOOKS_LIKE_A_KEY, Redact, Span, TaskPath
from pipeline.spans import DEFAULT_SINCE, SpanError, read_span

#: Its name, in the working folder.
FILE: Final = Path("sources.toml")

#: Keys that would hold a secret, and the key to use instead.
_SECRETS: Final = {
    "api_key": "api_key_env",
    "key": "api_key_env",
    "password": "api_key_env",
    "secret": "api_key_env",
    "access_token": "access_token_env",
    "token": "access_token_env",
    "user_id": "user_id_env",
}

#: Names that a source cannot have: folders of an inbox, and the suffix of a deployment.
_RESERVED: Final = ("done", "unusable", "shard")


def _address(value: str) -> str:
    from gateway.wire.addresses import check_base_url  # httpx, which takes a tenth of a second

    try:
        return check_base_url(value)
    except InvalidSetting as error:
        words = str(error).removeprefix("BASE_URL ")
        raise ValueError(words.replace("AVATAR_TASKS_API_KEY", "the variable that api_key_env names")) from None


def _variable(value: str) -> str:
    if not value.isascii() or not value.isidentifier() or value != value.upper():
        raise ValueError(
            "it must be the name of an environment variable in capital letters, such as EU_KEY (its value is not shown)"
        )
    return value


def _since(value: str) -> str:
    try:
        if read_span(value, default_unit="s") is not None:
            return value
    except SpanError as error:
        raise ValueError(str(error)) from None
    msg = f"{value!r} is not a span of time, such as '7 days' or '12h'"
    raise ValueError(msg)


def _not_reserved(value: str) -> str:
    if value.lower() in _RESERVED:
        msg = f"{value!r} is reserved: choose another name"
        raise ValueError(msg)
    return value


Variable = Annotated[str, AfterValidator(_variable)]
Block = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Flag = Annotated[bool, Field(strict=True)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"), AfterValidator(_not_reserved)]
Redacted = Annotated[Redact, BeforeValidator(lambda value: ",".join(value) if isinstance(value, list) else value)]


class Source(BaseModel):
    """One gateway.

    Attributes:
        name: part of every key in the warehouse, like the setting SOURCE.
        base_url, task_path, fetch, rate, concurrency, timeout, max_body_bytes, redact, accept_other_ids,
            max_unreachable_share, poll_min, give_up_after: the settings of these names for this gateway; if not given,
            those common to all.
        api_key_env, access_token_env, user_id_env: the environment variable that holds the secret.
        api_key_block, access_token_block: the Prefect Secret block that holds the secret, as another possibility.
        discover, since, action: whether each `collect` reads the gateway's list of tasks, how far back, and which
            action.
        ids_from, ids_column: a folder of exports, or SQL, whose new ids each `collect` takes.
        in_flight: maximum requests in flight over all Prefect workers.
        interval, cron, timezone, active: when its deployment runs; if not given, like the deployment `collect`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Name
    base_url: Annotated[str, AfterValidator(_address)]
    task_path: TaskPath = TASK_PATH
    fetch: Literal["single", "bulk", "auto"] | None = None
    rate: float | None = Field(default=None, ge=0.001, le=1_000_000)
    concurrency: int | None = Field(default=None, ge=1, le=4096)
    timeout: float | None = Field(default=None, gt=0, le=86_400)
    max_body_bytes: int | None = Field(default=None, ge=1024, le=2**40)
    redact: Redacted | None = None
    accept_other_ids: Flag | None = None
    max_unreachable_share: float | None = Field(default=None, ge=0, le=1)
    poll_min: float | None = Field(default=None, gt=0, le=86_400)
    give_up_after: Span | None = None
    api_key_env: Variable | None = None
    api_key_block: Block | None = None
    access_token_env: Variable | None = None
    access_token_block: Block | None = None
    user_id_env: Variable | None = None
    discover: Flag = False
    since: Annotated[str, AfterValidator(_since)] = DEFAULT_SINCE
    action: str | None = Field(default=None, min_length=1)
    ids_from: str | None = Field(default=None, min_length=1)
    ids_column: str | None = Field(default=None, min_length=1)
    in_flight: int | None = Field(default=None, ge=1)
    interval: float | None = Field(default=None, ge=10)
    cron: str | None = Field(default=None, min_length=9)
    timezone: str | None = None
    active: Flag | None = None

    @property
    def has_token(self) -> bool:
        """Whether its list of tasks can be read."""
        return bool(self.access_token_env or self.access_token_block)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of its secrets, by setting."""
        named = {name: getattr(self, f"{name}_env") for name in ("api_key", "access_token", "user_id")}
        return {name: variable for name, variable in named.items() if variable}


def read_sources(folder: Path = Path()) -> list[Source]:
    """The gateways in the file in `folder`, in the order of the file; none if there is no file.

    Raises:
        UnusableInputError: when it cannot be read, or anything in it cannot be used.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableInputError(f"cannot read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableInputError(f"{path} is not TOML: {error}") from None
    sources = [_source(path, *numbered) for numbered in enumerate(_tables(path, tables), 1)]
    _refuse_keys(path, text)
    _refuse_duplicates(path, sources)
    return sources


def listed_sources() -> list[Source]:
    """The gateways in the file in the working folder; none if it cannot be used, for callers that must not fail."""
    try:
        return read_sources()
    except UnusableInputError:
        return []


def _tables(path: Path, content: dict[str, Any]) -> list[dict[str, Any]]:
    if unknown := sorted(content.keys() - {"source"}):
        raise UnusableInputError(f"{path}: unknown {unknown[0]!r}: each gateway is a table [[source]] with its keys")
    found = content.get("source")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise UnusableInputError(
            f"{path} lists no gateway: each is a table [[source]], with name and base_url at least"
        )
    return found


def _source(path: Path, number: int, table: dict[str, Any]) -> Source:
    shown = f"{path}, source {_shown_name(table.get('name'), number)}"
    _refuse_secrets(shown, table)
    try:
        return Source(**table)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise UnusableInputError(f"{shown}: {_in_words(problem, table)}") from None


def _shown_name(name: object, number: int) -> str:
    return repr(name[:64]) if isinstance(name, str) and not LOOKS_LIKE_A_KEY.search(name) else f"number {number}"


def _refuse_secrets(shown: str, table: dict[str, Any]) -> None:
    for key, value in table.items():
        if key.lower() in _SECRETS or LOOKS_LIKE_A_KEY.search(str(value)):
            instead = _SECRETS.get(key.lower(), "api_key_env")
            raise UnusableInputError(
                f"{shown}: {key} holds a secret, which must not be in this file: put it into an environment variable "
                f'or .env, and name that variable here, as in {instead} = "EU_{instead.removesuffix("_env").upper()}"'
            )


def _refuse_keys(path: Path, text: str) -> None:
    """Refuse a key anywhere in the file, also in comments: the file is shown, copied and committed."""
    for number, line in enumerate(text.splitlines(), 1):
        if LOOKS_LIKE_A_KEY.search(line):
            raise UnusableInputError(f"{path}, line {number}: this looks like a key, which must not be in this file")


def _in_words(problem: Any, table: dict[str, Any]) -> str:  # noqa: ANN401 - of pydantic
    key = str(problem["loc"][0])
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] == "extra_forbidden":
        left = [name for name in Source.model_fields if name not in table]
        close = difflib.get_close_matches(key, left, n=1)
        return f"unknown {key[:80]!r}: " + (f"did you mean {close[0]}?" if close else f"known are {', '.join(left)}")
    words = problem["msg"].removeprefix("Value error, ")
    return f"{key} cannot be used: {words[0].lower()}{words[1:]}"


def _refuse_duplicates(path: Path, sources: list[Source]) -> None:
    seen: dict[str, str] = {}
    for one in sources:
        other = seen.get(one.name.lower())
        if other is not None:
            both = repr(other) if other == one.name else f"{other!r} and, in other capitals, {one.name!r}"
            raise UnusableInputError(
                f"{path}: two sources are named {both}: the name is part of every key, so each needs its own"
            )
        seen[one.name.lower()] = one.name
