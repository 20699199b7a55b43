"""All checks in order, each part as far as those before it allow."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pipeline.check.configuration import setting_findings, shown_settings
from pipeline.check.finding import Checked, Finding, refusal
from pipeline.check.folder import folder_findings
from pipeline.check.gateway import GatewayCheck
from pipeline.check.tables import table_findings
from pipeline.errors import UnusableInputError
from pipeline.settings import read_settings
from warehouse.backends.choose import warehouse_of
from warehouse.database.schema import statement
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.settings import Settings

    #: What finds out about Prefect; it returns the settings with the secrets that blocks hold, too.
    CheckPrefect = Callable[[Settings], tuple[Settings, Iterable[Finding]]]


def _no_prefect(settings: Settings) -> tuple[Settings, Iterable[Finding]]:
    return settings, ()


def check_everything(options: dict[str, Any], check_prefect: CheckPrefect = _no_prefect) -> Checked:
    """Check everything that `collect` with these options would need.

    Args:
        options: settings given on the command line; None where one was not.
        check_prefect: see `CheckPrefect`.
    """
    try:
        settings = read_settings(**options)
    except UnusableInputError as problem:
        return Checked([], [refusal("settings", "settings", problem)], {})
    given = {name for name, value in options.items() if value is not None}
    findings = list(setting_findings(settings))
    findings += folder_findings(settings)
    if not _is_wrong(findings, "DATA_DIR"):
        findings += table_findings(settings.paths)
    settings_with_secrets, of_prefect = check_prefect(settings)
    findings += of_prefect
    gateway = GatewayCheck(settings_with_secrets, _known_id(settings))
    if not _is_wrong(findings, "BASE_URL", "API_KEY", "block"):  # without which no request makes sense
        asyncio.run(gateway.run())
    return Checked(shown_settings(settings, given), _in_areas([*findings, *gateway.findings]), gateway.offers)


def _is_wrong(findings: list[Finding], *names: str) -> bool:
    return any(one.state == "error" and one.name in names for one in findings)


def _in_areas(findings: list[Finding]) -> list[Finding]:
    order = ("settings", "data folder", "gateway", "Prefect", "warehouse")
    return sorted(findings, key=lambda one: order.index(one.area))


def _known_id(settings: Settings) -> str | None:
    """The task of this source that answered last; None where none is known, or the warehouse cannot be read."""
    with (
        contextlib.suppress(WarehouseError, OSError),
        contextlib.closing(warehouse_of(settings.paths).connect()) as con,
    ):
        found = con.execute(statement("queries/newest_task"), {"source": settings.source}).fetchone()
        return str(found[0]) if found else None
    return None
