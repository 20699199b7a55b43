"""What is found about one of several gateways, in the words of its table in sources.toml."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from pipeline.check.finding import Setting
from pipeline.sources.file import FILE, Source
from warehouse.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.check.finding import Finding

_SETTING: Final = re.compile(rf"{PREFIX}([A-Z_]*[A-Z])")


def of_source(source: Source, finding: Finding) -> Finding:
    """A finding about this gateway: where a setting is named, its key in the file, or the variable that it names."""
    text, remedy = _worded(source, finding.text), finding.remedy and _worded(source, finding.remedy)
    return dataclasses.replace(finding, area=f"gateway {source.name}", text=text, remedy=remedy)


def _worded(source: Source, text: str) -> str:
    if "api_key" not in source.variables:
        text = text.replace(f"{PREFIX}API_KEY in the environment or in .env", f"{PREFIX}API_KEY")
    return _SETTING.sub(lambda found: _key(source, found[1].lower()) or found[0], text)


def _key(source: Source, setting: str) -> str | None:
    if setting == "source":
        return f"its name in {FILE}"
    if variable := source.variables.get(setting):
        return variable
    key = next((key for key in (setting, f"{setting}_env") if key in Source.model_fields), None)
    return key and f"{key} in {FILE}"


def shown_source(source: Source) -> Iterator[Setting]:
    """What its table sets; there is no secret in it."""
    for name in source.model_fields_set - {"name"}:
        value = getattr(source, name)
        shown = ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)
        yield Setting(f"{source.name}.{name}", shown, str(FILE))
