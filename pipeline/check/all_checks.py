"""All checks, in order; a check is skipped if an earlier finding makes it pointless."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.check.configuration import file_findings, memory_finding, setting_findings, shown_settings
from pipeline.check.finding import Checked, Finding, refusal
from pipeline.check.folder import folder_findings
from pipeline.check.gateway import GatewayCheck
from pipeline.check.source import of_source, shown_source, unused_secrets
from pipeline.check.tables import table_findings
from pipeline.errors import UnusableInputError
from pipeline.settings import read_settings
from pipeline.sources.choose import chosen_sources, settings_of
from warehouse.backends.choose import warehouse_of
from warehouse.database.schema import statement
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.settings import Settings
    from pipeline.sources.file import Source

    #: Checks Prefect. Returns each gateway's settings with the secrets from Prefect blocks, or None if a secret is
    #: missing, and the findings.
    CheckPrefect = Callable[[Sequence[Settings]], tuple[Sequence[Settings | None], Iterable[Finding]]]


def _no_prefect(settings: Sequence[Settings]) -> tuple[Sequence[Settings | None], Iterable[Finding]]:
    return settings, ()


def check_everything(options: dict[str, Any], check_prefect: CheckPrefect = _no_prefect) -> Checked:
    """Check everything that `collect` with these options would need.

    Args:
        options: settings by name, as given on the command line; None for those not given.
        check_prefect: see `CheckPrefect`.
    """
    try:
        sources = chosen_sources(options.get("source"))
        settings = read_settings(**options)
    except UnusableInputError as problem:
        return Checked([], [refusal("settings", "settings", problem)], {})
    gateways = [Gateway.of(source, options) for source in sources] or [Gateway.of(None, options)]
    findings = [memory_finding(settings), *file_findings(), *unused_secrets(sources), *folder_findings(settings)]
    if not _is_wrong(findings, "DATA_DIR"):
        findings += table_findings(settings.paths)
    usable = [one for one in gateways if one.settings is not None]
    with_secrets, of_prefect = check_prefect([one.settings for one in usable if one.settings is not None])
    findings += of_prefect
    for one, secret in zip(usable, with_secrets, strict=True):
        one.send_requests(secret)
    given = {name for name, value in options.items() if value is not None}
    shown = [*shown_settings(settings, given), *(setting for one in sources for setting in shown_source(one))]
    findings += [finding for one in gateways for finding in one.findings]
    offers = {one.source.name: one.offers for one in gateways if one.source is not None}
    return Checked(shown, _in_areas(findings), {} if offers else gateways[0].offers, offers)


@dataclass(slots=True)
class Gateway:
    """One gateway and what was found about it so far; `settings` is None if they cannot be used."""

    source: Source | None
    settings: Settings | None
    findings: list[Finding] = field(default_factory=list)
    offers: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source | None, options: dict[str, Any]) -> Gateway:
        """A gateway with the findings about its settings."""
        try:
            one = cls(source, settings_of(source, **options))
        except UnusableInputError as problem:
            one = cls(source, None)
            one._add([refusal("settings", "settings", problem)])
            return one
        assert one.settings is not None  # noqa: S101 - see above
        one._add(setting_findings(one.settings))
        return one

    def send_requests(self, settings: Settings | None) -> None:
        """Send the requests, unless address, key or token are wrong."""
        if settings is None or _is_wrong(self.findings, "BASE_URL", "API_KEY", "ACCESS_TOKEN"):
            return
        check = GatewayCheck(settings, _known_id(settings))
        asyncio.run(check.run())
        self._add(check.findings)
        self.offers = check.offers

    def _add(self, findings: Iterable[Finding]) -> None:
        self.findings += findings if self.source is None else (of_source(self.source, one) for one in findings)


def _is_wrong(findings: list[Finding], *names: str) -> bool:
    return any(one.state == "error" and one.name in names for one in findings)


def _in_areas(findings: list[Finding]) -> list[Finding]:
    order = ("settings", "data folder", "gateway", "Prefect", "warehouse")
    return sorted(
        findings, key=lambda one: next(number for number, area in enumerate(order) if one.area.startswith(area))
    )


def _known_id(settings: Settings) -> str | None:
    """The newest known task of this source; None if none is known, or the warehouse cannot be read."""
    with (
        contextlib.suppress(WarehouseError, OSError),
        contextlib.closing(warehouse_of(settings.paths).connect()) as con,
    ):
        found = con.execute(statement("queries/newest_task"), {"source": settings.source}).fetchone()
        return str(found[0]) if found else None
    return None
