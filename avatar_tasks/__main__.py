"""`python -m avatar_tasks`: the command line where the program itself is not on the path."""

from __future__ import annotations

from avatar_tasks.cli import main

main(prog_name="avatar-tasks")
