"""What people decide (objectives, failure rules): read from `analysis.toml`, with shipped defaults."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from transforms.failures import FailureRule
from warehouse.catalog import ROOM
from warehouse.errors import AnalysisFileError

if TYPE_CHECKING:
    from pathlib import Path

DEFAULTS: Final = ROOM / "analysis.toml"

_OBJECTIVE_KEYS: Final = {"name", "source", "action", "seconds", "target"}
_RULE_KEYS: Final = {"pattern", "fail_class"}


@dataclass(frozen=True, slots=True)
class Objective:
    """A task of this source and action (None: any) is good when it succeeded within `seconds`; `target` is a share."""

    name: str
    seconds: float
    target: float
    source: str | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            msg = f"objective {self.name!r}: seconds is {self.seconds!r} and has to be above 0"
            raise ValueError(msg)
        if not 0 < self.target <= 1:
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
    defaults = _parse(DEFAULTS)
    if not path.exists():
        return defaults
    own, text = _parse(path), path.read_text(encoding="utf-8")
    return Analysis(
        objectives=own.objectives if "objectives" in text else defaults.objectives,
        failure_rules=own.failure_rules if "failure_rules" in text else defaults.failure_rules,
    )


def _parse(path: Path) -> Analysis:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_keys(data)
        return Analysis(
            tuple(Objective(**entry) for entry in data.get("objectives", ())),
            tuple(FailureRule(**entry) for entry in data.get("failure_rules", ())),
        )
    except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
        msg = f"{path} cannot be used: {error}. Mend it, or remove it to use the shipped defaults"
        raise AnalysisFileError(msg) from error


def _check_keys(data: dict[str, Any]) -> None:
    for section, known in (("objectives", _OBJECTIVE_KEYS), ("failure_rules", _RULE_KEYS)):
        for entry in data.get(section, ()):
            if unknown := sorted(set(entry) - known):
                msg = f"unknown key {unknown[0]!r} in [[{section}]]; known are {', '.join(sorted(known))}"
                raise ValueError(msg)
    if unknown := sorted(set(data) - {"objectives", "failure_rules"}):
        msg = f"unknown section {unknown[0]!r}; known are objectives, failure_rules"
        raise ValueError(msg)
