"""The settings in force, where each came from, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from gateway.client import AccessToken, ApiKey, check_base_url
from gateway.errors import InvalidSetting
from gateway.wire.addresses import is_loopback
from pipeline.check.finding import Finding, Setting, error, refusal
from pipeline.settings import SECRET_SETTINGS, Settings
from pipeline.sources.choose import secret_variables
from warehouse import machine
from warehouse.ducklake.lake import without_password
from warehouse.environment import FILE, PREFIX, SECRETS, read_layers, variable_in_file
from warehouse.load.budget import LEAST_BYTES, MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydantic import SecretStr

_OTHERS: Final = 0o077


def shown_settings(settings: Settings, options: Collection[str]) -> list[Setting]:
    """Every setting, without secrets; `options` are the names of those given on the command line."""
    origins = {name: layer for layer, values in read_layers().items() for name in values}
    return [
        Setting(name, _shown(name, getattr(settings, name)), _origin(name, options, origins))
        for name in Settings.model_fields
    ]


def _shown(name: str, value: Any) -> str:  # noqa: ANN401 - of any setting
    if value is None or value == frozenset():
        return "none"
    if name in SECRET_SETTINGS:
        return "***"
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return without_password(str(value))


def _origin(name: str, options: Collection[str], origins: dict[str, str]) -> str:
    return "option" if name in options else origins.get(PREFIX + name.upper(), "default")


def setting_findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the settings of a gateway, or may surprise."""
    yield _address(settings)
    yield _key(settings)
    yield from _token(settings)


def _address(settings: Settings) -> Finding:
    if not settings.base_url:
        remedy = "export AVATAR_TASKS_BASE_URL=https://host, the address that the gateway's operator gave you"
        return error("settings", "BASE_URL", "no gateway is set", remedy)
    try:
        url = httpx.URL(check_base_url(settings.base_url))
    except InvalidSetting as problem:
        return refusal("settings", "BASE_URL", problem)
    if url.scheme == "http" and not is_loopback(url.host):
        text = f"{url} is not encrypted: others can read the key on the network"
        return Finding("settings", "BASE_URL", "warning", text, "Use https:// if the gateway supports it")
    return Finding("settings", "BASE_URL", "ok", str(url))


def _key(settings: Settings) -> Finding:
    try:
        key = ApiKey(_text(settings.api_key))
    except InvalidSetting as problem:
        return refusal("settings", "API_KEY", problem)
    if key:
        return Finding("settings", "API_KEY", "ok", "set")
    if settings.api_key_block:
        return Finding("settings", "API_KEY", "ok", f"in the Prefect block {settings.api_key_block}")
    remedy = "Set AVATAR_TASKS_API_KEY in the environment or in .env, unless the gateway needs no key"
    return Finding("settings", "API_KEY", "warning", "no key is set", remedy)


def _text(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _token(settings: Settings) -> Iterator[Finding]:
    try:
        AccessToken(_text(settings.access_token), _text(settings.user_id))
    except InvalidSetting as problem:
        yield refusal("settings", "ACCESS_TOKEN", problem)
        return
    has_token = bool(settings.access_token or settings.access_token_block)
    if has_token and not settings.user_id:
        text = "ACCESS_TOKEN is set without it, and most gateways need both for the list of tasks"
        remedy = "Set AVATAR_TASKS_USER_ID: the number that the gateway's dashboard shows in the account's settings"
        yield Finding("settings", "USER_ID", "warning", text, remedy)
    if settings.user_id and not has_token:
        remedy = "Set AVATAR_TASKS_ACCESS_TOKEN as well, for `collect --discover`, or leave both out"
        yield Finding("settings", "ACCESS_TOKEN", "warning", "USER_ID is set without it", remedy)


def memory_finding(settings: Settings) -> Finding:
    """The memory that a load may use, and what the machine has."""
    budget, available = settings.budget, machine.memory_bytes()
    each = f"{budget.process_bytes / MEGABYTE:,.0f} MB"
    text = f"a load may use {budget.processes} processes with {each} each, of {available / MEGABYTE:,.0f} MB"
    if budget.processes * budget.process_bytes > available:
        return Finding("settings", "MEMORY", "warning", text, "Set AVATAR_TASKS_MEMORY to less than the machine has")
    if budget.process_bytes < LEAST_BYTES:
        remedy = f"Allow {LEAST_BYTES / MEGABYTE:,.0f} MB for each process, or set AVATAR_TASKS_LOAD_PROCESSES to fewer"
        return Finding("settings", "MEMORY", "warning", f"{text}: a load needs more", remedy)
    return Finding("settings", "MEMORY", "ok", text)


def file_findings() -> Iterator[Finding]:
    """The file `.env` of the working folder: who may read it, and which of its values the environment overrides."""
    in_file, outside = read_layers().values()
    for name in sorted(name for name in in_file.keys() & outside.keys() if in_file[name] != outside[name]):
        text = f"the environment overrides the value in {FILE}"
        remedy = f"Run `unset {name}` to use the value in {FILE}, or remove it from {FILE}"
        yield Finding("settings", name.removeprefix(PREFIX), "warning", text, remedy)
    named = any(map(variable_in_file, secret_variables()))
    if (named or any(name.startswith(SECRETS) for name in in_file)) and FILE.stat().st_mode & _OTHERS:
        text = f"other users of this machine may read {FILE.absolute()}, which contains a secret"
        yield Finding("settings", str(FILE), "warning", text, f"chmod 600 {FILE}")
