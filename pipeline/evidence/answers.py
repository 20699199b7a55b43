"""The archived answers about some tasks, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.pages import split_pages
from warehouse.archive.parquet import composition, pieces
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from warehouse.archive.parquet import Damaged, Kind, Segment
    from warehouse.archive.segments import Archive

#: Rows of the archive that are searched at once.
_ROWS: Final = 2_000

#: Pages that are searched at once; each has some 100 answers.
_PAGES: Final = 20


def bodies(store: Archive, wanted: pl.DataFrame, damaged: list[Damaged]) -> Iterator[tuple[str, bool, bytes]]:
    """(hash, whether its content type is JSON, bytes) of each distinct body of the answers wanted.

    Args:
        store: the archive.
        wanted: answers with their `source`, `task_id`, `body_hash` and the `segment_id` they were first written to.
        damaged: a list to which segments that cannot be read are added.
    """
    left = set(wanted.filter(pl.col("body_hash") != "")["body_hash"])
    keys = wanted.select("source", "task_id").unique()
    for piece in _answers(store, set(wanted["segment_id"]), damaged):
        if not left:
            return
        found = piece.join(keys, on=["source", "task_id"], how="semi").filter(pl.col("body").is_not_null())
        for row in found.unique("body_hash", maintain_order=True).iter_rows(named=True):
            if row["body_hash"] in left:
                left.remove(row["body_hash"])
                yield row["body_hash"], "json" in (row["content_type"] or ""), row["body"]


def _answers(store: Archive, ids: Collection[str], damaged: list[Damaged]) -> Iterator[pl.DataFrame]:
    """The answers in these segments, in the schema `ANSWERS`: single answers, and those on pages with many."""
    yield from pieces(_segments(store, "observations", ids), _ROWS, damaged)
    for pages in pieces(_segments(store, "list_pages", ids), _PAGES, damaged):
        yield split_pages(pages).answers


def _segments(store: Archive, kind: Kind, ids: Collection[str]) -> Iterator[Segment]:
    """The segments with these ids, and those into which they were compacted."""
    wanted = frozenset(ids)
    for segment in store.segments(kind):
        if segment.segment_id in wanted or _replaces(segment, wanted):
            yield segment


def _replaces(segment: Segment, wanted: frozenset[str]) -> bool:
    try:
        return bool(composition(segment).replaced & wanted)
    except ArchiveError:
        return True  # `pieces` reports what is wrong with it
