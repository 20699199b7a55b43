"""Where the program begins, also as `python -m avatar_tasks`: Ctrl-C is handled first, then all else is imported."""

from __future__ import annotations

from pipeline import interrupts


def main() -> None:
    """Run the command line."""
    interrupts.stop_early()
    from avatar_tasks.cli import main as run

    run(prog_name="avatar-tasks")


if __name__ == "__main__":
    main()
