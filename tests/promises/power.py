"""Power cuts. Kill -9 cannot show a missing fsync, since what was written survives in the page cache.

So the calls that make files durable are recorded, and at a cut a data directory is made as the disk may hold it then.
Of a file only what was synced is certain, of the rest some first part; of names that were given or taken since the last
sync of their folder, any may have reached the disk or not. DuckDB syncs its own files, out of our sight; they are taken
as they are, but a log may be cut short at any byte.
"""

from __future__ import annotations

import json
import multiprocessing.util
import os
import signal
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from warehouse.archive.segments import Archive

if TYPE_CHECKING:
    from collections.abc import Callable

#: A change of a folder that is not certain yet: (folder, name, inode that gets the name; None when it is taken).
Change = tuple[str, str, int | None]


@dataclass(frozen=True)
class PowerCut:
    """Cuts the power before the `at`th call that makes something durable, or at the end; leaves the disk in `image`.

    Attributes:
        root: the data directory.
        image: where the directory is made as the disk may hold it; `promised.json` in its parent names the segments
            whose writing had been reported as done.
        at: which call.
        seed: which of the possible disks.
    """

    root: Path
    image: Path
    at: int
    seed: int

    def __call__(self) -> None:
        _Disk(self).watch()


class _Disk:
    """What is certain to be on the disk, and what may be."""

    def __init__(self, cut: PowerCut) -> None:
        self._cut = cut
        self._rng = Random(cut.seed)
        self._calls = 0
        self._lock = threading.RLock()
        self._promised: list[str] = []
        self._synced: dict[int, bytes] = {}
        self._names: dict[str, int] = {}
        self._pending: list[tuple[Change, ...]] = []
        for folder, _, files in os.walk(cut.root):
            self._names[folder] = 0
            for name in files:
                path = os.path.join(folder, name)  # noqa: PTH118 - keys are plain strings
                self._names[path] = os.stat(path).st_ino  # noqa: PTH116 - likewise
                self._synced[self._names[path]] = Path(path).read_bytes()

    def watch(self) -> None:
        for name in ("fsync", "replace", "rename", "unlink", "remove", "link", "mkdir"):
            setattr(os, name, self._watched(getattr(os, name), getattr(self, f"_{name}")))
        Archive.write = self._reported(Archive.write)  # type: ignore[method-assign]
        multiprocessing.util.Finalize(None, self._go_out, exitpriority=1)

    def _watched(self, real: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the real one
            with self._lock:
                self._calls += 1
                if self._calls == self._cut.at:
                    self._go_out()
                before = self._inode(arguments[0])
                result = real(*arguments, **options)
                note(*arguments, before)
                return result

        return call

    def _reported(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the real one
            segment = real(*arguments, **options)
            with self._lock:
                self._promised.append(segment.segment_id)
            return segment

        return write

    def _inode(self, thing: Any) -> int | None:  # noqa: ANN401 - a descriptor or any path-like
        if isinstance(thing, int):
            return None
        try:
            return os.stat(thing).st_ino  # noqa: PTH116 - likewise
        except FileNotFoundError:
            return None

    def _fsync(self, descriptor: int, _before: object) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - keys are plain strings
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            for changes in self._pending:
                self._apply(tuple(one for one in changes if one[0] == path))
            self._pending = [left for each in self._pending if (left := tuple(one for one in each if one[0] != path))]
        else:
            self._synced[status.st_ino] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def _replace(self, source: object, target: object, inode: int) -> None:
        self._pending.append((self._change(source, None), self._change(target, inode)))

    _rename = _replace

    def _unlink(self, path: object, _before: object) -> None:
        self._pending.append((self._change(path, None),))

    _remove = _unlink

    def _link(self, source: object, target: object, _before: object) -> None:
        self._pending.append((self._change(target, self._inode(source)),))

    def _mkdir(self, path: object, *_: object) -> None:
        self._pending.append((self._change(path, 0),))

    def _change(self, path: Any, inode: int | None) -> Change:  # noqa: ANN401 - any path-like
        absolute = os.path.abspath(path)  # noqa: PTH100 - keys are plain strings
        return os.path.dirname(absolute), absolute, inode  # noqa: PTH120 - likewise

    def _apply(self, changes: tuple[Change, ...]) -> None:
        for _, path, inode in changes:
            if inode is None:
                self._names.pop(path, None)
            else:
                self._names[path] = inode

    def _go_out(self) -> None:
        """Choose what has reached the disk, make the image, and die."""
        present = self._contents()
        for changes in self._pending:
            if self._rng.random() < 0.5:
                self._apply(changes)
        self._take_duckdb_as_it_is()
        self._cut.image.mkdir(exist_ok=True)
        for path, inode in sorted(self._names.items()):
            if inode == 0:
                self._make_folder(path)
        for path, inode in sorted(self._names.items()):
            if inode and self._in_image(path).parent.is_dir():
                self._in_image(path).write_bytes(self._content(path, inode, present))
        self._cut.image.with_name("promised.json").write_text(json.dumps(self._promised), encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)

    def _contents(self) -> dict[int, bytes]:
        files = (path for path in self._cut.root.rglob("*") if path.is_file())
        return {path.stat().st_ino: path.read_bytes() for path in files}

    def _take_duckdb_as_it_is(self) -> None:
        """Its files come and go without our seeing it, but for what is still to be decided above."""
        for path in self._cut.root.glob("*.duckdb*"):
            decided = {change[1] for changes in self._pending for change in changes}
            if str(path) not in decided:
                self._names[str(path)] = path.stat().st_ino
                self._synced.pop(path.stat().st_ino, None)

    def _content(self, path: str, inode: int, present: dict[int, bytes]) -> bytes:
        whole = present.get(inode, b"")
        if path.endswith(".wal") and self._rng.random() < 0.5:
            return whole[: self._rng.randrange(len(whole) + 1)]
        if ".duckdb" in path and "published" not in path:
            return whole or self._synced.get(inode, b"")
        return self._synced.get(inode, whole[: self._rng.randrange(len(whole) + 1)])

    def _make_folder(self, path: str) -> None:
        if self._in_image(path).parent.is_dir():
            self._in_image(path).mkdir(exist_ok=True)

    def _in_image(self, path: str) -> Path:
        return self._cut.image / os.path.relpath(path, self._cut.root)
