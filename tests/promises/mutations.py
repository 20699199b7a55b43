"""Each takes one thing away that a promise rests on. With any of them the oracle has to go red."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING, Any

from transforms.flatten import transform
from warehouse.archive import atomic as durable
from warehouse.archive import local_folder, parquet
from warehouse.archive.segments import Archive
from warehouse.load import large
from warehouse.load import loader as load
from warehouse.load.lots import Lot

if TYPE_CHECKING:
    from collections.abc import Iterator


def put(place: object, name: str, instead: object) -> None:
    """For the rest of the process: it is about to do one thing, and then it is gone."""
    assert hasattr(place, name)
    setattr(place, name, instead)


def forget_the_ledger() -> None:
    """What is loaded is not written down."""
    put(load, "_enter", lambda _con, segments: len(segments))


def ledger_first() -> None:
    """The ledger says that segments are loaded before they are, in a transaction of its own."""
    real_load, real_ledger, real_enter = load.load, load.ledger, load._enter

    def enter_then_load(con: Any, segments: Any, *arguments: Any) -> Any:  # noqa: ANN401 - as the real one
        known = real_ledger(con)
        real_enter(con, [one for one in segments if one.segment_id not in known])
        put(load, "ledger", lambda _con: known)
        done = real_load(con, segments, *arguments)
        put(load, "ledger", real_ledger)
        return done

    put(large, "load", enter_then_load)
    put(load, "_enter", lambda _con, segments: len(segments))


def no_transaction() -> None:
    """Every statement is visible by itself."""
    put(load, "transaction", contextlib.nullcontext)


def count_copies() -> None:
    """An answer that is loaded already counts as new; and each is archived twice, as by a compaction that dies."""

    def read_all(self: Lot, damaged: Any) -> Iterator[Any]:  # noqa: ANN401 - as the real one
        for answers in parquet.pieces(self.segments, self.piece_rows, damaged):
            yield transform(answers, ())

    put(Lot, "frames", read_all)
    put(load, "_fresh", lambda _con, answers: answers)
    real = Archive.write

    def write_twice(self: Any, kind: Any, rows: Any, *, segment_id: str, at: Any) -> Any:  # noqa: ANN401 - as the real one
        real(self, kind, rows, segment_id=f"{segment_id}-copy", at=at)
        return real(self, kind, rows, segment_id=segment_id, at=at)

    put(Archive, "write", write_twice)


def no_sync_of_files() -> None:
    """Names are made durable, contents are not."""
    _sync_only(stat.S_ISDIR)


def no_sync_of_folders() -> None:
    """Contents are made durable, names are not."""
    _sync_only(stat.S_ISREG)


def _sync_only(wanted: Any) -> None:  # noqa: ANN401 - a predicate of `stat`
    real = os.fsync

    def sync(descriptor: int) -> None:
        if wanted(os.fstat(descriptor).st_mode):
            real(descriptor)

    put(os, "fsync", sync)


def name_before_content() -> None:
    """A segment gets its name before its content is on the disk."""

    @contextlib.contextmanager
    def atomic_write(path: Any) -> Iterator[Any]:  # noqa: ANN401 - as the real one
        durable.make_directory(path.parent)
        unfinished = path.with_name(f"{durable.UNFINISHED}{path.name}")
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            unfinished.replace(path)
            durable.sync_directory(path.parent)
            os.fsync(file.fileno())

    put(local_folder, "atomic_write", atomic_write)


def never_clear() -> None:
    """What killed processes leave stays."""
    import pipeline.collect.collect  # noqa: PLC0415 - the one user

    put(pipeline.collect.collect, "clear_leftovers", lambda _paths: None)


def copy_in_place() -> None:
    """What is published is written into the file that readers open."""
    from warehouse.database import publish  # noqa: PLC0415 - likewise

    def fill_in_place(path: Any, fill: Any) -> None:  # noqa: ANN401 - as the real one
        beside = path.with_name(f"{durable.UNFINISHED}beside")
        fill(beside)
        content = beside.read_bytes()
        beside.unlink()
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            time.sleep(1)
            file.write(content[len(content) // 2 :])

    put(publish, "replace_atomically", fill_in_place)
