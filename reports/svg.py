"""A chart as SVG for a page with several: no script, sized by the page, with the marks' descriptions as tooltips.

The drawing is changed as a tree, not as text, so that no text in a label can be taken for markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import vl_convert

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import altair as alt

_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_MARKS: Final = {f"{{{_NAMESPACE}}}{tag}" for tag in ("path", "line", "rect")}
_REFERENCE: Final = re.compile(r"url\(#(?=clip|gradient)")
_DECIMALS: Final = re.compile(r"\d+\.\d{3,}(?:e-\d+)?")
_GENERATED_ID: Final = ("clip", "gradient")
_DROPPED: Final = ("role", "aria-", "pointer-events")

ET.register_namespace("", _NAMESPACE)


def svg(chart: alt.TopLevelMixin, *, name: str, css_class: str, label: str) -> str:
    """The chart as SVG; `name` makes its ids unique on the page."""
    spec = chart.to_dict()
    _keep_written_descriptions(spec)
    root = ET.fromstring(vl_convert.vegalite_to_svg(spec))  # noqa: S314 - generated here, without entities
    for element in root.iter():
        _add_tooltip(element)
        element.attrib = {key: _tidied(key, value, name) for key, value in element.items() if not _is_dropped(key)}
    root.attrib = {
        "viewBox": f"0 0 {root.get('width')} {root.get('height')}",
        "class": css_class,
        "role": "img",
        "aria-label": label,
    }
    return ET.tostring(root, encoding="unicode")


def _keep_written_descriptions(spec: dict[str, Any]) -> None:
    """Stop Vega-Lite from generating descriptions, out of column names and values, for marks without one of ours."""
    for part in (*spec.get("layer", ()), *spec.get("hconcat", ()), *spec.get("vconcat", ())):
        _keep_written_descriptions(part)
    if "mark" in spec and "description" not in spec["encoding"]:
        spec["mark"]["aria"] = False


def _add_tooltip(element: Element) -> None:
    description = element.get("aria-label")
    if description is not None and element.tag in _MARKS:
        title = ET.SubElement(element, f"{{{_NAMESPACE}}}title")
        title.text = description


def _is_dropped(attribute: str) -> bool:
    return attribute.startswith(_DROPPED)


def _tidied(attribute: str, value: str, name: str) -> str:
    """Ids and references to them made unique on the page, numbers rounded to two decimals."""
    if attribute == "id" and value.startswith(_GENERATED_ID):
        return f"{name}-{value}"
    value = _REFERENCE.sub(f"url(#{name}-", value)
    return _DECIMALS.sub(lambda found: f"{float(found[0]):.2f}", value)
