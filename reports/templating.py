"""The page's templates: Jinja2 escapes every value in them except the drawings, which are already markup."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.formats import as_link, kind, shown

_FOLDER: Final = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"kind": kind, "shown": shown, "as_link": as_link}
    return environment


def render(template: str, /, **values: object) -> Markup:
    """A template of `reports/templates`, filled with these values."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - escaped by the template
