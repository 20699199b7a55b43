"""Ids that are none, in a form that may be stored and shown: a few characters of each, for it may be a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

#: Rejected ids that are named one by one; the rest are only counted.
NAMED_REJECTIONS: Final = 1_000

#: Texts of up to so many characters are shown whole: `NULL`, `nan`, `..`.
_SHORT: Final = 4

#: From this length on four characters are shown, below it two.
_LONG: Final = 12


@dataclass(slots=True)
class Rejections:
    """The rejected ids of a run.

    Attributes:
        secrets: texts that no id holds and no message repeats, whatever they look like: the gateway's key.
        count: how many were rejected.
        named: the first of them: {id (masked), file (None for arguments), line, reason}.
    """

    secrets: frozenset[str] = frozenset()
    count: int = 0
    named: list[dict[str, Any]] = field(default_factory=list)

    def holds_secret(self, text: str) -> bool:
        return any(secret in text for secret in self.secrets)

    def without_secrets(self, sentence: str) -> str:
        """A sentence that may be stored and shown."""
        for secret in self.secrets:
            sentence = sentence.replace(secret, masked(secret))
        return sentence

    def add(self, file: str | None, line: int, text: str, reason: str) -> None:
        self.count += 1
        if len(self.named) < NAMED_REJECTIONS:
            self.named.append({"id": masked(text), "file": file, "line": line, "reason": self.without_secrets(reason)})


def masked(text: str) -> str:
    """The first characters of a text and its length; what cannot be printed, or stored as UTF-8, is replaced."""
    shown = len(text) if len(text) <= _SHORT else 2 if len(text) < _LONG else 4
    beginning = "".join(one if one.isprintable() else "\ufffd" for one in text[:shown])
    return beginning if shown == len(text) else f"{beginning}… ({len(text):,} characters)"


def shown_path(path: object) -> str:
    """The name of a file that can be printed and stored, whatever bytes it is made of."""
    return "".join(one if one.isprintable() else "\ufffd" for one in str(path))
