"""Which column or key holds the ids: one whose name says so, or the one that `--ids-column` names."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from gateway.ids import looks_like_key, why_invalid
from pipeline.intake.refused import RefusedError
from pipeline.intake.rejections import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Names of columns with ids without case, blanks, `_` and `-`, the better ones first.
_KNOWN: Final = (frozenset({"taskid", "taskids"}), frozenset({"id", "ids"}))

#: What stands in a first row that is a header, though it has a digit: `Column1`, `field_2`, `job_id_1`.
_HEADER_LIKE: Final = re.compile(
    r"(col|column|field|var|unnamed|_c|f)[ _:]*\d{1,3}|(.*[_ -])?ids?[_ -]?\d*", re.IGNORECASE
)

#: A name that may be repeated in a message: a word or a few, and nothing like a key. What stands in the first row of a
#: file without a header may be anything.
_SHOWABLE: Final = re.compile(r"[^\W\d]\w*([ .:/()-]+\w+)*\)?|")
_LONGEST_NAME: Final = 40
_MANY_DIGITS: Final = 4

#: How many names a message lists.
_LISTED: Final = 20


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def is_header_word(text: str) -> bool:
    """Whether a text is no id but the name of a column of them."""
    return len(text) <= _LONGEST_NAME and any(_plain(text) in names for names in _KNOWN)


def looks_like_id(text: str) -> bool:
    """Whether what stands in a first row is an id rather than a column's name: names rarely have digits."""
    return why_invalid(text) is None and any(map(str.isdigit, text)) and not _HEADER_LIKE.fullmatch(text)


@functools.lru_cache(maxsize=256)
def known_column(names: tuple[str, ...]) -> int | None:
    """The position of the column that is called task_id or id, in any spelling; None when there is none.

    Raises:
        RefusedError: when several are, and none of them exactly so.
    """
    for known in _KNOWN:
        found = [position for position, name in enumerate(names) if _plain(name) in known]
        exact = [position for position in found if names[position] in {"task_id", "id"}]
        if len(found) > 1 and len(exact) != 1:
            several = listed(names[position] for position in found)
            raise RefusedError(f"several columns may hold the ids: {several}. Name the right one: --ids-column NAME")
        if found:
            return (exact or found)[0]
    return None


def pick_column(names: Sequence[str], wanted: str | None, nested: Iterable[str] | None = None) -> int:
    """The position of the column that holds the ids: the one named, else the one called task_id or id.

    Args:
        names: the columns.
        wanted: what `--ids-column` says.
        nested: what may be named besides, for the message.

    Raises:
        RefusedError: when there is none, with the columns there are.
    """
    position = known_column(tuple(names)) if wanted is None else next(iter(_exactly(names, wanted)), None)
    if position is None:
        raise RefusedError(no_such_column(names if nested is None else nested, wanted))
    return position


def no_such_column(names: Iterable[str], wanted: str | None, what: str = "column") -> str:
    """The sentence for a file without such a column or key."""
    missing = f"no {what} is called task_id or id" if wanted is None else f"there is no {what} {wanted!r}"
    return f"{missing}; {what}s are {listed(names)}. Name the one with the ids: --ids-column NAME"


def listed(names: Iterable[str]) -> str:
    """Names for a message, in which nothing is repeated that may be a secret."""
    shown = [name if _is_showable(name) else masked(name) for name, _ in zip(names, range(_LISTED + 1), strict=False)]
    more = ", …" if len(shown) > _LISTED else ""
    return ", ".join(shown[:_LISTED]) + more


def _is_showable(name: str) -> bool:
    few_digits = sum(map(str.isdigit, name)) < _MANY_DIGITS
    return few_digits and len(name) <= _LONGEST_NAME and bool(_SHOWABLE.fullmatch(name)) and not looks_like_key(name)


def _exactly(names: Sequence[str], wanted: str) -> Iterator[int]:
    return (position for position, name in enumerate(names) if name == wanted)
