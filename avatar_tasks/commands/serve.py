"""`serve`: the report in a browser, and callbacks."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avatar_tasks.commands.options import DATA_DIR, Place, examples, settings_of, with_options
from avatar_tasks.console import handle_errors, show


@click.command(
    short_help="Serve the report, /health and /metrics, on loopback.",
    epilog=examples("serve", "serve --callbacks --inbox inbox"),
)
@click.option(
    "--port", default=8898, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 means any free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="The address to listen on. There is no login.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Also answer requests for this host name, e.g. behind a proxy; may be repeated.",
)
@click.option(
    "--callbacks",
    is_flag=True,
    help="Accept what gateways post to /callbacks/SECRET; the secret is AVATAR_TASKS_CALLBACK_SECRET.",
)
@click.option(
    "--inbox",
    type=Place(path_type=Path),
    default=Path("inbox"),
    show_default=True,
    metavar="DIR",
    help="The folder to write the ids of callbacks to, for `collect --inbox`.",
)
@click.option("--accept-new", is_flag=True, help="Also accept ids that were never accepted before.")
@click.option(
    "--source", metavar="NAME", help="The gateway that posts the callbacks; by default all gateways of sources.toml."
)
@with_options(DATA_DIR)
@handle_errors
def serve(*, data_dir: Path | None, source: str | None, **options: Any) -> None:
    """Serve the report, always up to date, and /health and /metrics, on loopback until Ctrl-C."""
    from pipeline.serving.serve import serve as run_server

    run_server(settings_of(data_dir=data_dir, source=source), **options, notify=show)
