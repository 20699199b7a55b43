"""Disks that are full, small or read-only."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class NoFileLargerThan:
    """The system refuses to let the process's files grow beyond so many bytes; it takes no rights to set up."""

    size: int

    def __call__(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A disk of its own of that size ('6m') at `place`, where the system lets us."""
    place.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Nothing at `place` can be written: by taking the rights, or for root, who needs none, by a mount."""
    if os.geteuid():
        with _without_rights(place):
            yield
        return
    _mount("--bind", str(place), str(place))
    try:
        _mount("-o", "remount,bind,ro", str(place))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def _without_rights(place: Path) -> Iterator[None]:
    before = {path: path.stat().st_mode for path in (place, *place.rglob("*"))}
    for path, mode in before.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this system lets nobody mount here: {done.stderr.strip()}")
