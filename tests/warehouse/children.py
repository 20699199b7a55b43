"""Other processes: what another run, or somebody's notebook, does to us."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent

#: Says that it holds what the lines before have opened, and holds it until its input ends.
_WAIT = "print('holding', flush=True); sys.stdin.read()"


def run(code: str, *arguments: object) -> int:
    """Run `code` in a Python process with `arguments` in sys.argv[1:]; how it ended."""
    return subprocess.run(_command(code, arguments), cwd=ROOT, check=False, timeout=60).returncode


@contextmanager
def holding(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has run `code` and stays until the block ends."""
    command = _command(f"import sys\n{code}\n{_WAIT}", arguments)
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == "holding\n"
        yield child
        assert child.stdin
        child.stdin.close()
        child.wait(30)


def _command(code: str, arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]
