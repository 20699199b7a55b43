"""Every table, view and macro is one file that says what it holds, and the database says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.warehouse.tables import column, rolled_back
from warehouse.database import schema as catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.warehouse.conftest import Site
    from warehouse.database.schema import Definition

#: What INTERFACE promises; more may be there.
PROMISED = {
    "tasks": "source task_id action status status_raw is_terminal fail_reason fail_class result_url notify_hook"
    " submit_time start_time finish_time progress_pct queue_seconds run_seconds latency_seconds"
    " provider_latency_seconds quota platform model shape requested_at first_observed_at last_observed_at"
    " observation_count last_running_at first_terminal_at quality_flags extras segment_id",
    "works": "source task_id animate_id animate_params_str create_time example_image_url ext_animate_channel"
    " ext_sing_title ext_track_info file_type id music_title no_wm_work_video_path picture_path_list play_types"
    " primary_play_type share_magic_text singer template_create_time template_id tmp_online_enable user_image_url"
    " video_aspect_ratio vip_enable web_work_status webp_aspect_ratio wm_work_video_path work_name work_video_path"
    " work_webp_path animate_params_error extras",
    "pt_infos": "source task_id pt_index context audio_url voice_engine_id audio_id video_url video_pattern_url lan"
    " character_id pag_img_urls video_img_urls audio_path video_path extras",
    "observations": "source task_id observed_at segment_id run_id outcome http_status status progress_pct elapsed_ms"
    " attempts request_id gateway_version error",
    "quarantine": "source task_id observed_at segment_id reason detail body_excerpt",
    "schema_drift": "json_path kind json_type first_seen_at last_seen_at seen_count example_task_id",
    "requests": "source task_id requested_at run_id",
    "segments": "segment_id",
    "runs": "run_id",
    "objectives": "name",
    "failure_rules": "pattern fail_class",
    "task_latency": "event observed_seconds",
    "stuck_tasks": "age_seconds threshold_seconds last_observed_at",
    "due_tasks": "task_id due_at",
}

TYPES = {"quality_flags": "VARCHAR[]", "extras": "JSON", "picture_path_list": "VARCHAR[]", "summary": "JSON"}

EVERYTHING = (*catalog.definitions("tables"), *catalog.definitions("marts"))


def named(definition: Definition) -> str:
    return definition.name


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with rolled_back() as con:
        yield con


@pytest.mark.parametrize("definition", EVERYTHING, ids=named)
def test_a_definition_says_what_a_row_is_and_the_database_repeats_it(
    con: duckdb.DuckDBPyConnection, definition: Definition
) -> None:
    """Its file has its name, and its header becomes the comments: of itself, and of every column, none too many."""
    assert f"{definition.kind} " in definition.sql
    assert f" {definition.name}" in definition.sql
    assert definition.grain
    assert all(definition.columns.values())
    if definition.kind == "macro":
        sql = "select distinct comment from duckdb_functions() where function_name = ?"
        assert con.execute(sql, [definition.name]).fetchall() == [(definition.grain,)]
        return
    assert definition.grain.startswith("One row")
    columns = con.execute(
        "select column_name, comment from duckdb_columns() where table_name = ? order by column_index",
        [definition.name],
    ).fetchall()
    assert list(definition.columns.items()) == columns
    comments = {
        "table": "select comment from duckdb_tables() where table_name = ?",
        "view": "select comment from duckdb_views() where view_name = ?",
    }
    assert con.execute(comments[definition.kind], [definition.name]).fetchall() == [(definition.grain,)]


@pytest.mark.parametrize("name", PROMISED)
def test_the_promised_columns_are_there(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Other people's SQL depends on them; times are TIMESTAMPTZ, durations DOUBLE."""
    found = dict(
        con.execute("select column_name, column_type from (describe (from query_table(?)))", [name]).fetchall()
    )
    assert set(PROMISED[name].split()) <= set(found)
    for column_name, column_type in found.items():
        if column_name.endswith(("_at", "_time")):
            assert column_type == "TIMESTAMP WITH TIME ZONE", column_name
        elif column_name.endswith(("_seconds", "_ms", "_pct")):
            assert column_type == "DOUBLE", column_name
        assert column_type == TYPES.get(column_name, column_type)


