"""How a value of a table is shown, by the name of its column."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reports import words

if TYPE_CHECKING:
    from reports.elements import Figure

#: Longer addresses are not linked: browsers do not accept them.
_LONGEST: Final = 8000


def kind(figure: Figure, column: str) -> str:
    """The CSS class of a column: `number` or `text`."""
    return "number" if figure.data.schema[column].is_numeric() else "text"


def shown(name: str, value: object) -> str:
    """A value of a table as text; the name of its column decides the format."""
    match value:
        case None:
            return "–"
        case datetime():
            return words.minute(value)
        case int():
            return words.count(value)
        case float():
            return _decimal(name, value)
    return str(value)


def _decimal(name: str, value: float) -> str:
    if "seconds" in name:
        return words.duration(value)
    return f"{value:,.0f} ms" if name.endswith("_ms") else words.percent(value)


def as_link(address: str | None) -> str | None:
    """The address if it is safe to link (http or https with a host), otherwise None."""
    if not address or len(address) > _LONGEST or any(one.isspace() or ord(one) < 32 for one in address):  # noqa: PLR2004
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.hostname else None
