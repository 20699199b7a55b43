"""The entry point, also as `python -m avatar_tasks`: it handles Ctrl-C first, and then imports everything else."""

from __future__ import annotations

from pipeline import interrupts


def main() -> None:
    """Run the command line."""
    interrupts.stop_early()
    from avatar_tasks.cli import main as run

    run(prog_name="avatar-tasks")


if __name__ == "__main__":
    main()
