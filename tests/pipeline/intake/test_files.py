"""What a file of any kind gives: neighbours of the cases, one line each."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import uuid
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UnusableInputError
from pipeline.intake.rejections import Rejections
from pipeline.intake.source import IdSource

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, name: str, content: bytes, column: str | None = None) -> tuple[list[str], list[dict[str, Any]]]:
    (folder / name).write_bytes(content)
    rejections = Rejections()
    source = IdSource(file=str(folder / name), column=column)
    return [one for piece in source.pieces(rejections) for one in piece], rejections.named


def parquet(column: pa.Array, name: str = "task_id") -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({name: column}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "column", "ids", "lines"),
    [
        pytest.param("a.csv", b"\n\n# made by hand\ntask_id\nok-1\n", None, "ok-1", [], id="comment before the header"),
        pytest.param("a.csv", b"SEP=;\ntask_id;n\nok-1;2\n", None, "ok-1", [], id="SEP= in capitals"),
        pytest.param("a.csv", b"n|Task ID\n1|ok-1\n", None, "ok-1", [], id="pipes and a name in two words"),
        pytest.param("a.csv", b"n,TASK-ID\r1,ok-1\r2,ok-2\r", None, "ok-1 ok-2", [], id="lines of an old Macintosh"),
        pytest.param("a.csv", b'n, "id"\n1, "ok-1"\n', None, "ok-1", [], id="blanks before quotes"),
        pytest.param("a.csv", b"task_id,\nok-1,\n", None, "ok-1", [], id="a comma at each end"),
        pytest.param("a.csv", b"ok-1,\nok-2,\n", None, "ok-1 ok-2", [], id="the same without a header"),
        pytest.param("a.csv", b"task_id;n,m\nok-1;a,b\n", None, "ok-1", [], id="more commas than semicolons"),
        pytest.param("a.csv", b"id,task_id\n1,ok-1\n", None, "ok-1", [], id="task_id before id"),
        pytest.param("a.csv", b"taskId,task_id\n1,ok-1\n", None, "ok-1", [], id="task_id before taskId"),
        pytest.param("a.csv", b"job,id\nok-1,2\n", "job", "ok-1", [], id="the column named"),
        pytest.param("a.csv", b"a.b,id\nok-1,2\n", "a.b", "ok-1", [], id="a column with a dot in its name"),
        pytest.param("a.csv", b"prompt,task_id\nhello, world,ok-1\nx,ok-2\n", None, "ok-2", [2], id="comma unquoted"),
        pytest.param(
            "a.csv", b'task_id,p\nok-1,"a\nb"\nok-2,c\n,d\n', None, "ok-1 ok-2", [5], id="text over two lines"
        ),
        pytest.param("a.csv", b'task_id\n"ok-1\nok-2"\nok-3\n', None, "ok-3", [2], id="ids swallowed by a quote"),
        pytest.param("a.csv", b"task_id\nok-1\ntask_id\nok-2\n", None, "ok-1 ok-2", [3], id="two exports joined"),
        pytest.param(
            "a.csv", b"task_id\n1E+15\n1.5\n7.39E15\n9007199254740993.0\n7\n", None, "7", [2, 3, 4, 5], id="floats"
        ),
        pytest.param("a.csv", "任务,task_id\n画,ok-1\n".encode("gbk"), None, "ok-1", [], id="GBK"),
        pytest.param("a.csv", "task_id\nok-1\n".encode("utf-32"), None, "ok-1", [], id="UTF-32"),
        pytest.param("a.txt", "ok-1\nok-2\n".encode("utf-16-be"), None, "ok-1 ok-2", [], id="UTF-16 without its mark"),
        pytest.param("a.txt", b"ok-1\nok\x002\nok-3\n", None, "ok-1 ok-3", [2], id="a single NUL"),
        pytest.param("a.txt", b"ok-1\n\xff\xfe\xe9\nok-2\n", None, "ok-1 ok-2", [2], id="bytes that are no text"),
        pytest.param("a.txt", "\ufeffok-1\n\u200bok-2\u00a0\n".encode(), None, "ok-1 ok-2", [], id="marks nobody sees"),
        pytest.param("a.txt", b"# ids\nTaskIds\nok-1\n", None, "ok-1", [], id="a header after a comment"),
        pytest.param("a.txt", b"job\nok-1\n", "job", "ok-1", [], id="the header named"),
        pytest.param("a.txt", b"task_id\tstatus\nok-1\tx\n", None, "ok-1", [], id="a table called .txt"),
        pytest.param("a.txt", b'{"task_id": "ok-1"}\n', None, "ok-1", [], id="JSON called .txt"),
        pytest.param("a", b'"ok-1"\n"ok-2"\n', None, "ok-1 ok-2", [], id="strings in quotes without an ending"),
        pytest.param("a.json", b'{"ids": ["ok-1", "ok-2"]}', None, "ok-1 ok-2", [], id="a list in an object"),
        pytest.param("a.json", b'{\n "ids": [\n "ok-1"]}', None, "ok-1", [], id="the same over lines"),
        pytest.param(
            "a.json", b'{"data": [{"id": "ok-1"}, {"id": 7}]}', "data.id", "ok-1 7", [], id="a list on the way"
        ),
        pytest.param("a.json", b'[{"a": {"b": "ok-1"}},\n{"a": 7}]', "a.b", "ok-1", [2], id="a path that ends early"),
        pytest.param("a.json", b'["ok-1"]\n["ok-2"]\n', None, "ok-1 ok-2", [], id="an array per line"),
        pytest.param(
            "a.json", b'[7, 7.0, 1.5, 1e400, -1, null, true, [], "ok-1"]', None, "7 7 ok-1", [1] * 5, id="numbers"
        ),
        pytest.param("a.ndjson", b'{"id": "ok-1"\n"ok-2"\nok-3\n', None, "ok-2 ok-3", [1], id="a line that is no JSON"),
        pytest.param("a.ndjson", b'"\\ud800x"\n"ok-1"\n', None, "ok-1", [1], id="half a character"),
        pytest.param("a.ndjson", b"[" * 100_000 + b"\n", None, None, [], id="100,000 brackets"),
        pytest.param("a.ndjson", b'"x"\n' + b'{"a":' * 100_000 + b"\n", None, "x", [2], id="100,000 braces"),
        pytest.param("a.ndjson", b"9" * 5_000 + b'\n"ok-1"\n', None, "ok-1", [1], id="a number of 5,000 digits"),
        pytest.param("a.json", b"", None, None, [], id="an empty file"),
        pytest.param("a.csv", b"task_id\nok-1\n" + b"x" * 4_194_305, None, None, [], id="a line of 4 MB in a table"),
        pytest.param("a.txt", b"y" * 9_000_000 + b"\nok-1\n", None, "ok-1", [1], id="a line of 9 MB in a list"),
        pytest.param("a.csv", b'task_id,p\nok-1,"' + b"p" * 200_000 + b'"\n', None, "ok-1", [], id="a field of 200 KB"),
        pytest.param("a.json", b'["ok-1", "' + b"x" * 4_300_000 + b'"]', None, None, [], id="a string of 4 MB in JSON"),
        pytest.param("a.parquet", parquet(pa.array([1, None, -2])), None, "1", [2, 3], id="whole numbers"),
        pytest.param(
            "a.parquet", parquet(pa.array([2.0**60, 0.5, float("inf"), 7.0])), None, "7", [1, 2, 3], id="wide floats"
        ),
        pytest.param("a.parquet", parquet(pa.array([Decimal("7.00"), Decimal("7.10")])), None, "7", [2], id="decimals"),
        pytest.param(
            "a.parquet", parquet(pa.array(["ok-1", "ok-1"]).dictionary_encode()), None, "ok-1 ok-1", [], id="dictionary"
        ),
        pytest.param("a.parquet", parquet(pa.array([b"ok-1", b"\xff\x00"])), None, "ok-1", [2], id="bytes"),
        pytest.param("a.txt", parquet(pa.array(["ok-1"])), None, "ok-1", [], id="Parquet called .txt"),
        pytest.param("a.parquet", gzip.compress(parquet(pa.array(["ok-1"]))), None, "ok-1", [], id="Parquet in gzip"),
        pytest.param("a.json.gz", gzip.compress(b'["ok-1"]'), None, "ok-1", [], id="JSON in gzip"),
        pytest.param("a.txt", gzip.compress(b"ok-1\n"), None, "ok-1", [], id="gzip called .txt"),
    ],
)
def test_ids_and_rejected_lines(
    tmp_path: Path, name: str, content: bytes, column: str | None, ids: str | None, lines: list[int]
) -> None:
    """Each id is there, each other line is named; None where the whole file is refused."""
    if not ids:
        with pytest.raises(UnusableInputError, match=name):
            read(tmp_path, name, content, column)
    else:
        taken, rejected = read(tmp_path, name, content, column)
        assert (" ".join(taken), [one["line"] for one in rejected]) == (ids, lines)


#: So large that its beginning is read well, and copying it fails.
CUT_PARQUET = gzip.compress(b"PAR1" + Random(1).randbytes(300_000))[:-99]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("a.csv", b"job\nalpha\n", ["columns are job", "--ids-column"], id="one column of another name"),
        pytest.param("a.csv", b"Column1\nok-1\n", ["columns are Column1"], id="a name with a digit"),
        pytest.param(
            "a.csv", b"ok-1,done\nok-2,done\n", ["columns are ok-1, done", "add one before it"], id="no header"
        ),
        pytest.param("a.csv", b"taskId,Task ID\nok-1,ok-2\n", ["several columns", "taskId, Task ID"], id="two of them"),
        pytest.param("a.csv", b"a,sk-abcdefghijkl\n", ["a, sk-a… (15 characters)"], id="a key in the place of a name"),
        pytest.param("a.csv", b'task_id,p\nok-1,"x\nok-2,y\n', ["opened in line 2", "never closed"], id="open quote"),
        pytest.param("a.json", b'["ok-1", "ok-2"', ["not valid JSON from line 1 on", "too early"], id="JSON cut short"),
        pytest.param("a.json", b'["ok-1"\n "ok-2"]', ["not valid JSON from line 2 on"], id="a comma forgotten"),
        pytest.param("a.json", b'[{"a": {"b": 1, "c": [{"d": 2}]}}]', ["a.b, a.c.d"], id="keys within keys"),
        pytest.param("a.csv.gz", gzip.compress(b"task_id\n" + b"ok-1\n" * 9)[:-12], ["gzip is damaged"], id="gzip cut"),
        pytest.param("a.parquet.gz", CUT_PARQUET, ["gzip is damaged"], id="a large Parquet file in gzip cut"),
        pytest.param("a.gz", gzip.compress(gzip.compress(b"ok-1\n")), ["gzip twice"], id="gzip in gzip"),
        pytest.param("a.bz2", bz2.compress(b"ok-1\n"), ["decompress it"], id="bzip2"),
        pytest.param("a.xlsx", b"task_id\nok-1\n", [".xlsx", "CSV"], id="a spreadsheet by its name"),
        pytest.param(
            "a.parquet", b"PAR1" + b"x" * 50 + b"PAR1", ["not a readable Parquet file"], id="Parquet on the outside"
        ),
        pytest.param("a.txt", bytes(range(256)) * 9, ["binary data"], id="binary"),
        pytest.param("a.db", b"SQLite format 3\0" + bytes(90), ["database", "--ids-from"], id="a database"),
        pytest.param(
            "a.txt", b"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n", ["key or a certificate"], id="a private key"
        ),
        pytest.param("prod.env", b"ok-1\n", ["a file with settings", "not opened"], id="settings by their name"),
        pytest.param("a.txt", b"# x\nexport A=1\nB_C = sk-2\n", ["NAME=VALUE", "nothing in it"], id="settings"),
        pytest.param("a.txt", "A=1\nB=2\n".encode("utf-16"), ["NAME=VALUE"], id="settings in UTF-16"),
        pytest.param("a.parquet", parquet(pa.array([True])), ["type bool"], id="truth values"),
        pytest.param("a.parquet", parquet(pa.array([2**62], pa.timestamp("us"))), ["type timestamp[us]"], id="times"),
        pytest.param("a.parquet", parquet(pa.array([{"a": "x", "b": 1}])), ["task_id.a, task_id.b"], id="structs"),
        pytest.param("a.parquet", parquet(pa.array(["x"]), "job"), ["columns are job"], id="another column alone"),
    ],
)
def test_a_refused_file_is_named_with_what_it_is_and_what_to_do(
    tmp_path: Path, name: str, content: bytes, words: list[str]
) -> None:
    """In one sentence that names the file."""
    with pytest.raises(UnusableInputError) as raised:
        read(tmp_path, name, content)
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(raised.value)
    assert [one for one in words if one not in str(raised.value)] == [], str(raised.value)


def test_a_string_in_parquet_that_is_no_utf8_costs_one_id(tmp_path: Path) -> None:
    """Writers of other languages do not check."""
    broken = pa.array([b"ok-1", b"\xff\xfe", b"ok-2"]).view(pa.string())
    ids, rejected = read(tmp_path, "a.parquet", parquet(broken))
    assert (ids, [one["line"] for one in rejected]) == (["ok-1", "ok-2"], [2])


def test_a_uuid_is_an_id_as_it_is_written(tmp_path: Path) -> None:
    """Parquet has a type for them."""
    one = uuid.UUID(int=7)
    assert read(tmp_path, "a.parquet", parquet(pa.array([one.bytes], pa.uuid())))[0] == [str(one)]


def test_a_column_of_another_type_beside_the_ids_is_never_converted(tmp_path: Path) -> None:
    """A time that Python cannot hold is nobody's id."""
    table = pa.table({"task_id": ["ok-1"], "at": pa.array([2**62], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path, "b.parquet", (tmp_path / "a.parquet").read_bytes())[0] == ["ok-1"]


def test_a_file_that_breaks_off_says_how_many_ids_were_taken_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the archive, so nobody has to wonder."""
    monkeypatch.setattr("pipeline.intake.source.PIECE_IDS", 2)
    with pytest.raises(UnusableInputError, match=r"line 1 on.*\(4 ids before that were accepted\)"):
        read(tmp_path, "a.json", b'["ok-1", "ok-2", "ok-3", "ok-4", "ok-5"')


def test_an_array_is_read_whole_wherever_it_is_cut_into_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that goes on in the next piece is one number."""
    values = [12345, "ok-1", {"task_id": "ok-2", "p": "x" * 30}, 678901234567]
    for size in range(1, 40):
        monkeypatch.setattr("pipeline.intake.formats.json_values._PIECE", size)
        assert read(tmp_path, "a.json", json.dumps(values, indent=1).encode())[0] == [
            *("12345", "ok-1", "ok-2", "678901234567"),
        ]
