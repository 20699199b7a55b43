"""The commands of a guide: its fenced blocks in bash, in order, with what the comments before each of them say.

| comment | meaning |
|---|---|
| `<!-- not run: REASON -->` | cannot run in a test |
| `<!-- soak: REASON -->` | takes long: `make soak` runs it |
| `<!-- own terminal -->` | runs until the end, beside what follows |
| `<!-- yours -->` | assignments, for which the test has values of its own |
| `<!-- exit N -->` | how the block's last command ends, if not with 0 |
| `<!-- before: SENTENCE -->`, `<!-- then: SENTENCE -->` | what the test makes so before, and checks afterwards |
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FENCE: Final = re.compile(
    r"(?P<comments>(?:^ *<!-- [^\n]* -->\n)*)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT: Final = re.compile(r"<!-- (not run|soak|own terminal|yours|exit|before|then):? ?(.*?) -->")
_HEADING: Final = re.compile(r"^## (.*)$", re.MULTILINE)
_ASSIGNMENT: Final = re.compile(r"([A-Z]+)=.*")


@dataclass(frozen=True)
class Block:
    """One fenced block; `comments` by their word, e.g. `{"soak": "waits for …"}`."""

    line: int
    section: str
    language: str
    text: str
    comments: Mapping[str, str]

    def __str__(self) -> str:
        return f"line {self.line} ({self.section}):\n{self.text}"

    @property
    def names(self) -> list[str]:
        """The variables of a block that is the reader's to fill in.

        Raises:
            ValueError: when it has anything but assignments.
        """
        found = [_ASSIGNMENT.fullmatch(line) for line in self.text.splitlines()]
        if not all(found):
            msg = f"{self} has more than assignments"
            raise ValueError(msg)
        return [one[1] for one in found if one]


def read_blocks(text: str) -> Iterator[Block]:
    """All fenced blocks of a page.

    Raises:
        ValueError: when a comment before a block is none of the above.
    """
    headings = [(one.start(), one[1]) for one in _HEADING.finditer(text)]
    for found in _FENCE.finditer(text):
        comments = [line.strip() for line in found["comments"].splitlines()]
        known = [_COMMENT.fullmatch(one) for one in comments]
        line = text.count("\n", 0, found.start("indent")) + 1
        if not all(known):
            msg = f"line {line}: {comments} has a comment that means nothing"
            raise ValueError(msg)
        section = next((title for start, title in reversed(headings) if start < found.start()), "")
        yield Block(
            line,
            section,
            found["language"],
            textwrap.dedent(found["text"]),
            {one[1]: one[2] for one in known if one},
        )
