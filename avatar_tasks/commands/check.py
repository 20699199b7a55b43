"""`check`: is everything in order?"""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from avatar_tasks.commands.options import DATA_DIR, JSON, SETTINGS, examples, with_options
from avatar_tasks.console import handle_errors, show_answer, show_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.check.finding import Checked, Finding
    from pipeline.settings import Settings


@click.command(
    short_help="Check that everything is in order; say how to fix what is not.",
    epilog=examples("check", "check --data-dir /var/lib/avatar-tasks/data --json"),
)
@with_options(*SETTINGS, DATA_DIR, JSON)
@handle_errors
def check(*, as_json: bool, **options: Any) -> int:
    """Check that everything is in order, show what the gateway offers, and say how to fix what is not in order.

    It checks the settings and where each came from, the data folder, the gateway, the warehouse, and Prefect's server
    if one is set. It sends at most four requests to a gateway, and changes nothing. If sources.toml lists several
    gateways, it checks each of them, or only the one that --source names.
    """
    from pipeline.check.all_checks import check_everything

    checked = check_everything(options, check_prefect)
    if as_json:
        show_json(checked.as_dict())
    else:
        for line in _in_words(checked):
            show_answer(line)
    return int(checked.exit_code)


def check_prefect(settings: Sequence[Settings]) -> tuple[Sequence[Settings | None], Iterable[Finding]]:
    """Check Prefect, but only if a server is set or a block holds a secret: Prefect takes seconds to import."""
    import os
    from pathlib import Path

    from pipeline.settings import secrets_in_blocks

    if not (os.environ.get("PREFECT_API_URL") or any(map(secrets_in_blocks, settings))):
        return settings, ()
    from flows._prefect.quiet import quiet_prefect

    quiet_prefect()
    from flows._prefect.check import check_server

    return check_server(settings, Path.cwd())


def _in_words(checked: Checked) -> Iterable[str]:
    """One screen: the settings that are not their defaults, and every finding with its remedy."""
    if checked.settings:
        yield "settings that are set (--json lists all)"
    for one in checked.settings:
        if one.origin != "default":
            name = one.name if "." in one.name else one.name.upper()  # a key of one of several gateways
            yield f"           {name} = {one.value}  ({one.origin})"
    area = ""
    for finding in checked.findings:
        if finding.area != area:
            area = finding.area
            yield area
        mark = "" if finding.state in {"ok", "info"} else finding.state.upper()
        yield f"  {mark:<8} {finding.name}: {finding.text}"
        if finding.remedy:
            yield f"           -> {finding.remedy}"
    yield _verdict(checked)


def _verdict(checked: Checked) -> str:
    counts = [(state, sum(one.state == state for one in checked.findings)) for state in ("error", "warning")]
    found = ", ".join(f"{count} {state}{'s' * (count > 1)}" for state, count in counts if count)
    return f"Found {found}." if found else "Everything is in order."
