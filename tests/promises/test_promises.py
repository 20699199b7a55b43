"""docs/promises.md names tests that there are."""

from __future__ import annotations

import re

from tests.promises.steps import ROOT


def test_every_test_that_a_promise_names_exists() -> None:
    """A promise without its test would be a wish."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/promises.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [name for path, name in named if f"\ndef {name}(" not in (ROOT / path).read_text(encoding="utf-8")]
    assert missing == []
