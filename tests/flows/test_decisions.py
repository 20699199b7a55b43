"""What `setup-prefect` changes on a server, and what stays as an operator set it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from prefect.events.schemas.automations import Automation, AutomationCore

from flows._prefect.decisions import Own, decide, declared, read_own, with_values
from flows._prefect.notify import is_same
from pipeline.errors import UnusableInputError

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENT: dict[str, Any] = {
    "name": "maintain",
    "entrypoint": "flows/maintain.py:maintain",
    "parameters": {"retain_days": None},
    "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
    "schedules": [{"slug": "weekly", "cron": "40 3 * * 0", "timezone": "UTC", "active": True}],
}
WANTED = declared(DEPLOYMENT)


@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param({"parameters.retain_days": 90}, id="parameter"),
        pytest.param({"schedules.weekly.active": False}, id="paused schedule"),
        pytest.param({"schedules.weekly.cron": "0 1 * * *"}, id="cron"),
        pytest.param({"concurrency_limit.limit": 3}, id="limit"),
        pytest.param({"parameters.window": "1 hour"}, id="parameter of their own"),
        pytest.param(
            {"schedules.unnamed 1.interval": 60, "schedules.unnamed 1.active": True}, id="schedule of their own"
        ),
    ],
)
@pytest.mark.parametrize("before", [WANTED, None], ids=["after a set-up", "before anything was remembered"])
def test_a_value_that_was_changed_by_hand_stays_and_is_named(
    by_hand: dict[str, Any], before: dict[str, Any] | None
) -> None:
    current = WANTED | by_hand
    decided = decide(WANTED, {}, before, current)
    assert decided.values == current
    assert len(decided.lines) == len(by_hand)
    assert all("as set by hand" in line for line in decided.lines)


def test_a_value_that_nobody_touched_follows_prefect_yaml() -> None:
    newer = WANTED | {"schedules.weekly.cron": "0 4 * * 0", "parameters.retain_days": 365}
    decided = decide(newer, {}, WANTED, WANTED)
    assert decided.values == newer
    assert decided.lines == [
        "parameter retain_days: None -> 365",
        "schedule weekly cron: 40 3 * * 0 -> 0 4 * * 0",
    ]


def test_what_is_no_longer_declared_goes_and_what_is_deleted_by_hand_stays_away() -> None:
    extended = WANTED | {"parameters.old": 1}
    assert decide(WANTED, {}, extended, extended).values == WANTED
    without_schedule = {path: value for path, value in WANTED.items() if not path.startswith("schedules.")}
    assert decide(WANTED, {}, WANTED, without_schedule).values == without_schedule


def test_an_interval_set_by_hand_does_not_get_the_cron_beside_it() -> None:
    """Also where it is not known what was declared before."""
    timing = {"schedules.weekly.interval": 3600}
    current = {path: value for path, value in WANTED.items() if path not in CRON} | timing
    for before in (WANTED, None):
        assert decide(WANTED, {}, before, current).values == current


CRON = {"schedules.weekly.cron", "schedules.weekly.timezone"}


def test_nothing_is_printed_if_nothing_differs() -> None:
    assert decide(WANTED, {}, WANTED, dict(WANTED)).lines == []


def test_deployments_toml_wins_over_both_and_an_interval_replaces_a_cron(tmp_path: Path) -> None:
    path = tmp_path / "deployments.toml"
    path.write_text("rate = 20\n[maintain]\ninterval = 3600\nparameters = { retain_days = 30 }\n")
    own = read_own(path, {"maintain": DEPLOYMENT})
    assert own.rate == 20
    decided = decide(WANTED, own.values["maintain"], WANTED, WANTED | {"parameters.retain_days": 90})
    assert {path: value for path, value in decided.values.items() if path not in WANTED or value != WANTED[path]} == {
        "parameters.retain_days": 30,
        "schedules.weekly.interval": 3600,
    }
    assert CRON.isdisjoint(decided.values)
    rendered = with_values(DEPLOYMENT, decided.values)
    assert rendered["schedules"] == [{"active": True, "interval": 3600, "slug": "weekly"}]
    assert rendered["parameters"] == {"retain_days": 30}
    assert rendered["entrypoint"] == DEPLOYMENT["entrypoint"]


def test_no_file_of_ones_own_changes_nothing(tmp_path: Path) -> None:
    assert read_own(tmp_path / "deployments.toml", {}) == Own()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("rate = ", "is not TOML", id="no TOML"),
        pytest.param("rate = 'fast'", "rate in", id="a rate in words"),
        pytest.param("rate = true", "rate in", id="a rate that is true"),
        pytest.param("in_flight = -1", "at least 0", id="negative"),
        pytest.param("[colect]\ninterval = 1", "unknown 'colect'", id="unknown deployment"),
        pytest.param("rates = 3", "unknown 'rates'", id="unknown setting"),
        pytest.param("[maintain]\nintervall = 1", "unknown 'intervall'", id="unknown key"),
        pytest.param("[shard]\ncron = '1 1 * * *'", "has no schedule", id="no schedule"),
    ],
)
def test_an_unusable_file_is_refused_with_its_name(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "deployments.toml"
    path.write_text(text)
    with pytest.raises(UnusableInputError, match=sentence) as refused:
        read_own(path, {"maintain": DEPLOYMENT, "shard": {"name": "shard"}})
    assert str(path) in str(refused.value)


def test_an_automation_is_the_same_in_whichever_order_its_events_stand() -> None:
    """They are a set, and two that fall into one slot of its table stand as they were put in."""
    slot = hash("event.0") % 8
    other = next(name for name in (f"event.{n}" for n in range(1, 1_000)) if hash(name) % 8 == slot)
    trigger = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0}
    one, two = (
        AutomationCore.model_validate({"name": "a", "trigger": trigger | {"expect": events}, "actions": []})
        for events in (["event.0", other], [other, "event.0"])
    )
    assert is_same(one, Automation(**two.model_dump(), id=UUID(int=0)))
