"""Values that are not ids, in a form that may be stored and shown: only a few characters, as each may be a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

#: This many rejected ids are listed; the others are only counted.
NAMED_REJECTIONS: Final = 1_000

#: Texts of up to this many characters are shown in full: `NULL`, `nan`, `..`.
_SHORT: Final = 4

#: Of texts of at least this length four characters are shown, of shorter ones two.
_LONG: Final = 12


@dataclass(slots=True)
class Rejections:
    """The rejected ids of a run.

    Attributes:
        secrets: texts that must not be in an id or a message: the gateway's key and the account's token.
        count: how many were rejected.
        named: the first ones, as {id (masked), file (None for arguments), line, reason}.
    """

    secrets: frozenset[str] = frozenset()
    count: int = 0
    named: list[dict[str, Any]] = field(default_factory=list)

    def holds_secret(self, text: str) -> bool:
        return any(secret in text for secret in self.secrets)

    def without_secrets(self, sentence: str) -> str:
        """The sentence with secrets masked, so that it may be stored and shown."""
        for secret in self.secrets:
            sentence = sentence.replace(secret, masked(secret))
        return sentence

    def add(self, file: str | None, line: int, text: str, reason: str) -> None:
        self.count += 1
        if len(self.named) < NAMED_REJECTIONS:
            self.named.append({"id": masked(text), "file": file, "line": line, "reason": self.without_secrets(reason)})


def masked(text: str) -> str:
    """The first characters of a text and its length; characters that cannot be printed or stored are replaced."""
    shown = len(text) if len(text) <= _SHORT else 2 if len(text) < _LONG else 4
    beginning = "".join(one if one.isprintable() else "\ufffd" for one in text[:shown])
    return beginning if shown == len(text) else f"{beginning}… ({len(text):,} characters)"


def shown_path(path: object) -> str:
    """A file's path as text; characters that cannot be printed or stored are replaced."""
    return "".join(one if one.isprintable() else "\ufffd" for one in str(path))
