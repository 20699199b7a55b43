"""The command line `avatar-tasks …`. Every command reads settings, calls one function, and shows the result.

The commands are in `avatar_tasks/commands/`. Heavy modules are imported only when they are needed, so that `--help`
answers at once.
"""

# ruff: noqa: ANN401 - what click passes on

from __future__ import annotations

from typing import Any

import click

from avatar_tasks.commands import check, collect, deploy, read, serve, trial, upkeep
from avatar_tasks.console import end_program
from avatar_tasks.streams import never_fail


class _Program(click.Group):
    """The command line as a whole, from its first line of output to its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        never_fail()
        end_program(lambda: super(_Program, self).main(*args, **kwargs))


#: How every command ends, for scripts.
EXIT_CODES = """\b
Exit codes:
  0  all ids accounted for
  1  unexpected error
  2  unusable input or settings, or no gateway at that address
  3  the gateway refused the key
  4  archived, but not loaded: the warehouse is locked, full, damaged or of another version
  5  too large a share of the ids could not be reached
  6  a condition of `status --fail-if` holds
  130  stopped by Ctrl-C or a signal
"""


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="avatar-tasks")
def main() -> None:
    """Collect avatar-generation tasks by their ids into a DuckDB warehouse, and report on them.

    How long do tasks take, how often do they fail, whose fault is it, what is stuck? `avatar-tasks demo` shows all of
    this on a simulated gateway. Settings are variables AVATAR_TASKS_* in the environment or in a .env file, or options
    of the same name; the key is never an option, only AVATAR_TASKS_API_KEY.
    """


for _command in (
    check.check,
    collect.collect,
    collect.load,
    deploy.setup_prefect,
    read.compare,
    read.evidence,
    read.report,
    read.sql,
    read.status,
    serve.serve,
    trial.demo,
    trial.simulate,
    upkeep.maintain,
    upkeep.migrate,
    upkeep.publish,
    upkeep.rebuild,
):
    main.add_command(_command)
