"""What the tests about secrets share: keys that would be noticed anywhere, and the eyes that look for them."""

import base64
import html
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

KEY = "sk-c4n4ryKEYthatMustNotBeSeen/&<0123456789"
"""With what JSON, pages and URLs escape."""
_DISTINCT = "c4n4ryKEY"


def spellings(key: str = KEY) -> set[str]:
    """How the key could stand somewhere."""
    in_json = json.dumps(key)[1:-1]
    encoded = base64.b64encode(f"Bearer {key}".encode()).decode().rstrip("=")
    return {_DISTINCT, key[3:20], in_json, quote(key, safe=""), html.escape(key), encoded, key[::-1]}


def traces(text: bytes) -> list[str]:
    """The spellings that `text` has in it."""
    return sorted(one for one in spellings() if one.encode() in text)


def everything_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it is, and every Parquet file's columns unpacked as well."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
            if path.suffix == ".parquet":
                yield f"{path.relative_to(folder)} unpacked", repr(pq.read_table(path).to_pylist()).encode()


def command_lines(pid: int) -> Iterator[str]:
    """Of a process and its descendants, as anybody may read them with `ps`."""
    try:
        yield Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    for child in children:
        yield from command_lines(int(child))


def found_in(texts: Iterable[tuple[str, bytes]]) -> dict[str, list[str]]:
    return {name: found for name, text in texts if (found := traces(text))}
