"""Whose fault a failure is, by rules that users can read and extend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES: Final = (
    "provider",
    "gateway",
    "gateway_timeout",
    "content_policy",
    "input",
    "account",
    "rate_limit",
    "network",
    "cancelled",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class FailureRule:
    """Gives the class `fail_class` to failures whose reason matches `pattern`, a regular expression; case is ignored.

    Attributes:
        pattern: the regular expression.
        fail_class: one of `CLASSES`.
        name: the name of the rule in the column `fail_rule`; by default its pattern.
        refunded: whether the gateway refunds such a failure.

    Raises:
        TypeError: `refunded` is not true or false.
        ValueError: the class is not one of `CLASSES`, or the pattern cannot be compiled.
    """

    pattern: str
    fail_class: str
    name: str = ""
    refunded: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.pattern)
        given: tuple[object, object, object] = (self.pattern, self.name, self.refunded)
        if not all(map(isinstance, given, (str, str, bool))):
            msg = f"failure rule {self.name!r}: pattern and name have to be text, and refunded true or false"
            raise TypeError(msg)
        if self.fail_class not in CLASSES:
            msg = f"failure rule {self.pattern!r}: unknown class {self.fail_class!r}; known are {', '.join(CLASSES)}"
            raise ValueError(msg)
        try:
            re.compile(self.pattern)
            pl.Series([""]).str.contains(self.pattern)
        except (re.error, pl.exceptions.ComputeError) as error:
            msg = f"failure rule {self.pattern!r} is not a regular expression: {error}"
            raise ValueError(msg) from error


def fail_rule(reason: pl.Expr, rules: Sequence[FailureRule]) -> pl.Expr:
    """The name of the first rule that matches a failure's reason; null if none does."""
    matched = [pl.when(reason.str.contains(f"(?i){rule.pattern}")).then(pl.lit(rule.name)) for rule in rules]
    return pl.coalesce(*matched, pl.lit(None, pl.String()))


def fail_class(rule: pl.Expr, rules: Sequence[FailureRule]) -> pl.Expr:
    """The class of a failure, by the name of the rule that matched: `unknown` if none did."""
    classes = {one.name: one.fail_class for one in rules}
    return rule.replace_strict(classes, default="unknown", return_dtype=pl.String()) if rules else pl.lit("unknown")
