"""Parse the comment at the top of a `.sql` file, for the catalog, the data dictionary and the example queries.

No library does it: a SQL parser keeps a comment as plain text, and its blocks and lines, which have the meaning here,
would still have to be parsed by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

_COLUMN: Final = re.compile(r"^(\w+): (.*)$")


@dataclass(frozen=True, slots=True)
class Header:
    """A header: the grain, an empty comment line, the columns, another empty comment line, and notes.

    Attributes:
        title: the first line; the question, in an example query.
        grain: the first block: "One row per …".
        columns: from the second block, `column: what it is`, continued on indented lines.
        notes: the other blocks.
    """

    title: str
    grain: str
    columns: dict[str, str]
    notes: tuple[str, ...]


def read_header(sql: str) -> Header:
    """The header of a file's text; parts that it does not have are empty."""
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
