"""Whose fault a failure is, by rules that people can read and extend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES: Final = ("provider", "gateway", "gateway_timeout", "content_policy", "input", "unknown")


@dataclass(frozen=True, slots=True)
class FailureRule:
    """Failures whose reason matches `pattern` (a regular expression, case ignored) are of the class `fail_class`.

    Raises:
        ValueError: when the class is not one of `CLASSES` or the pattern cannot be compiled.
    """

    pattern: str
    fail_class: str

    def __post_init__(self) -> None:
        if self.fail_class not in CLASSES:
            msg = f"failure rule {self.pattern!r}: class {self.fail_class!r} is none of {', '.join(CLASSES)}"
            raise ValueError(msg)
        try:
            re.compile(self.pattern)
            pl.Series([""]).str.contains(self.pattern)
        except (re.error, pl.exceptions.ComputeError) as error:
            msg = f"failure rule {self.pattern!r} is no regular expression: {error}"
            raise ValueError(msg) from error


def fail_class(reason: pl.Expr, rules: Sequence[FailureRule]) -> pl.Expr:
    """The class of a failure's reason: that of the first rule that matches, else provider; unknown without a reason."""
    matched = [pl.when(reason.str.contains(f"(?i){rule.pattern}")).then(pl.lit(rule.fail_class)) for rule in rules]
    return pl.coalesce(pl.when(reason.is_null()).then(pl.lit("unknown")), *matched, pl.lit("provider"))
