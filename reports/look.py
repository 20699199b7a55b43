"""Colours that colour-blind people can distinguish, for light and dark, and the font.

The colours of series are those of Okabe and Ito, darkened or lightened for enough contrast; those of the heat map are
one hue from faint to strong. In the page they are CSS variables, so that one drawing works in light mode, in dark mode
and on paper; pictures use the light ones.
"""

from __future__ import annotations

from typing import Final

#: Names without quotation marks: CSS does not need them, and HTML would escape them.
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
    "heat-1": "#dcebf7",
    "heat-2": "#b7d5ec",
    "heat-3": "#86b9de",
    "heat-4": "#5198c9",
    "heat-5": "#2474ae",
    "heat-6": "#0b4f86",
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
    "heat-1": "#1d3346",
    "heat-2": "#22476a",
    "heat-3": "#2a628f",
    "heat-4": "#3d82b8",
    "heat-5": "#6aaade",
    "heat-6": "#b4dafa",
}
