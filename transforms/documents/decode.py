"""Decodes JSON text into typed columns with an in-memory DuckDB; the only module of this package that uses DuckDB.

Why DuckDB: polars' JSON readers abort the whole batch if one value has the wrong type; `from_json` makes that value
NULL, keeps the rest of the row, and is ten times as fast. The signature shows which values it converted or dropped, so
no value becomes NULL unnoticed.

Every JSON function parses its whole argument again, which is the main cost of decoding. So a document is decoded by a
few calls with many paths each, and nothing is extracted first. `json_structure` and `json_merge_patch` are not used:
they crash the process on deep nesting (DuckDB 1.5.5; half a million levels, a megabyte of text, are enough).

All SQL here is built from the constants in `fields`, never from data: data is passed as registered frames.
"""
# ruff: noqa: S608 - only constants of `fields` are put into these statements

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl
import pyarrow as pa

from transforms.documents.fields import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from transforms.documents.fields import Field, ObjectSpec

    _Paths = Callable[[ObjectSpec, int], list[str]]

#: The levels that are probed in one pass: in the plain answer, those of the envelope, the task and the work.
LEVELS: Final = tuple("$" + ".data" * depth for depth in range(3))

#: Keys by which the objects are recognized.
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

#: How much text the JSON functions get per batch: they keep all of it in parsed form, which takes 12 times the memory.
_BATCH_BYTES: Final = 2**18


def connect() -> Connection:
    """A new connection, without progress bar, to the DuckDB that this process uses for decoding."""
    con = _decoder().cursor()
    con.execute("set enable_progress_bar = false")
    return con


@cache
def _decoder() -> Connection:
    """An empty DuckDB in memory, opened once: that takes 8 ms. It opens no file and installs nothing.

    It has one thread: with a second one, decoding costs a seventh more and needs memory for more parsed text, and the
    other core is busy with loading or polling.
    """
    return duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false", "threads": 1})


def _query(con: Connection, sql: str, docs: pl.DataFrame) -> pl.DataFrame:
    con.register("docs", _in_batches(docs.select("row", "text")))
    try:
        return con.sql(sql).pl()  # unlike `execute`, this does not materialize the result before it becomes Arrow
    finally:
        con.unregister("docs")


def _in_batches(docs: pl.DataFrame) -> pa.Table:
    """`docs` in record batches of about `_BATCH_BYTES` of text: DuckDB takes one at a time."""
    table = docs.to_arrow(compat_level=pl.CompatLevel.newest())  # string views: nothing is copied
    rows = _BATCH_BYTES * docs.height // max(1, int(docs["text"].str.len_bytes().sum()))
    return pa.Table.from_batches(table.to_batches(max_chunksize=max(1, rows)), schema=table.schema)


def probe(con: Connection, docs: pl.DataFrame) -> pl.DataFrame:
    """The JSON types at every level that are needed to recognize the objects.

    Args:
        con: from `connect`.
        docs: `row` (any integer key) and `text` (UTF-8, or null).

    Returns:
        One row per document: `row` and `types`, a JSON list of the JSON types of each of `LEVELS` and of its `MARKERS`;
        null if the text is not JSON.
    """
    paths = [_pointer(level, marker) for level in range(len(LEVELS)) for marker in ("", *MARKERS)]
    return _query(con, f"select row, to_json(try(json_type(text, {paths})))::varchar as types from docs", docs)


