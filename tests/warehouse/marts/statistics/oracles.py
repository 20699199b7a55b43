"""Independent answers to the same questions: lifelines, statsmodels, and the textbook's formula word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from lifelines import AalenJohansenFitter, KaplanMeierFitter  # type: ignore[import-untyped]
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tests.warehouse.marts.statistics.frozen import Life


class Survival(NamedTuple):
    """Kaplan-Meier at each distinct time."""

    t: NDArray[np.float64]
    at_risk: NDArray[np.float64]
    ended: NDArray[np.float64]
    censored: NDArray[np.float64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def kaplan_meier(lives: Sequence[Life]) -> Survival:
    """By lifelines, at the times that occur: it always adds time 0, with everybody at risk."""
    seconds = np.array([seconds for _, seconds in lives], dtype=float)
    fitter = KaplanMeierFitter().fit(seconds, [event is not None for event, _ in lives])
    at = np.unique(seconds)
    events = fitter.event_table.loc[at]
    band = fitter.confidence_interval_.loc[at].to_numpy()
    survival = fitter.survival_function_.loc[at].to_numpy()[:, 0]
    at_risk, ended, censored = events[["at_risk", "observed", "censored"]].to_numpy(dtype=float).T
    return Survival(at, at_risk, ended, censored, survival, band[:, 0], band[:, 1])


def first_time_at_or_below(t: NDArray[np.float64], curve: NDArray[np.float64], share: float) -> float | None:
    """When a falling curve first is at the share or below it; None when it never is."""
    reached = t[curve <= share]
    return float(reached[0]) if len(reached) else None


def aalen_johansen_untied(lives: Sequence[Life], event: str) -> NDArray[np.float64]:
    """Incidence of one end at each distinct time, by lifelines, which moves tied times apart at random: no ties."""
    seconds = np.array([seconds for _, seconds in lives], dtype=float)
    codes = [{"SUCCESS": 1, "FAILURE": 2}.get(one or "", 0) for one, _ in lives]
    code = {"SUCCESS": 1, "FAILURE": 2}[event]
    fitter = AalenJohansenFitter(calculate_variance=False).fit(seconds, codes, event_of_interest=code)
    found: NDArray[np.float64] = fitter.cumulative_density_.loc[np.unique(seconds)].to_numpy()[:, 0]
    return found


def aalen_johansen_interval(lives: Sequence[Life], event: str) -> NDArray[np.float64]:
    """Its 95% interval by lifelines at each distinct time at which some have ended so; no ties."""
    seconds = np.array([seconds for _, seconds in lives], dtype=float)
    code = {"SUCCESS": 1, "FAILURE": 2}
    fitter = AalenJohansenFitter().fit(
        seconds, [code.get(one or "", 0) for one, _ in lives], event_of_interest=code[event]
    )
    at = np.unique(seconds)
    share = fitter.cumulative_density_.loc[at].to_numpy()[:, 0]
    found: NDArray[np.float64] = fitter.confidence_interval_.loc[at].to_numpy()[share > 0]
    return found


def aalen_johansen(lives: Sequence[Life]) -> list[tuple[float, float, float, float]]:
    """(t, success, failure, running) at each distinct time, ties and all: the definition, as slow as it is plain."""
    rows = []
    running, success, failure = 1.0, 0.0, 0.0
    for t in sorted({seconds for _, seconds in lives if seconds is not None}):
        at_risk = sum(seconds is not None and seconds >= t for _, seconds in lives)
        succeeded, failed = lives.count(("SUCCESS", t)), lives.count(("FAILURE", t))
        success += running * succeeded / at_risk
        failure += running * failed / at_risk
        running *= 1 - (succeeded + failed) / at_risk
        rows.append((t, success, failure, running))
    return rows


def wilson(count: int, whole: int) -> tuple[float, float]:
    low, high = proportion_confint(count, whole, alpha=0.05, method="wilson")
    return float(low), float(high)