def test_every_statement_is_a_file_that_somebody_uses() -> None:
    """Nothing is left lying about."""
    packages = [catalog.PACKAGE.parent / name for name in ("warehouse", "pipeline", "flows", "avatar_tasks", "reports")]
    code = "".join(path.read_text(encoding="utf-8") for package in packages for path in package.rglob("*.py"))
    for folder in ("load", "queries"):
        for path in (catalog.PACKAGE / folder).glob("*.sql"):
            assert f'"{folder}/{path.stem}"' in code or f'"{path.stem}"' in code, path
            assert path.read_text(encoding="utf-8").startswith("-- "), path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of our own to write definitions in; those of a process are read once, so they have to be forgotten."""
    for folder in ("tables", "marts"):
        (tmp_path / folder).mkdir()
    for definition in catalog.definitions("tables"):
        (tmp_path / "tables" / f"{definition.name}.sql").write_text(definition.sql, encoding="utf-8")
    (tmp_path / "queries").symlink_to(catalog.PACKAGE / "queries")
    monkeypatch.setattr(catalog, "PACKAGE", tmp_path)
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget() -> None:
    catalog.definitions.cache_clear()
    catalog.fingerprint.cache_clear()


def mart(package: Path, name: str, sql: str) -> None:
    text = f"-- One row: a test.\n--\n-- n: a number\ncreate or replace view {name} as\n{sql};\n"
    (package / "marts" / f"{name}.sql").write_text(text, encoding="utf-8")
    forget()


def test_a_changed_view_takes_effect_at_the_next_opening(site: Site, package: Path) -> None:
    """A new one comes, one without a file goes, and the rows stay."""
    mart(package, "first", "select 1 as n")
    mart(package, "second", "select n + 1 as n from first")
    with site.writer() as con:
        con.execute("insert into segments values ('s', 'runs', 0, 0)")
    mart(package, "first", "select 10 as n")
    mart(package, "a_third", "select n from second")
    with site.writer() as con:
        assert column(con, "from a_third") == [11]
    for name in ("a_third", "second"):
        (package / "marts" / f"{name}.sql").unlink()
    forget()
    with site.writer() as con:
        assert column(con, "select view_name from duckdb_views() where not internal") == ["first"]
        assert column(con, "select segment_id from segments") == ["s"]


def test_an_opening_that_finds_everything_in_place_writes_nothing(site: Site, package: Path) -> None:
    """The file keeps its bytes."""
    mart(package, "first", "select 1 as n")
    with site.writer():
        pass
    before = site.paths.warehouse.read_bytes()
    with site.writer() as con:
        assert column(con, "from first") == [1]
    assert site.paths.warehouse.read_bytes() == before


def test_a_broken_view_leaves_the_old_ones(site: Site, package: Path) -> None:
    """All of them or none."""
    mart(package, "first", "select 1 as n")
    with site.writer():
        pass
    mart(package, "a_new_one", "select 2 as n")
    mart(package, "broken", "select n from nowhere")
    with pytest.raises(duckdb.CatalogException):
        site.writer().__enter__()
    for name in ("a_new_one", "broken"):
        (package / "marts" / f"{name}.sql").unlink()
    forget()
    with site.writer() as con:
        assert column(con, "select view_name from duckdb_views() where not internal") == ["first"]


def test_a_new_table_is_created_in_a_warehouse_that_stands(site: Site, package: Path) -> None:
    """It is empty as it would be, had it been there before."""
    with site.writer():
        pass
    (package / "tables" / "later.sql").write_text(
        "-- One row: a test.\n--\n-- n: a number\ncreate table if not exists later (\n    n integer\n);\n",
        encoding="utf-8",
    )
    forget()
    with site.writer() as con:
        assert column(con, "select comment from duckdb_columns() where table_name = 'later'") == ["a number"]


def test_views_in_a_circle_are_named(package: Path) -> None:
    """Rather than created in a wrong order."""
    mart(package, "first", "select n from second")
    mart(package, "second", "select n from first")
    with pytest.raises(ValueError, match=r"circle: .*first.*second|circle: .*second.*first"):
        catalog.in_order(catalog.definitions("marts"))


def test_a_file_without_a_header_is_refused(package: Path) -> None:
    """What a row is has to be said."""
    (package / "marts" / "bare.sql").write_text("create or replace view bare as select 1 as n;\n", encoding="utf-8")
    forget()
    with pytest.raises(ValueError, match=r"bare\.sql needs a header"):
        catalog.definitions("marts")
