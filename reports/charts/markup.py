"""Elements of SVG and HTML, with every attribute and text escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = str | float | None

NOTHING: Final = Markup()


def tag(name: str, *children: str, **attributes: Value) -> Markup:
    """An element: text among `children` is escaped, markup is not. `stroke_width=2` is the attribute stroke-width.

    An attribute that is None is left out; numbers are rounded to two decimals.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_plain(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>")  # noqa: S704 - escaped above


def _plain(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def join(parts: Iterable[Markup]) -> Markup:
    return NOTHING.join(parts)


def percent(share: float) -> str:
    """A position along x: a share of the width."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def colour(name: str) -> str:
    """A colour of `reports.look`, as a variable of the page's style sheet, so that a drawing works in both modes."""
    return f"var(--{name})"
