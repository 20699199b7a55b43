"""What people decide (objectives, failure rules, prices): read from `analysis.toml`, with shipped defaults."""

from __future__ import annotations

import math
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from transforms.failures import FailureRule
from warehouse.database.schema import PACKAGE
from warehouse.errors import AnalysisFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEFAULTS: Final = PACKAGE / "analysis.toml"


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
                msg = f"objective {self.name!r}: {key} is {value!r} but has to be text"
                raise TypeError(msg)
        if not (_is_number(self.seconds) and self.seconds > 0):
            msg = f"objective {self.name!r}: seconds is {self.seconds!r} but has to be a number above 0"
            raise ValueError(msg)
        if not (_is_number(self.target) and 0 < self.target <= 1):
            msg = f"objective {self.name!r}: target is {self.target!r} but has to be a share, above 0 and at most 1"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What quota costs: `quota_per_unit` of it are one unit, and a unit costs `price` in `currency`."""

    quota_per_unit: float = 500_000
    price: float = 1.0
    currency: str = "unit"

    def __post_init__(self) -> None:
        if not (_is_number(self.quota_per_unit) and self.quota_per_unit > 0):
            msg = f"pricing: quota_per_unit is {self.quota_per_unit!r} but has to be a number above 0"
            raise ValueError(msg)
        if not (_is_number(self.price) and self.price >= 0):
            msg = f"pricing: price is {self.price!r} but has to be a number of at least 0"
            raise ValueError(msg)
        currency: object = self.currency
        if not isinstance(currency, str):
            msg = f"pricing: currency is {self.currency!r} but has to be text"
            raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The objectives, failure rules and prices in force."""

    objectives: tuple[Objective, ...]
    failure_rules: tuple[FailureRule, ...]
    pricing: Pricing = field(default_factory=Pricing)


_Decision: TypeAlias = Objective | FailureRule | Pricing


def read_analysis(path: Path) -> Analysis:
    """The sections of the file at `path`, and the shipped defaults for sections that it does not have.

    Raises:
        AnalysisFileError: when the file exists and cannot be used.
    """
    defaults, own = _parse(DEFAULTS), _parse(path) if path.exists() else {}
    return Analysis(**(defaults | own))


def _parse(path: Path) -> dict[str, Any]:
    """The content of a file, by section."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(set(data) - set(_SECTIONS)):
            msg = f"unknown section {unknown[0]!r}; known are {', '.join(_SECTIONS)}"
            raise ValueError(msg)  # noqa: TRY301 - one message for all mistakes
        found = {section: _read(section, entries) for section, entries in data.items()}
        _check_names("objectives", found.get("objectives", ()))
        _check_names("failure rules", found.get("failure_rules", ()))
    except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
        what = " ".join(str(error).split())
        msg = f"{path} cannot be used: {what}. Fix it, or remove it to use the shipped defaults"
        raise AnalysisFileError(msg) from error
    return found


def _read(section: str, entries: object) -> Any:  # noqa: ANN401 - what the section is made of
    make, known = _SECTIONS[section]
    if make is Pricing:
        if not isinstance(entries, dict):
            msg = f"{section} has to be a table: begin it with [{section}]"
            raise TypeError(msg)
        _check_keys(f"[{section}]", entries, known)
        return Pricing(**entries)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        msg = f"{section} has to be a list: begin each of its entries with [[{section}]]"
        raise TypeError(msg)
    for number, entry in enumerate(entries, 1):
        _check_keys(f"[[{section}]]", entry, known)
        _check_all_is_there(f"[[{section}]] number {number}", entry, make)
    return tuple(make(**entry) for entry in entries)


def _check_keys(where: str, entry: Mapping[str, object], known: set[str]) -> None:
    if unknown := sorted(set(entry) - known):
        msg = f"unknown key {unknown[0]!r} in {where}; known are {', '.join(sorted(known))}"
        raise ValueError(msg)


def _check_all_is_there(where: str, entry: Mapping[str, object], make: type[Objective | FailureRule | Pricing]) -> None:
    wanted = [one.name for one in fields(make) if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in wanted if name not in entry]:
        msg = f"{where} lacks {' and '.join(missing)}"
        raise ValueError(msg)


def _check_names(what: str, some: Sequence[Objective | FailureRule]) -> None:
    names = [one.name for one in some]
    if twice := [name for name in names if names.count(name) > 1]:
        msg = f"there are two {what} named {twice[0]!r}"
        raise ValueError(msg)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_SECTIONS: Final[dict[str, tuple[type[_Decision], set[str]]]] = {
    "objectives": (Objective, {"name", "source", "action", "seconds", "target"}),
    "failure_rules": (FailureRule, {"name", "pattern", "fail_class", "refunded"}),
    "pricing": (Pricing, {"quota_per_unit", "price", "currency"}),
}
