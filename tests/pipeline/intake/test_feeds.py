"""Ids that nobody types: an inbox that is emptied, exports and queries of which only what is new is taken."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import run as runs
from pipeline.collect.accept import accept
from pipeline.collect.request import CollectRequest
from pipeline.errors import UnusableInputError
from pipeline.intake import inbox
from pipeline.settings import Settings
from tests.pipeline.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine, Gateway


def drop(folder: Path, name: str, content: bytes, age_seconds: float = 60) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age_seconds,) * 2)
    return path


def test_an_inbox_is_emptied_and_what_cannot_be_used_is_set_aside(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """The run goes on whatever is there: nobody is present to fix it."""
    folder, (first, second, third) = tmp_path / "inbox", gateway.world.ids[:3]
    drop(folder, "a.csv", f"task_id,n\n{first},1\n../x,2\n".encode())
    drop(folder, "b.txt", f"{second}\n".encode())
    drop(folder, "broken.parquet", b"garbage")
    drop(folder, "empty.txt", b"")
    drop(folder, "notes.md", b"mine")
    drop(folder, ".half.txt", f"{third}\n".encode())
    drop(folder, "being-written.txt", f"{third}\n".encode(), age_seconds=-3600)
    result = connected("collect", "--inbox", "inbox", "--json")
    assert (result.code, result.json["requested"], result.json["rejected_count"]) == (0, 2, 1), result.err
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["a.csv", "b.txt"]
    assert sorted(path.name for path in (folder / "unusable").iterdir()) == [
        *("broken.parquet", "broken.parquet.reason.txt", "empty.txt", "empty.txt.reason.txt"),
    ]
    left = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert left == [".half.txt", "being-written.txt", "notes.md"]
    assert "broken.parquet" in result.err
    drop(folder, "b.txt", f"{third}\n".encode())
    assert connected("collect", "--inbox", "inbox", "--json").json["requested"] == 1
    assert len(list((folder / "done").iterdir())) == 3


def test_a_file_is_moved_on_only_once_its_ids_are_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens before, the next run finds it where it was."""
    file = drop(tmp_path / "inbox", "a.txt", b"a" * 32)
    run = runs.begin(Settings(data_dir=tmp_path / "data"), "collect")

    def interrupt(*_: object) -> None:
        assert len(run.store.segments("requests")) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(inbox, "move_on", interrupt)
    with pytest.raises(KeyboardInterrupt):
        accept(run, CollectRequest(inbox=str(tmp_path / "inbox")))
    assert file.exists()


def test_ids_come_from_a_folder_of_exports_or_sql_and_each_only_once(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """An export may hold everything there ever was: what was accepted before is skipped, and it is not moved."""
    ids = gateway.world.ids[:6]
    exports = tmp_path / "exports"
    drop(exports, "one.csv", f"id,when\n{ids[0]},1\n{ids[1]},2\n".encode())
    pq.write_table(pa.table({"n": [1], "task_id": [ids[2]]}), exports / "two.parquet")
    with duckdb.connect(tmp_path / "product.duckdb") as con:
        con.execute("create table jobs as select unnest(?) as provider_task, true as is_avatar", [list(ids)])
    query = "attach 'product.duckdb' as product (read_only); select provider_task from product.jobs where is_avatar"
    taken = [
        connected("collect", "--ids-from", wanted, "--json").json["requested"]
        for wanted in ("exports", "exports", query, query, "select task_id, n from 'exports/*.parquet'")
    ]
    assert taken == [3, 0, 3, 0, 0]
    requests = rows(tmp_path / "data" / "published" / "current.duckdb", "requests", ["task_id"])
    assert sorted(row["task_id"] for row in requests) == sorted(ids)
    assert len(list(exports.iterdir())) == 2


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param("no-such-folder", ["no-such-folder"], id="neither folder nor SQL"),
        pytest.param("select 1 as a, 2 as b", ["columns are a, b"], id="no such column"),
        pytest.param("select * from 'gone.parquet'", ["gone.parquet"], id="no such file"),
    ],
)
def test_a_source_of_ids_that_cannot_be_used_is_named(tmp_path: Path, wanted: str, words: list[str]) -> None:
    """With what DuckDB has against it."""
    run = runs.begin(Settings(data_dir=tmp_path / "data"), "collect")
    with pytest.raises(UnusableInputError) as raised:
        accept(run, CollectRequest(ids_from=wanted))
    assert all(word in str(raised.value) for word in words)


def test_a_query_cannot_run_away_with_the_run(tmp_path: Path) -> None:
    """Ids that are none are counted and named, the rest is taken."""
    run = runs.begin(Settings(data_dir=tmp_path / "data"), "collect")
    query = "select unnest(['a', null, 'no id', repeat('b', 32), repeat('b', 32)]) as task_id"
    accepted = accept(run, CollectRequest(ids_from=query))
    assert [one["line"] for one in accepted.rejections.named][-1] == 3
    assert sum(len(run.store.segments(kind)) for kind in ("requests", "observations", "runs")) == 1
