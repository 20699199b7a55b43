"""What `setup-prefect` declares for each gateway of sources.toml: a deployment and an automation.

Each gateway has its own deployment with its own slot and schedule, so that one that is down cancels no run of another.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from flows._prefect.decisions import replaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows._prefect.decisions import Values
    from pipeline.sources.file import Source

#: The deployment that is copied for each gateway; with sources.toml, it runs by hand only.
_COLLECT: Final = "collect"

#: Deployments with a tag that begins like this are for one gateway.
SOURCE_TAG: Final = "source:"

#: Automations with names that begin like this are about the runs of one deployment.
NO_COLLECT: Final = "avatar-tasks: no collect"

#: A gateway may be without a completed run for this many intervals, and for at least this many seconds.
_MISSED_RUNS, _SHORTEST_SECONDS = 3, 3600


def deployment_of(source: Source) -> str:
    """The name of a gateway's deployment."""
    return f"{_COLLECT}-{source.name}"


def with_deployments(deployments: Sequence[dict[str, Any]], sources: Sequence[Source]) -> list[dict[str, Any]]:
    """The deployments of prefect.yaml, and one for each gateway."""
    [collect] = [one for one in deployments if one["name"] == _COLLECT]
    return [*deployments, *(_deployment(collect, source) for source in sources)]


def _deployment(collect: dict[str, Any], source: Source) -> dict[str, Any]:
    return copy.deepcopy(collect) | {
        "name": deployment_of(source),
        "description": f"The gateway {source.name} of sources.toml. {collect['description']}",
        "tags": [*collect["tags"], f"{SOURCE_TAG}{source.name}"],
        "parameters": collect["parameters"] | {"source": source.name},
    }


def with_values(
    own: dict[str, Values], deployments: Sequence[dict[str, Any]], sources: Sequence[Source]
) -> dict[str, Values]:
    """The operator's own values by deployment: those of deployments.toml, with the schedules of sources.toml.

    Args:
        own: the values of deployments.toml; its `[collect]` is for every gateway, its `[collect-NAME]` for one.
        deployments: those of prefect.yaml.
        sources: the gateways.
    """
    if not sources:
        return own
    [collect] = [one for one in deployments if one["name"] == _COLLECT]
    schedule = f"schedules.{collect['schedules'][0]['slug']}"
    common = own.get(_COLLECT, {})
    values = {
        deployment_of(one): replaced(replaced(common, _schedule(one, schedule)), own.get(deployment_of(one), {}))
        for one in sources
    }
    return own | values | {_COLLECT: common | {f"{schedule}.active": False}}


def _schedule(source: Source, path: str) -> Values:
    timezone = "UTC" if source.cron and source.timezone is None else source.timezone
    keys = {"interval": source.interval, "cron": source.cron, "timezone": timezone, "active": source.active}
    return {f"{path}.{key}": value for key, value in keys.items() if value is not None}


def with_automations(automations: Sequence[dict[str, Any]], sources: Sequence[Source]) -> list[dict[str, Any]]:
    """The automations of automations.yaml, but the one about missing runs of `collect` separately for each gateway.

    A gateway with a cron expression gets none, because it does not say how often runs should be.
    """
    if not sources:
        return list(automations)
    [about_runs] = [one for one in automations if one["name"].startswith(NO_COLLECT)]
    others = [one for one in automations if one is not about_runs]
    return [*others, *(_automation(about_runs, source) for source in sources if not source.cron)]


def _automation(about_runs: dict[str, Any], source: Source) -> dict[str, Any]:
    one = copy.deepcopy(about_runs)
    one["name"] = f"{NO_COLLECT} of {source.name} has completed"
    one["trigger"]["match_related"]["prefect.resource.name"] = deployment_of(source)
    one["trigger"]["within"] = max(_SHORTEST_SECONDS, int(_MISSED_RUNS * (source.interval or 0)))
    return one
