"""Find the column or key that holds the ids: by its name, or as given by `--ids-column`."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from gateway.ids import looks_like_key, why_invalid
from pipeline.intake.refused import RefusedError
from pipeline.intake.rejections import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Names of columns with ids, in lower case without blanks, `_` and `-`; the preferred ones first.
_KNOWN: Final = (frozenset({"taskid", "taskids"}), frozenset({"id", "ids"}))

_ALL_KNOWN: Final = frozenset[str]().union(*_KNOWN)

#: Names of columns that contain a digit and could be taken for an id: `Column1`, `field_2`, `job_id_1`.
_HEADER_LIKE: Final = re.compile(
    r"(col|column|field|var|unnamed|_c|f)[ _:]*\d{1,3}|(.*[_ -])?ids?[_ -]?\d*", re.IGNORECASE
)

#: A name that a message may repeat: one or a few words, and nothing like a key. The first row of a file without a
#: header may contain anything.
_SHOWABLE: Final = re.compile(r"[^\W\d]\w*([ .:/()-]+\w+)*\)?|")
_LONGEST_NAME: Final = 40
_SEPARATORS: Final = re.compile(r"[\s_-]+")
_MANY_DIGITS: Final = 4

#: How many names a message lists at most.
_LISTED: Final = 20


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()


def is_header_word(text: str) -> bool:
    """Whether a text is not an id but the name of a column with ids."""
    return len(text) <= _LONGEST_NAME and _plain(text) in _ALL_KNOWN


def looks_like_id(text: str) -> bool:
    """Whether a text in the first row is an id and not the name of a column: names rarely contain digits."""
    return why_invalid(text) is None and any(map(str.isdigit, text)) and not _HEADER_LIKE.fullmatch(text)


@functools.lru_cache(maxsize=256)
def known_column(names: tuple[str, ...]) -> int | None:
    """The position of the column called task_id or id, in any spelling; None if there is none.

    Raises:
        RefusedError: when there are several, and not exactly one of them is spelled `task_id` or `id`.
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
    """The position of the column with the ids: the one given, or else the one called task_id or id.

    Args:
        names: the columns.
        wanted: what `--ids-column` says.
        nested: all names that may be given, for the message.

    Raises:
        RefusedError: when there is none; the message lists the columns.
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
    """Names for a message; those that may be secrets are masked."""
    shown = [name if _is_showable(name) else masked(name) for name, _ in zip(names, range(_LISTED + 1), strict=False)]
    more = ", …" if len(shown) > _LISTED else ""
    return ", ".join(shown[:_LISTED]) + more


def _is_showable(name: str) -> bool:
    few_digits = sum(map(str.isdigit, name)) < _MANY_DIGITS
    return few_digits and len(name) <= _LONGEST_NAME and bool(_SHOWABLE.fullmatch(name)) and not looks_like_key(name)


def _exactly(names: Sequence[str], wanted: str) -> Iterator[int]:
    return (position for position, name in enumerate(names) if name == wanted)
