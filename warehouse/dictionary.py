"""The data dictionary, `docs/warehouse.md`, and the list of example queries, from the headers of the `.sql` files.

`python -m warehouse.dictionary` writes both; a test fails if they are not up to date.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from warehouse.database.header import read_header
from warehouse.database.schema import Definition, definitions
from warehouse.database.scratch import scratch

DOCS: Final = Path(__file__).parent.parent / "docs"
QUERIES: Final = DOCS / "queries"

_INTRODUCTION: Final = """\
# The data dictionary

Made from the headers of the files in `warehouse/tables/` and `warehouse/marts/` by `python -m warehouse.dictionary`; to
change it, change those. The same words are in the database, as comments on tables, views, macros and columns.

All times are `TIMESTAMP WITH TIME ZONE`, durations are seconds, and what is absent is NULL. The key of everything about
a task is `(source, task_id)`.
"""

_GALLERY: Final = """\
# Questions people ask

Each is a file that runs on the published warehouse: `avatar-tasks sql "$(cat docs/queries/01-how-long.sql)"`, or
`duckdb -readonly data/published/current.duckdb < docs/queries/01-how-long.sql`. This list is made from their first
lines by `python -m warehouse.dictionary`.
"""

_PARAMETERS: Final = re.compile(r"^create or replace macro \w+(\(.*?\))", re.MULTILINE)

Types = dict[tuple[str, str], str]


def render() -> str:
    """The dictionary as Markdown: tables, then views, then macros."""
    types = _types()
    tables, marts = definitions("tables"), definitions("marts")
    sections = {
        "Tables": tables,
        "Views": [one for one in marts if one.kind == "view"],
        "Macros": [one for one in marts if one.kind != "view"],
    }
    parts = [_INTRODUCTION]
    for title, some in sections.items():
        parts += [f"## {title}\n", *(_entry(one, types) for one in some)]
    return "\n".join(parts)


def render_gallery(folder: Path = QUERIES) -> str:
    """The list of the queries in `folder` as Markdown: file, question and who asks it."""
    files = sorted(folder.glob("*.sql"))
    rows = [f"| [{path.name}]({path.name}) | {question(path)} | {asked_by(path)} |" for path in files]
    return "\n".join([_GALLERY, "| file | question | asked by |", "|---|---|---|", *rows, ""])


def question(path: Path) -> str:
    """The first line of a query, without its dashes.

    Raises:
        ValueError: when the file does not begin with a comment.
    """
    found = read_header(path.read_text(encoding="utf-8")).title
    if not found:
        msg = f"{path.name} has to begin with the question it answers, as a comment"
        raise ValueError(msg)
    return found


def asked_by(path: Path) -> str:
    """Who asks the question, from the line after it; '' if there is no such line."""
    found = re.search(r"^-- Asked by: (.+)\.$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def main() -> None:
    """Write both files."""
    (DOCS / "warehouse.md").write_text(render(), encoding="utf-8")
    (QUERIES / "README.md").write_text(render_gallery(), encoding="utf-8")


def _types() -> Types:
    with scratch() as con:
        rows = con.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall()
    return {(table, column): kind for table, column, kind in rows}


def _entry(one: Definition, types: Types) -> str:
    parameters = _PARAMETERS.search(one.sql)
    title = one.name + (parameters[1] if parameters else "")
    notes = [f"{_plain(note)}\n" for note in one.notes]
    return "\n".join([f"### {title}\n", f"{_plain(one.grain)}\n", *_columns(one, types), "", *notes])


def _columns(one: Definition, types: Types) -> list[str]:
    """A table of columns; with types, except for a macro, whose types the database does not know."""
    if one.kind not in {"table", "view"}:
        return ["| name | |", "|---|---|", *(f"| {name} | {_cell(text)} |" for name, text in one.columns.items())]
    rows = [
        f"| {name} | {types.get((one.name, name), '?')} | {_cell(text)} |" for name, text in one.columns.items()
    ]  # fmt: skip
    return ["| column | type | |", "|---|---|---|", *rows]


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """The text, escaped so that Markdown finds no tags and no emphasis in it."""
    return re.sub(r"([<*])", r"\\\1", text)


if __name__ == "__main__":
    main()
