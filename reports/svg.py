"""A chart as SVG to stand in a page among others: no script, sized by the page, with its marks' words as tooltips."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

import vl_convert

if TYPE_CHECKING:
    import altair as alt

_ID: Final = re.compile(r'(\bid="|url\(#)(clip|gradient)')
_MARK: Final = re.compile(r'<(path|line|rect)\b([^>]*?) aria-label="([^"]*)"([^>]*)/>')
_SIZE: Final = re.compile(r'^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*>')
_DECIMALS: Final = re.compile(r"\d+\.\d{3,}(?:e-\d+)?")
_ROLES: Final = re.compile(r' (role|aria-\w+|pointer-events)="[^"]*"')


def svg(chart: alt.TopLevelMixin, *, name: str, css_class: str, label: str) -> str:
    """The chart drawn; `name` keeps its ids apart from those of others on the page."""
    drawn = str(vl_convert.vegalite_to_svg(chart.to_dict()))
    drawn = _ID.sub(rf"\g<1>{name}-\g<2>", drawn)
    drawn = _MARK.sub(r"<\1\2\4><title>\3</title></\1>", drawn)
    drawn = _ROLES.sub("", drawn)
    drawn = _DECIMALS.sub(lambda found: f"{float(found[0]):.2f}", drawn)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \\1 \\2" class="{css_class}" role="img" aria-label='
    return _SIZE.sub(lambda found: found.expand(head) + f'"{escape(label)}">', drawn)
