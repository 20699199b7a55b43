"""Findings about one of several gateways, with settings named as in its table in sources.toml."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pipeline.check.finding import Finding, Setting
from pipeline.sources.file import FILE
from pipeline.sources.wording import worded
from warehouse.ducklake.lake import without_password
from warehouse.environment import PREFIX, read_variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.sources.file import Source


def of_source(source: Source, finding: Finding) -> Finding:
    """The finding for this gateway: settings are named by their key in the file, or the variable given there."""
    text, remedy = worded(source, finding.text), finding.remedy and worded(source, finding.remedy)
    return dataclasses.replace(finding, area=f"gateway {source.name}", text=text, remedy=remedy)


def shown_source(source: Source) -> Iterator[Setting]:
    """The settings in its table. They contain no key, but the SQL of `ids_from` may contain a password."""
    for name in source.model_fields_set - {"name"}:
        value = getattr(source, name)
        shown = ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)
        yield Setting(f"{source.name}.{name}", without_password(shown), str(FILE))


def unused_secrets(sources: Sequence[Source]) -> Iterator[Finding]:
    """Secrets in the usual variables that are not sent to any gateway, because no source in the file names them."""
    named = {variable for one in sources for variable in one.variables.values()}
    for setting in ("api_key", "access_token", "user_id"):
        variable = PREFIX + setting.upper()
        if sources and variable not in named and read_variable(variable):
            text = f"{variable} is set, but no source of {FILE} names it, so it is not sent to any gateway"
            remedy = f'Add {setting}_env = "{variable}" to the source that it is for, or unset it'
            yield Finding("settings", setting.upper(), "warning", text, remedy)
