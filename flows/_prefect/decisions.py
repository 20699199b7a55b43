"""Keeps an operator's changes to the deployments when `setup-prefect` runs again.

Three things are compared for each deployment, value by value: what prefect.yaml (with deployments.toml over it) wants
now, what it wanted when `setup-prefect` last ran, and what the server has. If the server's value is not the one that
`setup-prefect` set, it was changed by hand, and stays. A value in deployments.toml always wins.

A value has a path: `parameters.retain_days`, `schedules.daily.cron`, `schedules.daily.active`,
`concurrency_limit.limit`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pipeline.errors import UnusableInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from prefect.client.schemas.responses import DeploymentResponse

#: The operator's own file, beside prefect.yaml and not tracked.
OWN_FILE: Final = "deployments.toml"
#: The values that say when a schedule runs.
TIMING: Final = ("interval", "cron", "rrule", "timezone")

Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Own:
    """`deployments.toml`: limits for all workers together (None: not given), and values by deployment and path."""

    rate: float | None = None
    in_flight: int | None = None
    values: dict[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Decided:
    """One deployment as it should be: its values by path, and the lines to report about them."""

    values: Values
    lines: list[str]


def read_own(path: Path, deployments: Mapping[str, dict[str, Any]]) -> Own:
    """Read the operator's file; empty if there is none.

    Args:
        path: of `deployments.toml`.
        deployments: those of prefect.yaml, by name.

    Raises:
        UnusableInputError: when it is not TOML, or names an unknown deployment or key.
    """
    if not path.exists():
        return Own()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableInputError(f"{path} is not TOML: {error}") from error
    rate, in_flight = tables.pop("rate", None), tables.pop("in_flight", None)
    for name, kinds, value in (("rate", (int, float), rate), ("in_flight", (int,), in_flight)):
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) or value < 0):
            raise UnusableInputError(f"{name} in {path} must be a number of at least 0, where 0 means no limit")
    return Own(rate, in_flight, {name: _own_values(path, name, deployments, table) for name, table in tables.items()})


def _own_values(path: Path, name: str, deployments: Mapping[str, dict[str, Any]], table: object) -> Values:
    if name not in deployments or not isinstance(table, dict):
        known = ", ".join(["rate", "in_flight", *(f"[{one}]" for one in deployments)])
        raise UnusableInputError(f"unknown {name!r} in {path}; known are {known}")
    keys = {"interval", "cron", "timezone", "active", "parameters"}
    unknown = set(table) - keys
    if unknown:
        raise UnusableInputError(f"unknown {min(unknown)!r} in [{name}] of {path}; known are {', '.join(sorted(keys))}")
    found = {f"parameters.{key}": value for key, value in table.get("parameters", {}).items()}
    timing = ({"timezone": "UTC"} if "cron" in table else {}) | {
        key: table[key] for key in (*TIMING, "active") if key in table
    }
    slugs = [schedule["slug"] for schedule in deployments[name].get("schedules", [])]
    if timing and not slugs:
        raise UnusableInputError(f"[{name}] of {path} has {next(iter(timing))!r}, but {name} has no schedule")
    return found | {f"schedules.{slugs[0]}.{key}": value for key, value in timing.items()}


def declared(deployment: Mapping[str, Any]) -> Values:
    """The values of one deployment of prefect.yaml."""
    values = {f"parameters.{key}": value for key, value in (deployment.get("parameters") or {}).items()}
    values |= {f"concurrency_limit.{key}": value for key, value in (deployment.get("concurrency_limit") or {}).items()}
    for schedule in deployment.get("schedules") or []:
        values |= {f"schedules.{schedule['slug']}.{key}": value for key, value in schedule.items() if key != "slug"}
    return values


def on_server(deployment: DeploymentResponse) -> Values:
    """The values of one deployment on the server, with the names of prefect.yaml."""
    values = {f"parameters.{key}": value for key, value in deployment.parameters.items()}
    if deployment.global_concurrency_limit is not None:
        values["concurrency_limit.limit"] = deployment.global_concurrency_limit.limit
        if deployment.concurrency_options is not None:
            values["concurrency_limit.collision_strategy"] = str(
                deployment.concurrency_options.collision_strategy.value
            )
    for number, schedule in enumerate(deployment.schedules):
        path = f"schedules.{schedule.slug or f'unnamed {number}'}"
        values[f"{path}.active"] = schedule.active
        values |= {f"{path}.{key}": value for key, value in _timing(schedule.schedule).items()}
    return values


def _timing(schedule: Any) -> Values:  # noqa: ANN401 - any of Prefect's kinds of schedule
    interval = getattr(schedule, "interval", None)
    if interval is not None:
        seconds = interval.total_seconds()
        return {"interval": int(seconds) if seconds == int(seconds) else seconds}
    found = {key: getattr(schedule, key, None) for key in ("cron", "rrule", "timezone")}
    return {key: value for key, value in found.items() if value is not None}


def decide(wanted: Values, own: Values, before: Values | None, current: Values | None) -> Decided:
    """Decide one deployment's values, with a line for each that changes or stays as set by hand.

    Args:
        wanted: the values in prefect.yaml.
        own: the values in deployments.toml.
        before: what both wanted when `setup-prefect` last ran; if None (not known), the server's values stay.
        current: the values on the server; None if it has no such deployment.
    """
    wanted = replaced(wanted, own)
    if current is None:
        return Decided(wanted, ["new"])
    values: Values = {}
    lines: list[str] = []
    for path in _union(wanted, current):
        value = _kept(path, wanted, own, before, current)
        if value is not ABSENT:
            values[path] = value
        now, aim = current.get(path, ABSENT), wanted.get(path, ABSENT)
        if value != now:
            lines.append(f"{_spoken(path)}: {now} -> {value}")
        elif now != aim:
            lines.append(
                f"{_spoken(path)} stays {now}, as set by hand (prefect.yaml: {aim}; to declare it: {OWN_FILE})"
            )
    return Decided(values, lines)


def replaced(wanted: Values, own: Values) -> Values:
    """The wanted values, overridden by the operator's own; an interval replaces a cron expression, and vice versa."""
    wanted = dict(wanted)
    for path in own:
        schedule, _, key = path.rpartition(".")
        if key in {"interval", "cron"}:
            wanted = {
                one: value for one, value in wanted.items() if one not in {f"{schedule}.{kind}" for kind in TIMING}
            }
    return wanted | own


