"""Which gateways a command is about, and the settings of each, from its table in `sources.toml` and the environment."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any, Final

from gateway.wire.endpoints import TASK_PATH
from pipeline.errors import UnusableInputError
from pipeline.settings import read_settings, read_values, validated
from pipeline.sources.file import FILE, listed_sources, read_sources
from pipeline.spans import DEFAULT_SINCE
from warehouse.environment import PREFIX, read_variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collect.request import CollectRequest
    from pipeline.settings import Settings
    from pipeline.sources.file import Source
    from warehouse.policy import PollingPolicy

#: Settings that each gateway has for itself: a key in the environment must not be sent to a gateway that does not name
#: it. The values are the defaults that replace what is in the environment.
_OF_ONE: Final[dict[str, Any]] = {
    "base_url": None,
    "task_path": TASK_PATH,
    "api_key": None,
    "api_key_block": None,
    "access_token": None,
    "access_token_block": None,
    "user_id": None,
}

#: Those of `_OF_ONE` that must not be in the environment, because their user would expect them to have an effect.
_MISLEADING: Final = ("base_url", "task_path", "api_key_block", "access_token_block")

#: Fields of `Source` that are settings of the same name.
_SETTINGS: Final = (
    "base_url",
    "task_path",
    "fetch",
    "rate",
    "concurrency",
    "timeout",
    "max_body_bytes",
    "redact",
    "accept_other_ids",
    "max_unreachable_share",
    "poll_min",
    "give_up_after",
    "api_key_block",
    "access_token_block",
)


def chosen_sources(name: str | None = None) -> list[Source]:
    """The gateways of `sources.toml` that a command is about; none if there is no such file.

    Args:
        name: the only one, as given by an option; if not given, the setting SOURCE may name it.

    Raises:
        UnusableInputError: when the file cannot be used or has no gateway of this name, or when the environment also
            sets a gateway.
    """
    sources = read_sources()
    if not sources:
        return []
    values = read_values()
    for setting in _MISLEADING:
        if setting in values:
            raise UnusableInputError(
                f"{PREFIX}{setting.upper()} is set, and {FILE} lists the gateways: move it into a [[source]] there as "
                f"{setting}, and unset it"
            )
    name = name or values.get("source")
    return [one for one in sources if one.name == name] if name in _names(sources) else _all_or_unknown(sources, name)


def _names(sources: Sequence[Source]) -> list[str]:
    return [one.name for one in sources]


def _all_or_unknown(sources: list[Source], name: str | None) -> list[Source]:
    if name is None:
        return sources
    raise UnusableInputError(f"{FILE} has no source {name!r}: it has {', '.join(_names(sources))}")


def one_source(name: str | None = None) -> Source | None:
    """The gateway of a command that is about a single one; None if there is no `sources.toml`.

    Raises:
        UnusableInputError: as `chosen_sources`, and when there are several and none is named.
    """
    sources = chosen_sources(name)
    if len(sources) > 1:
        raise UnusableInputError(
            f"{FILE} has several gateways: add --source, which is one of {', '.join(_names(sources))}"
        )
    return sources[0] if sources else None


def settings_of(source: Source | None, /, **options: Any) -> Settings:  # noqa: ANN401 - as `read_settings`
    """The settings for a gateway: options take precedence over its table, and this over the environment.

    Raises:
        UnusableInputError: when one cannot be used, or a variable that the table names is not set.
    """
    if source is None:
        return read_settings(**options)
    given = {name: value for name, value in options.items() if value is not None}
    return validated(_without_secrets(source) | _secrets(source) | given | {"source": source.name})


def _without_secrets(source: Source) -> dict[str, Any]:
    table = {name: value for name in _SETTINGS if (value := getattr(source, name)) is not None}
    return read_values() | _OF_ONE | table | {"source": source.name}


def policy_of(settings: Settings) -> PollingPolicy:
    """When pending ids are polled, for the gateway of `settings` and for the others of `sources.toml`.

    For a source that the file does not list, such as a demo's, the file is ignored.

    Raises:
        UnusableInputError: when `settings` name no source and the file cannot be used.
    """
    is_common = "source" not in settings.model_fields_set
    sources = read_sources() if is_common else listed_sources()
    listed = {one.name: validated(_without_secrets(one)).policy for one in sources}
    if not listed or not (is_common or settings.source in listed):
        return settings.policy
    own = dataclasses.replace(settings.policy, source=None) if is_common else listed.pop(settings.source)
    return dataclasses.replace(own, others=tuple(listed.values()))


def _secrets(source: Source) -> dict[str, str]:
    """The secrets that are set, by setting. A variable may be missing if a Prefect block also holds the secret."""
    found = {setting: read_variable(variable) for setting, variable in source.variables.items()}
    for setting, value in found.items():
        if not value and not getattr(source, f"{setting}_block", None):
            raise UnusableInputError(
                f"{FILE}, source {source.name!r}: {setting}_env names {source.variables[setting]}, which is set "
                "neither in the environment nor in .env: set it there, or correct the name"
            )
    return {setting: value for setting, value in found.items() if value}


def request_of(source: Source | None, request: CollectRequest) -> CollectRequest:
    """The request for a gateway: as given, with what its table adds, and with the gateway's own folder of the inbox."""
    if source is None:
        return request
    return dataclasses.replace(
        request,
        discover=request.discover or source.discover,
        since=source.since if request.since == DEFAULT_SINCE else request.since,
        action=request.action or source.action,
        ids_from=request.ids_from or source.ids_from,
        ids_column=request.ids_column or source.ids_column,
        sources=len(read_sources()),
        inbox=os.path.join(request.inbox, source.name) if request.inbox else None,  # noqa: PTH118 - a text stays one
    )


def secret_variables() -> set[str]:
    """The variables that `sources.toml` names for secrets; none if it cannot be used."""
    return {variable for one in listed_sources() for variable in one.variables.values()}
