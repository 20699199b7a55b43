"""Any bytes as a file with ids give ids, named lines or one sentence; no id is lost, and no key kept."""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UnusableInputError
from pipeline.intake.rejections import Rejections
from pipeline.intake.source import IdSource
from tests.pipeline.intake.odd_files import OTHER_KEY, OWN_KEY, OddFile, odd_file
from tests.pipeline.intake.ways import by_inbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.promises.conftest import Figures

#: How `source` names an error that no reader has expected.
UNEXPECTED = re.compile(r"cannot be read \(\w+\)")

#: Another key after a letter or digit is part of some other word, which may be an id.
KEPT_KEY = re.compile(rf"{OWN_KEY}|(?<![A-Za-z0-9]){OTHER_KEY}")


def try_file(folder: Path, odd: OddFile) -> str:
    """Read a file, compare the result with what is known, and say in a word what it was."""
    path = folder / odd.name
    path.write_bytes(odd.content)
    rejections, ids, refusal = Rejections(secrets=frozenset({OWN_KEY})), list[str](), ""
    try:
        for piece in IdSource(file=str(path), may_be_empty=True).pieces(rejections):
            ids += piece
    except UnusableInputError as error:
        refusal = str(error)
    written = "\n".join([*ids, refusal, json.dumps(rejections.named, ensure_ascii=False)])
    assert not UNEXPECTED.search(refusal), refusal
    assert "\n" not in refusal
    assert odd.name in refusal or not refusal
    assert not KEPT_KEY.search(written), written
    written.encode("utf-8")
    if odd.intact:
        assert (refusal, ids, rejections.count) == ("", odd.ids, 0), (refusal, ids, odd)
    elif not refusal:
        assert odd.ids_left() - set(ids) == set(), (ids, odd)
    return "refused" if refusal else "with rejected lines" if rejections.count else "read"


def try_files(folder: Path, seed: int, count: int) -> Counter[str]:
    """Try odd files; how many came out how. A failure names the seed and the number of the try."""
    rng, outcomes = Random(seed), Counter[str]()
    for number in range(count):
        odd = odd_file(rng)
        try:
            outcomes[try_file(folder, odd)] += 1
        except Exception as error:
            error.add_note(f"try {number} of seed {seed}: {odd.name} {odd.content[:300]!r}")
            raise
        (folder / odd.name).unlink()
    return outcomes


def test_a_thousand_odd_files(tmp_path: Path) -> None:
    """In every way of coming out."""
    outcomes = try_files(tmp_path, seed=7, count=1000)
    assert set(outcomes) == {"read", "with rejected lines", "refused"}


def test_odd_files_in_an_inbox_are_all_moved_on_and_end_no_run(tmp_path: Path) -> None:
    """What is said of them can be stored, and holds no key."""
    rng = Random(8)
    for number in range(40):
        folder = tmp_path / str(number)
        odd = odd_file(rng)
        if not odd.name.endswith((".md", "f")):
            (folder / "from").mkdir(parents=True)
            file = folder / "from" / odd.name
            file.write_bytes(odd.content)
            outcome = by_inbox(folder, file, key=OWN_KEY)
            assert not KEPT_KEY.search("\n".join(outcome.warnings)), outcome


@pytest.mark.soak
def test_a_hundred_thousand_odd_files(tmp_path: Path, figures: Figures) -> None:
    """The long form."""
    outcomes = sum((try_files(tmp_path, seed, 10_000) for seed in range(100, 110)), Counter[str]())
    counted = ", ".join(f"{count:,} {name}" for name, count in sorted(outcomes.items()))
    figures("odd files with ids", f"{outcomes.total():,} tries: {counted}; 0 tracebacks, 0 ids lost, 0 keys kept")
