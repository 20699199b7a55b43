"""The lake: the warehouse for many writers and readers. DuckLake, its catalog in PostgreSQL, its data in Parquet files.

It has the same tables, views and macros, from the same `.sql` files, as a DuckDB file. Readers attach it directly and
are never blocked; any number of processes may load at once (see `warehouse.database.advisory_lock`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.database.advisory_lock import CATALOG, lock_holder, write_lock
from warehouse.database.session import quoted
from warehouse.ducklake.extensions import load_extensions
from warehouse.errors import LakeError, NothingPublishedError

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX: Final = "ducklake:postgres:"

#: The name the lake has in a connection.
LAKE: Final = "lake"

_ABSENT: Final = "does not exist - and creating a new DuckLake is explicitly disabled"
_ELSEWHERE: Final = "does not match existing data path"
_FAILED: Final = "connection to server "
_PASSWORD: Final = re.compile(r"(password\s*=\s*)('[^']*'|\S+)|(://[^:@/\s]*:)[^@\s]+(?=@)", re.IGNORECASE)

_SIGN_IN: Final = """
create or replace temporary secret lake_storage (
    type s3,
    key_id $key_id,
    secret $secret,
    session_token $session_token,
    region $region,
    endpoint $endpoint,
    url_style $url_style,
    use_ssl $use_ssl
)
"""


@dataclass(frozen=True, slots=True)
class Lake:
    """Where a lake is.

    Attributes:
        catalog: libpq's connection string for PostgreSQL: `dbname=lake host=db user=loader` or a URI.
        data: where its Parquet files are, a folder or `s3://bucket/prefix`, the same for every process. Readers need
            not give it, because the catalog records it.
    """

    catalog: str
    data: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{without_password(self.catalog)}"

    @property
    def setting(self) -> str:
        """The value of the setting WAREHOUSE for this lake; it may contain a password."""
        return f"{PREFIX}{self.catalog}"

    @property
    def is_on_s3(self) -> bool:
        return self.data.startswith("s3://")


def lake_at(place: str, data: str = "") -> Lake | None:
    """The lake that a value of the setting WAREHOUSE names; None if that is the path of a file."""
    return Lake(place.removeprefix(PREFIX), data) if place.startswith(PREFIX) else None


def without_password(text: str) -> str:
    """A connection string, or an error that quotes one, without the password, so that it may be shown."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[3]}***", text)


def attach(con: duckdb.DuckDBPyConnection, lake: Lake, *, read_only: bool) -> None:
    """Attach the lake to a connection and use it. A writer creates it if it does not exist.

    Raises:
        ExtensionMissingError: when DuckDB's extensions are not available.
        NothingPublishedError: when a reader finds no lake.
        LakeError: when it cannot be reached.
    """
    load_extensions(con, ("ducklake", "postgres_scanner"))
    if lake.is_on_s3 or (not lake.data and os.environ.get("AWS_ACCESS_KEY_ID")):
        load_extensions(con, ("httpfs",))
        con.execute(_SIGN_IN, _storage_secret())
    if read_only:
        _try(lake, lambda: _attach_lake(con, lake, "read_only"))
    else:
        _try(lake, lambda: _attach_for_writing(con, lake))
        con.execute("set ducklake_max_retry_count = 0")  # see `advisory_lock`
    con.execute(f"use {LAKE}")


def who_loads(con: duckdb.DuckDBPyConnection) -> str | None:
    """The process that has locked the lake for writing, in words; None when there is none."""
    return lock_holder(con, catalog=f"__ducklake_metadata_{LAKE}")


def _attach_for_writing(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    con.execute(f"attach {quoted(lake.catalog)} as {CATALOG} (type postgres)")
    data = f"data_path {quoted(lake.data)}"
    try:
        _attach_lake(con, lake, data, "create_if_not_exists false")
    except duckdb.InvalidInputException as error:
        if _ABSENT not in str(error):
            raise
        with write_lock(con):  # two that create it at once would conflict
            # Inlining would keep small inserts in the catalog; there, a row that is deleted in two ways comes back
            # (ducklake issue 1215).
            _attach_lake(con, lake, data, "data_inlining_row_limit 0")


def _attach_lake(con: duckdb.DuckDBPyConnection, lake: Lake, *options: str) -> None:
    con.execute(f"attach {quoted(lake.setting)} as {LAKE} ({', '.join(options)})")


def _try(lake: Lake, step: Callable[[], None]) -> None:
    try:
        step()
    except duckdb.Error as error:
        if _ABSENT in str(error):
            msg = f"there is no lake at {lake} yet: run `avatar-tasks collect` or `avatar-tasks migrate` first"
            raise NothingPublishedError(msg) from None
        if _ELSEWHERE in str(error):
            msg = f"the data of the lake {lake} is not at {lake.data}: set AVATAR_TASKS_LAKE_DATA to where it is"
            raise LakeError(msg) from None
        reason = without_password(" ".join(str(error).split()).rpartition(_FAILED)[-1])
        msg = (
            f"the lake {lake} cannot be reached: {reason}. What was collected is in the archive; the next run loads it"
        )
        raise LakeError(msg) from None


def _storage_secret() -> dict[str, str | bool | None]:
    """The standard AWS_* variables as the parameters of DuckDB's secret."""
    given = os.environ.get
    endpoint = given("AWS_ENDPOINT_URL_S3") or given("AWS_ENDPOINT_URL") or given("AWS_ENDPOINT") or ""
    scheme, _, host = endpoint.rpartition("://")
    region = given("AWS_REGION") or given("AWS_DEFAULT_REGION") or "us-east-1"
    return {
        "key_id": given("AWS_ACCESS_KEY_ID"),
        "secret": given("AWS_SECRET_ACCESS_KEY"),
        "session_token": given("AWS_SESSION_TOKEN"),
        "region": region,
        "endpoint": host or f"s3.{region}.amazonaws.com",
        "url_style": "path" if host else "vhost",
        "use_ssl": scheme != "http",
    }
