"""The comment at the top of a `.sql` file, read in one way for catalog, data dictionary and example queries.

No library: a SQL parser keeps a comment as text beside a token, and the blocks and lines that carry the meaning here
would still have to be told apart by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

_COLUMN: Final = re.compile(r"^(\w+): (.*)$")


@dataclass(frozen=True, slots=True)
class Header:
    """A header: the grain, an empty comment line, the columns, and after another empty line whatever else there is.

    Attributes:
        title: the first line: of an example query, its question.
        grain: the first block: "One row per …".
        columns: of the second block, `column: what it is`, continued on lines that are indented.
        notes: the other blocks.
    """

    title: str
    grain: str
    columns: dict[str, str]
    notes: tuple[str, ...]


def read_header(sql: str) -> Header:
    """The header of a file's text; empty parts where it has none."""
    lines = [line[2:].removeprefix(" ") for line in takewhile(_is_comment, sql.splitlines())]
    blocks = [block.split("\n") for block in "\n".join(lines).split("\n\n")]
    first, second, *rest = blocks if len(blocks) > 1 else (*blocks, [])
    return Header(
        title=first[0],
        grain=" ".join(first),
        columns=_columns(second),
        notes=tuple(" ".join(map(str.strip, block)) for block in rest),
    )


def _is_comment(line: str) -> bool:
    return line.startswith("--")


def _columns(lines: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := _COLUMN.match(line):
            name = match[1]
            columns[name] = match[2]
        elif line.startswith("  ") and name:
            columns[name] += f" {line.strip()}"
    return columns
