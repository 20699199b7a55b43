"""Case folders, read and run."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from warehouse.database.schema import definitions

if TYPE_CHECKING:
    import duckdb

HERE: Final = Path(__file__).parent
RELATIVE: Final = 1e-9

TABLES: Final = frozenset(one.name for one in definitions("tables"))
MARTS: Final = tuple(one.name for one in definitions("marts"))

#: What DuckDB computes by the calendar of the session's time zone: parts, buckets and texts of times, calendar
#: intervals, and times made from texts or parts.
_CALENDAR: Final = re.compile(
    r"""\b(date_?\w+ | time_bucket | str[fp]time | age | range | generate_series | make_(date|time)\w* | last_day
        | today | century | decade | year | quarter | month | week\w* | yearweek | iso\w+ | day\w* | hour
        | to_(days|weeks|months|quarters|years))\s*\(
    | \b(extract | at\s+time\s+zone | interval | (current|local)_?(date|time(stamp)?))\b
    | (:: | \bas\s+)(date|time\w*)\b""",
    re.IGNORECASE | re.VERBOSE,
)

#: The names of the columns are given: DuckDB would take longer to find out what it reads than to read it.
_READ: Final = (
    "read_csv($path, auto_detect = false, columns = {columns}, header = true, delim = ',', quote = '\"', "
    "escape = '\"', allow_quoted_nulls = false)"
)

#: Before an argument that is SQL and not a value.
_SQL: Final = "sql "

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One folder: rows in, rows out."""

    view: str
    folder: Path

    @property
    def columns(self) -> list[str]:
        """The columns that the case is about."""
        return _header(self.folder / "expected.csv")

    @property
    def arguments(self) -> list[str | int | list[int]]:
        """Those of a table macro: whole numbers, lists of them, texts, and after `sql ` expressions."""
        path = self.folder / "arguments.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) if line.isdigit() or line.startswith("[") else line for line in lines]

    def rows_in(self) -> list[Path]:
        """The files of rows in.

        Raises:
            ValueError: when one has no table.
        """
        files = sorted(path for path in self.folder.glob("*.csv") if path.stem != "expected")
        if strange := [path.name for path in files if path.stem not in TABLES]:
            msg = f"{self.folder}: {strange[0]} is named like no table"
            raise ValueError(msg)
        return files

    def fill(self, con: duckdb.DuckDBPyConnection) -> None:
        """Put the rows in."""
        for path in self.rows_in():
            con.execute(f"insert into {path.stem} by name from {_read(path)}", {"path": str(path)})

    def found(self, con: duckdb.DuckDBPyConnection) -> tuple[list[Row], list[Row]]:
        """The rows of the view, and the expected ones in the view's own types; both in the same order."""
        file = self.folder / "expected.csv"
        path, names = str(file), ", ".join(f'"{name}"' for name in self.columns)
        con.execute(f"create temp table actual as select {names} from ({self._call()})", self._values(path))  # noqa: S608
        con.execute("create temp table expected as from actual limit 0")
        con.execute(f"insert into expected by name from {_read(file)}", {"path": path})
        actual, expected = (con.execute(f"from {table} order by all").fetchall() for table in ("actual", "expected"))
        return actual, expected

    def _is_scalar(self) -> bool:
        return "value" in self.columns and not self.rows_in()

    def _call(self) -> str:
        if self._is_scalar():
            names = [name for name in self.columns if name != "value"]
            shown, given = ", ".join(f'"{name}"' for name in names), ", ".join(map(_argument, names))
            return f"select {shown}, {self.view}({given}) as value from {_read(self.folder / 'expected.csv')}"  # noqa: S608
        given = ", ".join(
            one.removeprefix(_SQL) if _is_sql(one) else f"$a{number}" for number, one in enumerate(self.arguments)
        )
        return f"from {self.view}({given})" if given else f"from {self.view}"

    def _values(self, path: str) -> dict[str, str | int | list[int]]:
        if self._is_scalar():
            return {"path": path}
        return {f"a{number}": value for number, value in enumerate(self.arguments) if not _is_sql(value)}


def _is_sql(argument: str | int | list[int]) -> TypeGuard[str]:
    return isinstance(argument, str) and argument.startswith(_SQL)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return file.readline().rstrip("\n").split(",")


def _read(path: Path) -> str:
    """The rows of a file, all of them text."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in _header(path))
    return _READ.replace("{columns}", f"{{{columns}}}")


def _argument(name: str) -> str:
    """A column of a scalar macro's case: text, or of the type that its name ends with, as in `z:double`."""
    _, _, kind = name.partition(":")
    return f'"{name}"::{kind}' if kind else f'"{name}"'


def uses_calendar(view: str) -> bool:
    """Whether the SQL of a view or macro, or of one that it uses, computes by the calendar of a time zone."""
    [sql] = [_without_comments(one.sql) for one in definitions("marts") if one.name == view]
    used = set(re.findall(r"\w+", sql)) & set(MARTS) - {view}
    return bool(_CALENDAR.search(sql)) or any(map(uses_calendar, used))


def _without_comments(sql: str) -> str:
    return re.sub(r"--.*", "", sql)


def all_cases() -> list[Case]:
    """Every case folder, in order."""
    return [Case(path.parent.parent.name, path.parent) for path in sorted(HERE.glob("*/*/expected.csv"))]


def is_same(one: object, other: object) -> bool:
    """Equal, floats to nine digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return one == other


def differences(actual: list[Row], expected: list[Row]) -> list[tuple[Row | None, Row | None]]:
    """Pairs of rows, actual and expected, that are not the same."""
    count = max(len(actual), len(expected))
    pairs = zip(_padded(actual, count), _padded(expected, count), strict=True)
    return [
        (one, other)
        for one, other in pairs
        if one is None or other is None or not all(map(is_same, one, other))
    ]  # fmt: skip


def _padded(rows: list[Row], count: int) -> list[Row | None]:
    return [*rows, *[None] * (count - len(rows))]
