"""How figures look: colours that colour-blind people can distinguish, one width for screens and one for phones.

Colours are those of Okabe and Ito, darkened or lightened for enough contrast. In the page they are CSS variables, so
that one drawing works for light, dark and paper; pictures use the light ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

#: Without quotation marks, which CSS does not need, and which HTML would escape.
FONT: Final = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Noto Sans CJK SC, sans-serif"

LIGHT: Final = {
    "ink": "#1c2430",
    "muted": "#5d6876",
    "grid": "#e3e7ec",
    "page": "#f6f7f9",
    "card": "#ffffff",
    "line": "#d5dbe2",
    "blue": "#0067a8",
    "orange": "#c65102",
    "green": "#00785a",
    "sky": "#4a9fd4",
    "amber": "#b98000",
    "pink": "#b0578d",
    "violet": "#6b57b5",
    "brown": "#8a5a44",
    "grey": "#8a94a0",
}

DARK: Final = {
    "ink": "#e8ebef",
    "muted": "#9aa5b1",
    "grid": "#2c343e",
    "page": "#12161b",
    "card": "#1a2027",
    "line": "#323b46",
    "blue": "#5cb3ee",
    "orange": "#ff8f4d",
    "green": "#3fc79a",
    "sky": "#8fd0f5",
    "amber": "#e9b949",
    "pink": "#e29ac7",
    "violet": "#b3a4ec",
    "brown": "#c79a84",
    "grey": "#7f8a97",
}

#: Whose fault a failure is.
CLASS_COLOURS: Final = {
    "provider": "blue",
    "gateway": "orange",
    "gateway_timeout": "amber",
    "content_policy": "pink",
    "input": "green",
    "account": "sky",
    "rate_limit": "violet",
    "network": "brown",
    "cancelled": "muted",
    "unknown": "grey",
}

_WIDE: Final = 912
_HALF: Final = 436
_NARROW: Final = 328


@dataclass(frozen=True, slots=True)
class Look:
    """Width and colours of a drawing.

    Attributes:
        width: of the whole drawing, in CSS pixels.
        colours: by name.
    """

    width: int = _WIDE
    colours: dict[str, str] = field(default_factory=lambda: dict(LIGHT))

    @property
    def is_narrow(self) -> bool:
        return self.width <= _HALF

    def colour(self, name: str) -> str:
        return self.colours[name]

    def config(self) -> dict[str, Any]:
        """Vega-Lite's configuration: quiet axes, no frame."""
        muted, grid = self.colour("muted"), self.colour("grid")
        return {
            "font": FONT,
            "background": "transparent",
            "view": {"stroke": None},
            "axis": {
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "labelPadding": 6,
                "labelColor": muted,
                "titleColor": muted,
                "gridColor": grid,
                "domainColor": grid,
                "ticks": False,
                "titlePadding": 10,
                "labelOverlap": "greedy",
            },
            "axisX": {"grid": False},
            "axisY": {"domain": False, "tickCount": 5},
            "legend": {
                "orient": "top",
                "direction": "horizontal",
                "title": None,
                "labelFontSize": 12,
                "offset": 8,
                "labelColor": muted,
                "symbolOpacity": 1,
                "symbolType": "square",
                "symbolStrokeWidth": 0,
                "columnPadding": 16,
                "labelLimit": 300,
            },
            "text": {"fontSize": 12, "fill": self.colour("ink")},
            "title": {"anchor": "start", "fontSize": 13, "fontWeight": 600, "color": self.colour("ink"), "offset": 8}
            | {"subtitleColor": muted, "subtitleFontSize": 12, "subtitlePadding": 4},
        }


def page_look(*, is_wide: bool) -> Look:
    """For the page on a screen, with CSS variables as colours."""
    return Look(_WIDE if is_wide else _HALF, _VARIABLES)


def phone_look() -> Look:
    """For the page on a phone."""
    return Look(_NARROW, _VARIABLES)


_VARIABLES: Final = {name: f"var(--{name})" for name in LIGHT}