def texts_at(con: Connection, docs: pl.DataFrame, path: str) -> pl.DataFrame:
    """`row` and `text` of the value at `path`: a JSON string without its quotes, anything else as JSON text."""
    return _query(con, f"select row, json_extract_string(text, '{path}') as text from docs", docs)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The content of some documents.

    Attributes:
        objects: for each object one row per document: `row`; one typed column per decoded field; `known_extras`, the
            entries ('"group":"default","id":7') of known fields that have no column, null if there are none.
        signatures: one row per document: `row` and `signature`, see `_signature`.
    """

    objects: dict[ObjectSpec, pl.DataFrame]
    signatures: pl.DataFrame


def decode(con: Connection, docs: pl.DataFrame, levels: Mapping[ObjectSpec, int]) -> Decoded:
    """The objects at `levels` of valid JSON documents."""
    nested = [part for spec, level in levels.items() for part in _nested(spec, level)]
    structures = [f'{_object(spec, level)} as "{level}"' for spec, level in levels.items()]
    sql = f"""
        select row, {", ".join(structures)}, {_signature(levels)} as signature
        from (
            select {", ".join(["*", *nested])}
            from (
                select
                    row,
                    from_json(text, '{json.dumps(_structure(levels))}') as value,
                    json_type(text, {_of_each(levels, _leaves)}) as types,
                    list_transform(json_keys(text, {_of_each(levels, _objects)}), lambda keys: len(keys)) as sizes,
                from (select row, coalesce(text, 'null') as text from docs)
            )
        )
    """
    decoded = _query(con, sql, docs)
    objects = {spec: decoded.select("row", str(level)).unnest(str(level)) for spec, level in levels.items()}
    return Decoded(objects, decoded.select("row", "signature"))


def entries(con: Connection, docs: pl.DataFrame, path: str) -> pl.DataFrame:
    """Every key of the objects at `path`: `row`, `key`, `json_type`, `entry` ('"key":value'). Slow; for few documents.

    Keys are in document order. Of a repeated key the first counts, as everywhere in this module.
    """
    sql = f"""
        select row, key, type as json_type, (to_json(key) || ':' || value)::varchar as entry
        from (select row, json_extract(text, '{path}') as object from docs), json_each(object)
        where json_type(object) = 'OBJECT'
        order by row, id
    """
    return _query(con, sql, docs).unique(("row", "key"), keep="first", maintain_order=True)


def unwrap(con: Connection, docs: pl.DataFrame, times: int = 3) -> pl.DataFrame:
    """`row` and `text`, where JSON text in a JSON string is unquoted, up to `times` times."""
    sql = "select row, case when json_valid(text) then json_extract_string(text, '$') else text end as text from docs"
    for _ in range(times):
        is_quoted = pl.col("text").str.strip_chars_start().str.starts_with('"')
        quoted = docs.filter(is_quoted)
        if quoted.is_empty():
            break
        docs = pl.concat([docs.filter(~is_quoted), _query(con, sql, quoted)])
    return docs


def params_errors(con: Connection, docs: pl.DataFrame) -> pl.DataFrame:
    """`row` and `error`: why parsed parameters have no `pt_infos`; '' if they are null, null if there is no error."""
    sql = """
        select
            row,
            case
                when types is null then 'invalid_json'
                when types[1] = 'NULL' then ''
                when types[1] <> 'OBJECT' then 'not_an_object'
                when coalesce(types[2], 'NULL') not in ('ARRAY', 'NULL') then 'pt_infos_not_a_list'
            end as error,
        from (select row, try(json_type(text, ['$', '$.pt_infos'])) as types from docs)
    """
    return _query(con, sql, docs)


def empties(con: Connection, docs: pl.DataFrame, level: int) -> pl.DataFrame:
    """`row`, `json_type` and text (`value`) of the value at `level`; both null if it is empty: null, '', {} or []."""
    sql = f"""
        select row, case when not is_empty then json_type(value) end as json_type,
            case when not is_empty then value::varchar end as value
        from (
            select *, value::varchar in ('null', '""', '{{}}', '[]') as is_empty
            from (select row, json_extract(text, '{LEVELS[level]}') as value from docs)
        )
    """
    return _query(con, sql, docs)


def _object(spec: ObjectSpec, level: int) -> str:
    """The columns of an object, as one structure."""
    columns = [f'"{field.column}": {_value_of(field, level)}' for field in spec.decoded]
    return f"{{{', '.join([*columns, f'known_extras: {_known_extras(spec, level)}'])}}}"


def _structure(levels: Mapping[ObjectSpec, int]) -> dict[str, Any]:
    """The typed structure for `from_json`; each object is in the `data` of the one above."""
    at = {level: spec for spec, level in levels.items()}
    structure: dict[str, Any] = {}
    for level in range(max(at), -1, -1):
        below = {"data": structure} if structure else {}
        structure = (_flat(at[level]) if level in at else {}) | below
    return structure


def _flat(spec: ObjectSpec) -> dict[str, str]:
    """The types of an object's fields: lists and objects stay JSON here, to be decoded later."""
    flat = {field.key: field.kind.duckdb_type for field in spec.fields if field.kind is not Kind.PAYLOAD}
    return flat | dict.fromkeys([*spec.list_keys, *spec.nested_keys, *spec.extra_keys], "JSON")


def _nested(spec: ObjectSpec, level: int) -> Iterable[str]:
    """The nested objects to decode, each as its own structure."""
    for key, fields in spec.nested_fields.items():
        structure = json.dumps({field.path.partition(".")[2]: field.kind.duckdb_type for field in fields})
        yield f"from_json({_value(key, level)}, '{structure}') as \"{key}_parts\""


def _value(key: str, level: int) -> str:
    return f'value{".data" * level}."{key}"'


def _value_of(field: Field, level: int) -> str:
    key, dot, inner = field.path.partition(".")
    if dot:
        return f'"{key}_parts"."{inner}"'
    if field.kind.element_type:
        return f"from_json({_value(key, level)}, '[\"{field.kind.duckdb_type}\"]')::varchar[]"
    return _value(key, level)


def _known_extras(spec: ObjectSpec, level: int) -> str:
    present = [f"""'"{key}":' || {_value(key, level)}""" for key in sorted(spec.extra_keys)]
    return f"nullif(concat_ws(',', {', '.join(present)}), '')" if present else "null::varchar"


def _signature(levels: Mapping[ObjectSpec, int]) -> str:
    """The structure of a document, as JSON. Millions of answers share a few signatures; each is examined only once.

    For all its objects, one after the other: `types`, the JSON types of `spec.json_types`; `sizes`, the number of keys
    of the object and of each decoded object in it; `elements`, the JSON types of the elements of each list. The objects
    share one text: splitting `types` into a list per object here would cost a quarter of the time to find the types.
    """
    lists = [_value(key, level) for spec, level in levels.items() for key in spec.list_keys]
    elements = [f"list_distinct(json_type({value}, '$[*]'))" for value in lists]
    return f"to_json({{types: types, sizes: sizes, elements: [{', '.join(elements)}]::varchar[][]}})::varchar"


def _leaves(spec: ObjectSpec, level: int) -> list[str]:
    return [_pointer(level, path) for path, _ in spec.json_types]


def _objects(spec: ObjectSpec, level: int) -> list[str]:
    return [_pointer(level), *(_pointer(level, key) for key in spec.nested_keys)]


def _pointer(level: int, path: str = "") -> str:
    """A JSON pointer: DuckDB resolves it a third faster than a path such as '$.data.ext'. '' is the whole document."""
    return "/data" * level + "".join(f"/{key}" for key in path.split(".") if key)


def _of_each(levels: Mapping[ObjectSpec, int], paths: _Paths) -> list[str]:
    """Paths in all objects of a document: one call for all of them takes half the time of one call per object."""
    return [path for spec, level in levels.items() for path in paths(spec, level)]
