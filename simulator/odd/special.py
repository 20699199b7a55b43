"""Tasks that exist in every world, with ids like `sim_queued_1`: one for each quirk, state and class of failure."""

from collections.abc import Container
from dataclasses import dataclass
from random import Random

from simulator.life import Task
from simulator.odd.quirks import QUIRKS
from simulator.words import CHANNELS, FAILURE_TEXTS, FailClass, Failure, draw_failure

PREFIX = "sim_"
SUBMIT = 1_768_404_741  # a year after the seed example's, to the second
NEVER = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a special task differs from a plain one that ended long ago."""

    description: str
    quirk_name: str = ""
    fail_class: FailClass | None = None
    is_new_style: bool = True
    reaches: str = "end"  # or "queued", "submitted", "running", in which it stays for ever
    odd_word: str = ""


def _recipes() -> dict[str, Recipe]:
    quirks = {
        name: Recipe(quirk.description, name, is_new_style=quirk.style != "old", reaches=_reach(name))
        for name, quirk in QUIRKS.items()
    }
    failures = {
        f"failure_{fail_class}": Recipe(f"a FAILURE whose reason is of the class `{fail_class}`", "", fail_class)
        for fail_class in FAILURE_TEXTS
    }
    states = {
        "success": Recipe("a SUCCESS in the new style"),
        "success_old": Recipe("a SUCCESS in the old style, like the document's example", is_new_style=False),
        "submitted": Recipe("SUBMITTED for ever, `data.data` null", reaches="submitted"),
        "queued": Recipe("QUEUED for ever", reaches="queued"),
        "in_progress": Recipe("IN_PROGRESS for ever", reaches="running"),
        "unknown_status": Recipe("an unknown status word", odd_word="Archiving", reaches="running"),
        "work_running": Recipe(
            "a work without a task around it, not done", "work_envelope", is_new_style=False, reaches="running"
        ),
    }
    return quirks | failures | states


def _reach(quirk_name: str) -> str:
    return "submitted" if quirk_name.startswith("empty_") and quirk_name.endswith("_payload") else "end"


RECIPES = _recipes()
# Kinds that differ only in how the answer is delivered: the result is a plain task.
ODDLY_DELIVERED = frozenset({"chunked", "flaky", "flaky_throttled", "gzip", "slow", "trickle"})
NAMES = RECIPES.keys() | ODDLY_DELIVERED


def kind_of(task_id: str, kinds: Container[str]) -> str | None:
    """The longest kind in `kinds` that matches `sim_<kind>_<anything>`; None if the id is not a special one."""
    name = task_id.removeprefix(PREFIX) if task_id.startswith(PREFIX) else ""
    while name and name not in kinds:
        name = name.rpartition("_")[0]
    return name or None


def special_task(task_id: str) -> Task | None:
    """The task behind a special id; None if the model has none for it."""
    kind = kind_of(task_id, NAMES)
    return None if kind is None else cook(task_id, RECIPES.get(kind, RECIPES["success"]))


def cook(task_id: str, recipe: Recipe) -> Task:
    failure: Failure | None = None
    if recipe.fail_class:
        failure = draw_failure(Random(task_id), recipe.fail_class, timeout_minutes=30)  # noqa: S311  (seeded)
    return Task(
        id=task_id,
        action="avatar-generate",
        channel=CHANNELS[0],
        submit=SUBMIT,
        seen_queued=NEVER if recipe.reaches == "submitted" else SUBMIT + 12.0,
        seen_running=SUBMIT + 27.0 if recipe.reaches in ("running", "end") else NEVER,
        seen_end=SUBMIT + 57.0 if recipe.reaches == "end" else NEVER,
        failure=failure,
        quirk_name=recipe.quirk_name,
        is_new_style=recipe.is_new_style,
        odd_word=recipe.odd_word,
    )
