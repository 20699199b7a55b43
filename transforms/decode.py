"""JSON text to typed columns, with DuckDB in memory as the decoder: the only module of this room that knows DuckDB.

Why DuckDB: polars' JSON readers abort the whole batch on one ill-typed leaf; `from_json` makes that leaf NULL, keeps
the rest of the row, and is ten times as fast. What it coerced or dropped is told by `signatures`, so nothing is
silently NULL.

All SQL here is built from the constants in `fields`, never from data: data comes in as registered frames.
"""
# ruff: noqa: S608 - the only things put into these statements are constants of `fields`

from __future__ import annotations

import json
from typing import Final

import duckdb
import polars as pl

from transforms.fields import Field, Kind, ObjectSpec

#: How deep `data` inside `data` is followed: an envelope, a task, a gateway behind it, its task, the work.
LEVELS: Final = tuple("$" + ".data" * depth for depth in range(6))

#: Keys that tell the objects apart.
MARKERS: Final = (
    "task_id",
    "status",
    "submit_time",
    "code",
    "data",
    "error",
    "web_work_status",
    "animate_id",
    "work_name",
    "work_video_path",
)

Connection = duckdb.DuckDBPyConnection

_INNER: Final = '"."'

#: A JSON pointer to `key`, whatever characters the key is made of.
_POINTER: Final = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"


def connect() -> Connection:
    """An in-memory DuckDB to decode with; it never touches a file."""
    return duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})


def _query(con: Connection, sql: str, docs: pl.DataFrame) -> pl.DataFrame:
    con.register("docs", docs.select("row", "text"))
    try:
        return con.execute(sql).pl()
    finally:
        con.unregister("docs")


def probe(con: Connection, docs: pl.DataFrame) -> pl.DataFrame:
    """The JSON type of every marker at every level.

    Args:
        con: from `connect`.
        docs: `row` (any integer key) and `text` (UTF-8, or null).

    Returns:
        One row per document: `row`, `is_json`, and `types`, the JSON types of `LEVELS` and below each the `MARKERS`.
    """
    paths = [level + marker for level in LEVELS for marker in ("", *(f".{name}" for name in MARKERS))]
    sql = f"""
        select row, valid as is_json, case when valid then json_type(text, {paths}) end as types
        from (select row, text, coalesce(json_valid(text), false) as valid from docs)
    """
    return _query(con, sql, docs)


def texts_at(con: Connection, docs: pl.DataFrame, level: int) -> pl.DataFrame:
    """`row` and `text` of what stands at `level`: a JSON string without its quotes, anything else as JSON text."""
    return _query(con, f"select row, json_extract_string(text, '{LEVELS[level]}') as text from docs", docs)


def messages(con: Connection, docs: pl.DataFrame) -> pl.DataFrame:
    """`row`, `code` and `message` of answers that are no task, from the envelope or its `error` object."""
    sql = """
        select
            row,
            coalesce(text ->> '$.error.code', text ->> '$.code', text ->> '$.error.type') as code,
            coalesce(text ->> '$.error.message', text ->> '$.message', text ->> '$.error') as message,
        from (select row, case when json_valid(text) then text end as text from docs)
    """
    return _query(con, sql, docs)


