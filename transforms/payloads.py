"""Works of other providers: kept as JSON unless they are too large; only the address of the result is read.

Each provider has its own fields, and no column is guessed from them. The result of a success is an address under a name
that is known for results; addresses of inputs are skipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from transforms.wording import opened, parsed, plain_key

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Larger payloads (in bytes) are not kept in `extras`; the archive has them in any case.
MOST_BYTES: Final = 16_384

_DEEPEST: Final = 10
_ADDRESS: Final = re.compile(r"(?:https?|oss)://\S+", re.IGNORECASE)

#: Names of inputs of a task, and of things that are not about the task: users, icons, covers.
_GIVEN: Final = frozenset({
    "input", "inputs", "param", "params", "parameters", "request", "properties", "prompt", "callback", "callbackurl",
    "notifyhook", "webhook", "reference", "references", "tail", "mask", "avatar", "user", "icon", "cover",
})  # fmt: skip

#: Names of results, the most specific first.
_BY_NAME: Final = (
    frozenset({"videourl", "resulturl", "outputurl", "downloadurl", "workvideopath", "mp4url"}),
    frozenset({"audiourl"}),
)

#: Names of objects and lists that contain results; an address below one, under one of `_PLAIN_NAMES`, is a result.
_CONTAINERS: Final = frozenset({
    "taskresult", "result", "results", "output", "outputs", "video", "videos", "audio", "audios", "image", "images",
    "creation", "creations", "work", "works", "asset", "assets", "file", "files", "generation", "generations", "clip",
    "clips", "song", "songs", "metadata", "content",
})  # fmt: skip
_PLAIN_NAMES: Final = frozenset({"url", "uri", "video", "audio", "imageurl", ""})


def with_payloads(tasks: pl.DataFrame, payloads: pl.DataFrame) -> pl.DataFrame:
    """`tasks` with payloads (`row`, `value`: JSON text) of up to `MOST_BYTES` in their `extras`, under `data`."""
    small = payloads.filter(pl.col("value").str.len_bytes() <= MOST_BYTES).unique("row", keep="first")
    if small.is_empty():
        return tasks
    entry = pl.format('"data":{}', pl.col("value"))
    both = pl.format("{},{}}}", pl.col("extras").str.strip_suffix("}"), entry)
    joined = tasks.join(small, on="row", how="left")
    extras = pl.when(pl.col("value").is_null()).then("extras").otherwise(pl.coalesce(both, pl.format("{{{}}}", entry)))
    return joined.with_columns(extras=extras).drop("value")


def deeper_result(text: str) -> str | None:
    """The address of the result in the text of a successful task's answer; None if no known name has one."""
    ranked = [(rank, address) for names, address in _addresses(parsed(text), ()) if (rank := _rank(names)) is not None]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def _addresses(value: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - any JSON
    """Every address, in order, with the names that lead to it; an element of a list has the name ''."""
    content = opened(value)
    if isinstance(content, str) and _ADDRESS.fullmatch(content.strip()):
        yield names, content.strip()
    if len(names) > _DEEPEST or not isinstance(content, dict | list):
        return
    for name, inside in content.items() if isinstance(content, dict) else (("", one) for one in content):
        if (key := plain_key(name)) not in _GIVEN:
            yield from _addresses(inside, (*names, key))


def _rank(names: tuple[str, ...]) -> int | None:
    """How likely an address with these names is the result: the smaller the likelier; None if it may not be."""
    last = names[-1] if names else ""
    for rank, known in enumerate(_BY_NAME):
        if last in known:
            return rank
    is_inside = any(name in _CONTAINERS for name in names[:-1]) or (last == "" and bool(_CONTAINERS & {*names}))
    return len(_BY_NAME) + (last == "imageurl") if is_inside and last in _PLAIN_NAMES else None
