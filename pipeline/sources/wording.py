"""Sentences about a gateway of `sources.toml`, in which each setting is named as it is set there."""

from __future__ import annotations

import re
from typing import Final

from pipeline.sources.file import FILE, Source, listed_sources
from warehouse.environment import PREFIX

_SETTING: Final = re.compile(rf"{PREFIX}([A-Z_]*[A-Z])")


def worded_for(name: str, text: str) -> str:
    """`text` in the words for the source of this name; unchanged if the file does not list it."""
    return next((worded(one, text) for one in listed_sources() if one.name == name), text)


def worded(source: Source, text: str) -> str:
    """`text` with each setting replaced by its key in the file, or by the variable that the key names."""
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