class _Absent:
    def __str__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


def _kept(path: str, wanted: Values, own: Values, before: Values | None, current: Values) -> Any:  # noqa: ANN401
    aim, now = wanted.get(path, ABSENT), current.get(path, ABSENT)
    if path in own or _has_timing(path, own):
        return aim
    if before is None:
        return aim if now is ABSENT and not _has_timing(path, current) else now
    return aim if now == before.get(path, ABSENT) else now


def _has_timing(path: str, values: Values) -> bool:
    """Whether `path` is about when a schedule runs, and `values` say when that schedule runs."""
    schedule, _, key = path.rpartition(".")
    return key in TIMING and any(f"{schedule}.{kind}" in values for kind in TIMING)


def _union(*maps: Values) -> Iterable[str]:
    return dict.fromkeys(path for values in maps for path in values)


def _spoken(path: str) -> str:
    kind, _, rest = path.partition(".")
    return f"{kind.removesuffix('s').replace('_', ' ')} {rest.replace('.', ' ')}"


def with_values(deployment: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """The deployment of prefect.yaml with these values instead of its own."""
    grouped: dict[str, dict[str, Any]] = {"parameters": {}, "concurrency_limit": {}}
    schedules: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        kind, _, rest = path.partition(".")
        if kind == "schedules":
            slug, _, key = rest.rpartition(".")
            schedules.setdefault(slug, {})[key] = value
        else:
            grouped[kind][rest] = value
    rest_of_it = {key: value for key, value in deployment.items() if key not in {*grouped, "schedules"}}
    named = [schedule | ({} if slug.startswith("unnamed ") else {"slug": slug}) for slug, schedule in schedules.items()]
    return rest_of_it | {key: found for key, found in grouped.items() if found} | {"schedules": named}
