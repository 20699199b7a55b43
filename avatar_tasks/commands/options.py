"""Options that several commands have, and the kinds of values that options take."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avatar_tasks.console import use_log_format
from warehouse import home

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings import Settings
    from pipeline.sources.file import Source


class Place(click.Path):
    """A path in which `~` is the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            expanded = home.expand(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(expanded, param, ctx)


class Seconds(click.FloatRange):
    """A time span in seconds, above 0; NaN is refused."""

    def __init__(self) -> None:
        super().__init__(min=0, max=3.2e7, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a number of seconds", param, ctx) if seconds != seconds else seconds  # noqa: PLR0124 - NaN


SETTINGS = (
    click.option("--base-url", metavar="URL", help="The gateway's address, e.g. https://host."),
    click.option(
        "--source",
        metavar="NAME",
        help="Name of the gateway that the ids belong to; if there is a sources.toml, one of its names.",
    ),
    click.option("--concurrency", type=int, metavar="N", help="Maximum requests in flight."),
    click.option("--rate", type=float, metavar="N", help="Maximum requests per second."),
    click.option("--timeout", type=float, metavar="SECONDS", help="Timeout for one request."),
)
DATA_DIR = click.option(
    "--data-dir", type=Place(path_type=Path), metavar="DIR", help="The folder for archive, warehouse and reports."
)
ACCEPT_LOSS = click.option(
    "--accept-loss", is_flag=True, help="Continue even if rows are lost that exist nowhere else."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def examples(*lines: str) -> str:
    """The examples at the end of a command's `--help`."""
    return "\n".join(["\b", "Examples:", *(f"  avatar-tasks {line}" for line in lines)])


def with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """One decorator that adds several options, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)

    return decorate


def settings_of(**options: Any) -> Settings:
    """The settings in force, with those given as options."""
    from pipeline.settings import read_settings

    settings = read_settings(**options)
    use_log_format(settings.log_format)
    return settings


def gateway_settings(source: Source | None, /, **options: Any) -> Settings:
    """The settings for a gateway of `sources.toml`; `source` is None if there is no such file."""
    from pipeline.sources import choose

    settings = choose.settings_of(source, **options)
    use_log_format(settings.log_format)
    return settings
