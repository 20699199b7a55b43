"""The reader's terminal: blocks run in one bash, so that what one exports, defines or enters is there for the next."""

from __future__ import annotations

import os
import select
import subprocess
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PATIENCE_SECONDS = 300.0


@dataclass
class Shell:
    """Use it as a context. What commands print goes to stdout of this process."""

    folder: Path
    scripts: Path
    _process: subprocess.Popen[bytes] = field(init=False)
    _ends: IO[bytes] = field(init=False)
    _count: int = 0

    def __enter__(self) -> Self:
        reading, writing = os.pipe()
        command = ["bash", "--norc", "-c", f'exec 9>&{writing}; while read -r script; do . "$script"; done']
        self._process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.PIPE, pass_fds=[writing], stderr=subprocess.STDOUT
        )
        os.close(writing)
        self._ends = os.fdopen(reading, "rb")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, text: str, *, code: int = 0) -> None:
        """Run the lines of a block: each has to end with 0, or the last one with `code`.

        Raises:
            AssertionError: when it ends otherwise, or not within some minutes.
        """
        guard = "set -e -o pipefail" if code == 0 else "set +e"
        script = self._script(f"{guard}\n{text}")
        self._send(f". {script} </dev/null 9>&-\nstatus=$?\nset +e\necho $status >&9\n")
        deadline = time.monotonic() + PATIENCE_SECONDS
        ready, _, _ = select.select([self._ends], [], [], deadline - time.monotonic())
        assert ready, f"not done within {PATIENCE_SECONDS} s:\n{text}"
        line = self._ends.readline().decode().strip()
        assert line, f"a line failed of:\n{text}"
        assert int(line) == code, f"ended with {line} rather than {code}:\n{text}"

    def start(self, text: str, log: Path) -> None:
        """Run a block beside what follows."""
        self._send(f"(. {self._script(text)}) </dev/null >>{log} 2>&1 9>&- &\n")

    def set(self, name: str, value: str) -> None:
        """Assign a variable."""
        self.run(f"{name}='{value}'\n")

    def _script(self, text: str) -> Path:
        self._count += 1
        path = self.scripts / f"{self._count}.sh"
        path.write_text(text, encoding="utf-8")
        return path

    def _send(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{self._script(text)}\n".encode())
        self._process.stdin.flush()
