"""`status`: what is known, which conditions hold, and metrics."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.errors import UnusableInputError
from pipeline.settings import Settings
from pipeline.watch.conditions import judge, read_conditions, shown_span
from pipeline.watch.measures import MEASURES, Readings, Room, read_measures
from pipeline.watch.prometheus import METRICS, Sample, as_text
from simulator import ManualClock, SimulatedGateway, serve
from tests.command_line import KEY, CommandLine

if TYPE_CHECKING:
    from simulator import World
    from tests.command_line import Gateway


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory, ended_world: World) -> CommandLine:
    """Where twenty tasks and an answer in quarantine were collected."""
    app = SimulatedGateway(ended_world, key=KEY, clock=ManualClock(ended_world.all_terminal_at()))
    with serve(app) as base_url:
        there = CommandLine(
            tmp_path_factory.mktemp("watched"), {"AVATAR_TASKS_BASE_URL": base_url, "AVATAR_TASKS_API_KEY": KEY}
        )
        assert there("collect", *ended_world.ids[:20], "sim_html_1").code == 0
    return there


@pytest.mark.e2e
def test_what_was_asked_for_goes_to_stdout_in_words_as_well(collected: CommandLine) -> None:
    """`status` and the dry run of `maintain` through a pipe; a condition that holds is a notice on stderr."""
    known = collected("status")
    assert (known.code, known.err) == (0, "")
    assert "tasks by status" in known.out
    plan = collected("maintain", "--retain", "30", "--dry-run")
    assert (plan.err, "nothing is older than" in plan.out) == ("", True)
    held = collected("status", "--fail-if", "stale>15m, quarantined", "--fail-if", "disk<99.99%")
    assert held.code == 6
    assert "tasks by status" in held.out
    assert [line.split(": ")[1:3] for line in held.err.splitlines()] == [
        ["critical", "disk<99.99%"],
        ["warning", "quarantined"],
    ]
    fine = read_conditions(["stale>15m", "waiting>0,missing_storm,failing>0,unanswered>1h"])
    assert judge(fine, read_measures(Settings(data_dir=collected.folder / "data").paths)) == []


@pytest.mark.e2e
def test_metrics_are_what_prometheus_can_read(collected: CommandLine) -> None:
    """Every sample has HELP and TYPE, and the numbers are those of `status`; the file gets its name when complete."""
    assert collected("status", "--format", "prometheus", "--out", "avatar.prom").out == ""
    families = {one.name: one for one in text_string_to_metric_families((collected.folder / "avatar.prom").read_text())}
    assert {one.removesuffix("_total") for one in METRICS} - set(families) <= {
        "avatar_tasks_error_budget_burn_rate",
        "avatar_tasks_failed_tasks",
    }
    assert all(families[one.removesuffix("_total")].type == METRICS[one].kind for one in METRICS if one in families)
    assert all(one.documentation for one in families.values())
    values = {one.labels["status"]: one.value for one in families["avatar_tasks_tasks"].samples}
    assert values == collected("status", "--json").json["tasks_by_status"]
    [requests] = families["avatar_tasks_requests"].samples
    assert (requests.labels, requests.value >= 21) == ({"source": "default"}, True)
    assert oct((collected.folder / "avatar.prom").stat().st_mode)[-3:] == "644"


@pytest.mark.parametrize("gone", ["data", "data/archive", "data/published"])
def test_where_nothing_can_be_read_every_condition_holds(
    avatar_tasks: CommandLine, collected: CommandLine, gone: str
) -> None:
    """A folder that is not mounted is an alarm, in words, as JSON, and as a metric."""
    shutil.copytree(collected.folder / "data", avatar_tasks.folder / "data")
    shutil.rmtree(avatar_tasks.folder / gone)
    data = Settings(data_dir=avatar_tasks.folder / "data").paths
    [alarm] = judge(read_conditions(["waiting>0"]), read_measures(data))
    assert alarm.words.startswith("it cannot be checked: ")
    if gone == "data":
        held = avatar_tasks("status", "--fail-if", "disk<1%,stale>1h", "--json")
        assert (held.code, len(held.json["alarms"])) == (6, 2)
        assert "cannot be checked: there is no archive at" in held.err
        metrics = avatar_tasks("status", "--format", "prometheus")
        assert (metrics.code, "avatar_tasks_up 0" in metrics.out.splitlines()) == (2, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("stael>15m", "did you mean stale"),
        ("stale", "it needs a limit"),
        ("stale>15", "a number with a unit"),
        ("stale>15 fortnights", "unknown unit"),
        ("stuck>few", "a whole number"),
        ("disk<5", "a share or a size"),
        ("stuck=0", "compared with"),
        ("", "there is no such measure"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_those_there_are(text: str, why: str) -> None:
    """Every measure is named."""
    with pytest.raises(UnusableInputError, match=why) as refused:
        read_conditions([text])
    assert all(name in str(refused.value) for name in MEASURES)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("stale>15m", True),
        ("stale > 2h", False),
        ("stale>=1h", True),
        ("stuck", True),
        ("stuck>3", False),
        ("stuck<=3", True),
        ("missing-storm", False),
        ("disk<5%", True),
        ("disk<4%", False),
        ("disk<50GB", True),
        ("disk<40GB", False),
        ("failing", True),  # it was not measured
    ],
)
def test_a_condition_holds_by_its_limit(text: str, *, holds: bool) -> None:
    """Spans, counts, shares and sizes; one that was not measured holds."""
    readings = Readings({"stale": 3600.0, "stuck": 3, "missing_storm": 0}, Room(45 * 10**9, 10**12))
    assert bool(judge(read_conditions([text]), readings)) == holds


def test_staleness_grows_while_nothing_runs(connected: CommandLine, gateway: Gateway) -> None:
    """By the last run that readers can see; a gateway that fails each time is silent, not stale."""
    data = Settings(data_dir=connected.folder / "data").paths
    assert connected("collect", *gateway.world.ids[:3]).code == 0
    later = datetime.now(UTC) + timedelta(minutes=40)
    stale = read_measures(data, later).values["stale"]
    assert stale is not None
    assert 2400 <= stale < 2520
    assert connected("collect", "new", AVATAR_TASKS_API_KEY="wrong").code == 3
    later = datetime.now(UTC) + timedelta(minutes=40)
    found = read_measures(data, later).values
    assert (found["failing"], found["due"], found["stuck"]) == (1, 1, 0)
    [alarm] = judge(read_conditions(["unanswered>30m,stale>1h"]), Readings(found, None))
    assert alarm.measure == "unanswered"
    assert alarm.words.startswith("time since the gateway last gave a usable answer, while ids are due: ")


def test_labels_are_escaped_and_spans_are_readable() -> None:
    """What a source or status is called must not break a line."""
    name = "avatar_tasks_tasks"
    [family] = text_string_to_metric_families(as_text([Sample(name, {"source": "a", "status": 'x"\\\n'}, 3.0)]))
    assert family.samples[0].labels["status"] == 'x"\\\n'
    assert [shown_span(one) for one in (5, 95, 119, 2520, 19_080, 10**6)] == [
        "5 s", "95 s", "119 s", "42 min", "5.3 h", "11.6 days",
    ]  # fmt: skip


def test_the_dashboard_uses_metrics_that_exist() -> None:
    """Each expression of each panel names metrics of `status --format prometheus`, and every panel has one."""
    dashboard = json.loads(Path("deploy/grafana-dashboard.json").read_text())
    assert dashboard["schemaVersion"] >= 36
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert expressions
    used = {name for one in expressions for name in re.findall(r"\bavatar_tasks_\w+", one)}
    assert used <= set(METRICS)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in dashboard["panels"])
