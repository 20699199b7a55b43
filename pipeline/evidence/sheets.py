"""CSV for spreadsheets: no text in it is run as a formula."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from numbers import Number
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Where a spreadsheet may see the start of a formula: at the start of a cell, also after blanks, quotes and invisible
#: characters; and after separators that spreadsheets of some countries split cells at. Also the full-width signs.
_FORMULA: Final = re.compile(
    r"""
    \A (?= [\t\r\n] )
    | (?: \A | [;\t\r\n] ) (?= [\s"'`\x00-\x1f\u200b-\u200f\u2060\ufeff]* [=+\-@\uff1d\uff0b\uff0d\uff20] )
    """,
    re.VERBOSE,
)


def sheet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as CSV in UTF-8 with a byte order mark, which spreadsheets need to read it as UTF-8.

    Times are in UTC. Texts are quoted. Before anything that looks like the start of a formula, a quote (') is added.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _cell(value: Any) -> Any:  # noqa: ANN401 - whatever a column has
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"
    if value is None or isinstance(value, Number):
        return value
    return _FORMULA.sub(r"\g<0>'", str(value))
