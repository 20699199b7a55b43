"""What people decide (objectives, failure rules): read from `analysis.toml`, with shipped defaults."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from transforms.failures import FailureRule
from warehouse.database.schema import ROOM
from warehouse.errors import AnalysisFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULTS: Final = ROOM / "analysis.toml"


@dataclass(frozen=True, slots=True)
class Objective:
    """A task of this source and action (None: any) is good when it succeeded within `seconds`; `target` is a share."""

    name: str
    seconds: float
    target: float
    source: str | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        texts: dict[str, object] = {"name": self.name, "source": self.source or "", "action": self.action or ""}
        for key, value in texts.items():
            if not isinstance(value, str):
                msg = f"objective {self.name!r}: {key} is {value!r} and has to be text"
                raise TypeError(msg)
        if not (_is_number(self.seconds) and self.seconds > 0):
            msg = f"objective {self.name!r}: seconds is {self.seconds!r} and has to be a number above 0"
            raise ValueError(msg)
        if not (_is_number(self.target) and 0 < self.target <= 1):
            msg = f"objective {self.name!r}: target is {self.target!r} and has to be a share, above 0 and at most 1"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is in force."""

    objectives: tuple[Objective, ...]
    failure_rules: tuple[FailureRule, ...]


def read_analysis(path: Path) -> Analysis:
    """The file at `path`, or the shipped defaults for whatever it does not have.

    Raises:
        AnalysisFileError: when the file is there and cannot be used.
    """
    defaults, own = _parse(DEFAULTS), _parse(path) if path.exists() else {}
    return Analysis(
        objectives=own.get("objectives", defaults["objectives"]),
        failure_rules=own.get("failure_rules", defaults["failure_rules"]),
    )


def _parse(path: Path) -> dict[str, tuple[Any, ...]]:
    """What a file has, by section."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(set(data) - set(_SECTIONS)):
            msg = f"unknown section {unknown[0]!r}; known are {', '.join(_SECTIONS)}"
            raise ValueError(msg)  # noqa: TRY301 - one message for all mistakes
        found = {section: _read(section, entries) for section, entries in data.items()}
        _check_names(found.get("objectives", ()))
    except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
        what = " ".join(str(error).split())
        msg = f"{path} cannot be used: {what}. Mend it, or remove it to use the shipped defaults"
        raise AnalysisFileError(msg) from error
    return found


def _read(section: str, entries: object) -> tuple[Any, ...]:
    make, known = _SECTIONS[section]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        msg = f"{section} has to be a list: head each of its entries with [[{section}]]"
        raise TypeError(msg)
    for entry in entries:
        if unknown := sorted(set(entry) - known):
            msg = f"unknown key {unknown[0]!r} in [[{section}]]; known are {', '.join(sorted(known))}"
            raise ValueError(msg)
    return tuple(make(**entry) for entry in entries)


def _check_names(objectives: Sequence[Objective]) -> None:
    names = [one.name for one in objectives]
    if twice := [name for name in names if names.count(name) > 1]:
        msg = f"there are two objectives named {twice[0]!r}"
        raise ValueError(msg)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_SECTIONS: Final[dict[str, tuple[type[Objective | FailureRule], set[str]]]] = {
    "objectives": (Objective, {"name", "source", "action", "seconds", "target"}),
    "failure_rules": (FailureRule, {"pattern", "fail_class"}),
}