def decode(con: Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """The objects at `level` of valid JSON documents: `row` and one typed column per decoded field of `spec`."""
    columns = ", ".join(f'value."{field.path.replace(".", _INNER)}" as "{field.column}"' for field in spec.decoded)
    sql = f"""
        select row, {columns}
        from (
            select row, from_json(json_extract(text, '{LEVELS[level]}'), '{_structure(spec.decoded)}') as value
            from docs
        )
    """
    return _query(con, sql, docs)


def signatures(con: Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """What the objects at `level` look like: `row`, `signature`.

    A signature is JSON: [keys of the object and of each object taken apart in it, JSON types of `spec.json_types`].
    Millions of answers share a handful of signatures, so each is looked into once.
    """
    here = LEVELS[level]
    objects = [here, *(f"{here}.{key}" for key in spec.nested_keys)]
    types = [f"{here}.{path}" for path, _ in spec.json_types]
    parts = f"to_json(json_keys(text, {objects})), to_json(json_type(text, {types}))"
    return _query(con, f"select row, to_json([{parts}])::varchar as signature from docs", docs)


def unknown_fields(con: Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """Keys that `spec` does not know: `row`, `path` inside the object, `json_type`. Slow; for the few that have any."""
    here = LEVELS[level]
    places = [
        ("", here, spec.known_keys),
        *((f"{key}.", f"{here}.{key}", known) for key, known in spec.nested_keys.items()),
    ]
    selects = [
        f"""select row, '{prefix}' || key as path, json_type(object, {_POINTER}) as json_type
        from (select row, object, unnest(list_distinct(json_keys(object))) as key
              from (select row, json_extract(text, '{place}') as object from docs))
        where not list_contains({known}, key)"""
        for prefix, place, known in places
    ]
    return _query(con, " union all ".join(selects), docs)


def known_extras(con: Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """`row` and `extras`: known fields that have no column, as one JSON object (null when there are none)."""
    structure = _structure(tuple(Field(path, Kind.OBJECT) for path in spec.extra_keys))
    kept = f"json_merge_patch('{{}}'::json, to_json(from_json(json_extract(text, '{LEVELS[level]}'), '{structure}')))"
    return _query(con, f"select row, nullif({kept}::varchar, '{{}}') as extras from docs", docs)


def all_extras(con: Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """`row` and `extras`: every key without a column, known or not, as one JSON object. Slow; for a few."""
    found = [_leftover("object", spec.taken_keys)]
    for key, taken in spec.taken_nested_keys.items():
        inner = _leftover(f"json_extract(object, '$.{key}')", taken)
        found.append(f"case when ({inner}) is not null then json_object('{key}', ({inner})::json) end")
    merged = found[0]
    for nested in found[1:]:
        merged = f"coalesce(json_merge_patch({merged}, {nested})::varchar, {merged}, ({nested})::varchar)"
    sql = f"select row, {merged} as extras from (select row, json_extract(text, '{LEVELS[level]}') as object from docs)"
    return _query(con, sql, docs)


def odd_elements(con: Connection, docs: pl.DataFrame, spec: ObjectSpec, level: int = 0) -> pl.DataFrame:
    """List elements of a type they should not have: `row`, `path` inside the object, `json_type`, one row per type."""
    selects = [
        f"""select row, '{path}[*]' as path, element_type as json_type
        from (select row, unnest(list_distinct(json_type(text, '{LEVELS[level]}.{path}[*]'))) as element_type from docs)
        where element_type not in ('{expected}', 'NULL')"""
        for path, expected in spec.lists
    ]
    return _query(con, " union all ".join(selects), docs)


def unwrap(con: Connection, docs: pl.DataFrame, times: int = 3) -> pl.DataFrame:
    """`row` and `text` where JSON text in a JSON string (in a JSON string …) is taken out of its quotes."""
    sql = "select row, case when json_valid(text) then json_extract_string(text, '$') else text end as text from docs"
    for _ in range(times):
        quoted = docs.filter(pl.col("text").str.strip_chars_start().str.starts_with('"'))
        if quoted.is_empty():
            break
        docs = pl.concat([docs.join(quoted, on="row", how="anti"), _query(con, sql, quoted)])
    return docs


def params_errors(con: Connection, docs: pl.DataFrame) -> pl.DataFrame:
    """`row` and `error`: why parsed parameters hold no `pt_infos`; '' when they are null, null when all is well."""
    sql = """
        select
            row,
            case
                when not json_valid(text) then 'invalid_json'
                when json_type(text) = 'NULL' then ''
                when json_type(text) <> 'OBJECT' then 'not_an_object'
                when coalesce(json_type(text, '$.pt_infos'), 'NULL') not in ('ARRAY', 'NULL') then 'pt_infos_not_a_list'
            end as error,
        from docs
    """
    return _query(con, sql, docs)


def empties(con: Connection, docs: pl.DataFrame, level: int) -> pl.DataFrame:
    """`row` and `json_type` of what stands at `level`; null where that is empty: null, '', {} or []."""
    sql = f"""
        select row, case when value::varchar not in ('null', '""', '{{}}', '[]') then json_type(value) end as json_type
        from (select row, json_extract(text, '{LEVELS[level]}') as value from docs)
    """
    return _query(con, sql, docs)


def _structure(fields: tuple[Field, ...]) -> str:
    """The typed structure that `from_json` takes, nested where a path has a dot."""
    flat: dict[str, object] = {}
    nested: dict[str, dict[str, str]] = {}
    for field in fields:
        key, dot, inner = field.path.partition(".")
        if dot:
            nested.setdefault(key, {})[inner] = field.kind.duckdb_type
        else:
            flat[key] = [field.kind.duckdb_type] if field.kind.element_type else field.kind.duckdb_type
    return json.dumps(flat | nested)


def _leftover(target: str, taken: list[str]) -> str:
    """What is left of an object without the keys `taken`, keys sorted: JSON text, or null.

    Key by key rather than through a MAP, which refuses the whole batch over one duplicated key.
    """
    keys = f"list_sort(list_filter(list_distinct(json_keys({target})), lambda key: not list_contains({taken}, key)))"
    entries = f"list_transform({keys}, lambda key: {{'key': key, 'value': json_extract({target}, {_POINTER})}})"
    return f"nullif(to_json(map_from_entries({entries}))::varchar, '{{}}')"
