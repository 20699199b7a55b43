"""`serve`: the report in a browser, and callbacks."""

# ruff: noqa: ANN401 - options are passed through to the settings, which check them

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avatar_tasks.commands.options import DATA_DIR, Place, examples, settings_of, with_options
from avatar_tasks.console import handle_errors, show


@click.command(
    short_help="The report live, with /health and /metrics, on loopback.",
    epilog=examples("serve", "serve --callbacks --inbox inbox"),
)
@click.option(
    "--port", default=8898, show_default=True, type=click.IntRange(0, 65535), help="Where to listen; 0 is a free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="The address to listen on. Nobody logs in.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer requests for this host name too, as behind a proxy; may be repeated.",
)
@click.option(
    "--callbacks", is_flag=True, help="Take what gateways post to /callbacks/SECRET, with AVATAR_TASKS_CALLBACK_SECRET."
)
@click.option(
    "--inbox",
    type=Place(path_type=Path),
    default=Path("inbox"),
    show_default=True,
    metavar="DIR",
    help="Where ids of callbacks go, and `collect --inbox` takes them from.",
)
@click.option("--accept-new", is_flag=True, help="Take ids from callbacks that were never accepted before.")
@click.option(
    "--source", metavar="NAME", help="Which gateway the callbacks are from; all of sources.toml if not given."
)
@with_options(DATA_DIR)
@handle_errors
def serve(*, data_dir: Path | None, source: str | None, **options: Any) -> None:
    """The report live, /health and /metrics, on loopback until Ctrl-C."""
    from pipeline.serving.serve import serve as run_server

    run_server(settings_of(data_dir=data_dir, source=source), **options, notify=show)
