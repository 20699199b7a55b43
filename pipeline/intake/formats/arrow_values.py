"""Ids in columns with a type: of Parquet files and of queries. Only the column with the ids is converted."""

from __future__ import annotations

import itertools
from typing import IO, TYPE_CHECKING, Any, Final

from pipeline.intake.formats.columns import no_such_column, pick_column
from pipeline.intake.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from pipeline.intake.formats.values import Numbered

_BATCH_ROWS: Final = 50_000
_LONGEST_TYPE: Final = 60


def read_parquet(file: IO[bytes], column: str | None) -> Iterator[Numbered]:
    """The ids of a Parquet file, with their row numbers.

    Raises:
        RefusedError: when it is damaged, has no such column, or the column has a type that ids cannot have.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            path = _path(parquet.schema_arrow, column)
            batches = parquet.iter_batches(batch_size=_BATCH_ROWS, columns=[".".join(path)], use_threads=False)
            yield from read_batches(batches, path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RefusedError("is not a readable Parquet file") from error


def read_query(schema: pa.Schema, batches: Iterable[pa.RecordBatch], column: str | None) -> Iterator[Numbered]:
    """The ids of a query's rows. If it has only one column, that is used, whatever its name.

    Raises:
        RefusedError: as `read_parquet`.
    """
    if column is None and len(schema.names) == 1 and schema.names[0] not in {"Count", "Success"}:
        column = schema.names[0]
    return read_batches(batches, _path(schema, column))


def read_batches(batches: Iterable[pa.RecordBatch], path: list[str]) -> Iterator[Numbered]:
    """The values at a path of columns and fields of structs."""
    import pyarrow.compute as pc

    numbers = itertools.count(1)
    for batch in batches:
        values = batch.column(batch.schema.get_field_index(path[0]))
        if path[1:]:
            values = pc.struct_field(values, path[1:])
        yield from zip(numbers, _python_values(values), strict=False)


def _path(schema: pa.Schema, column: str | None) -> list[str]:
    """The path to the ids: a column, or a field of a struct, given as `a.b`."""
    path = _nested(schema, column) if column is not None and column not in schema.names else None
    if path is None:
        path = [schema.names[pick_column(schema.names, column, list(_leaves(schema)))]]
    if schema.names.count(path[0]) > 1:
        raise RefusedError(f"several columns are called {path[0]!r}: rename one")
    _check_type(_type_at(schema, path), path)
    return path


def _nested(schema: pa.Schema, column: str) -> list[str] | None:
    import pyarrow as pa

    first, *rest = column.split(".")
    if not rest or first not in schema.names:
        return None
    kind = schema.field(schema.names.index(first)).type
    for name in rest:
        if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
            raise RefusedError(no_such_column(_leaves(schema), column))
        kind = kind.field(name).type
    return [first, *rest]


def _type_at(schema: pa.Schema, path: list[str]) -> pa.DataType:
    kind = schema.field(schema.names.index(path[0])).type
    for name in path[1:]:
        kind = kind.field(name).type
    return kind


def _leaves(fields: Iterable[pa.Field]) -> Iterator[str]:
    """The names of columns; fields of structs are named `a.b`."""
    import pyarrow as pa

    for field in fields:
        if pa.types.is_struct(field.type):
            inner = [field.type.field(number) for number in range(field.type.num_fields)]
            yield from (f"{field.name}.{name}" for name in _leaves(inner))
        else:
            yield field.name


def _check_type(kind: pa.DataType, path: list[str]) -> None:
    import pyarrow as pa

    name = ".".join(path)
    if pa.types.is_struct(kind):
        fields = ", ".join(f"{name}.{kind.field(number).name}" for number in range(kind.num_fields))
        raise RefusedError(f"column {name!r} holds structs: name one of their fields with --ids-column: {fields}")
    if not _may_be_ids(kind):
        raise RefusedError(
            f"column {name!r} holds values of type {str(kind)[:_LONGEST_TYPE]}, which cannot be task ids"
        )


def _may_be_ids(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _may_be_ids(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return kind.extension_name in {"arrow.uuid", "arrow.json"}
    tests = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary),
        *(pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null),
    )
    return any(test(kind) for test in tests)


def _python_values(values: pa.Array) -> Iterator[Any]:
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if isinstance(values.type, pa.BaseExtensionType) and values.type.extension_name == "arrow.json":
        values = values.storage
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return iter(values.to_pylist())
    # Files may contain strings that are not valid UTF-8. Such a string makes one id invalid, not the whole file.
    raw = values.cast(pa.large_binary() if pa.types.is_large_string(values.type) else pa.binary())
    return (None if one is None else one.decode("utf-8", "replace") for one in raw.to_pylist())
