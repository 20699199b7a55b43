"""Charts as plain SVG: round ticks, local times, hatched and dashed where there is little, and no text on another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reports.charts.heatmap import Cell, Map, latency_map
from reports.charts.markup import tag
from reports.charts.more import About, rates
from reports.charts.plot import Event
from reports.charts.scales import (
    Log,
    Times,
    count_ticks,
    duration_ticks,
    log_duration_ticks,
    share_ticks,
    time_ticks,
)
from reports.charts.series import Point
from reports.formats import as_link

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Times(START, START + 7 * DAY)
ABOUT = About("chart", "How long?", "So long.", WEEK)


def cell(day: int, tasks: int) -> Cell:
    return Cell(START + day * DAY, START + (day + 1) * DAY, tasks, f"{tasks} tasks", 10.0, 20.0)


def point(day: int, value: float | None, *, is_partial: bool = False) -> Point:
    return Point(START + day * DAY, START + (day + 1) * DAY, value, 0.01, 0.2, is_partial, f"day {day}")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin"])
@pytest.mark.parametrize("days", [0.1, 1, 2, 7, 30, 90, 400, 3000])
def test_ticks_of_time_are_round_local_times(zone: str, days: float) -> None:
    """A few of them, in order, within the plot; across a change of clocks, too."""
    first = datetime(2026, 3, 27, 3, 20, tzinfo=ZoneInfo(zone))
    scale = Times(first, first + timedelta(days=days))
    ticks = time_ticks(scale)
    assert 1 <= len(ticks) <= 10
    assert sum(not tick.is_minor for tick in ticks) <= 4
    assert [tick.at for tick in ticks] == sorted({tick.at for tick in ticks})
    assert all(0 <= tick.at <= 1 for tick in ticks)
    if days > 2:
        moments = [first + tick.at * (scale.last - scale.first) for tick in ticks]
        assert {(one + timedelta(seconds=1)).hour for one in moments} <= {0}


@pytest.mark.parametrize(
    ("found", "labels"),
    [
        pytest.param(duration_ticks(170), ["0 min", "1 min", "2 min", "3 min"], id="minutes"),
        pytest.param(duration_ticks(85), ["0 s", "20 s", "40 s", "60 s", "80 s", "100 s"], id="seconds"),
        pytest.param(duration_ticks(8100), ["0 h", "0.5 h", "1 h", "1.5 h", "2 h", "2.5 h"], id="half hours"),
        pytest.param(duration_ticks(0.9), ["0 s", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s"], id="below a second"),
        pytest.param(share_ticks(0.17), ["0%", "5%", "10%", "15%", "20%"], id="shares"),
        pytest.param(share_ticks(0.97), ["0%", "20%", "40%", "60%", "80%", "100%"], id="never above 100%"),
        pytest.param(count_ticks(3), ["0", "1", "2", "3"], id="whole numbers"),
        pytest.param(count_ticks(29), ["0", "10", "20", "30"], id="tens"),
        pytest.param(count_ticks(0), ["0", "1"], id="nothing"),
    ],
)
def test_ticks_of_numbers_are_round(found: tuple[object, list[object]], labels: list[str]) -> None:
    """From 0 to a round number at or above the largest."""
    assert [tick.label for tick in found[1]] == labels  # type: ignore[attr-defined]  # ticks


def test_ticks_of_a_logarithmic_scale_keep_off_its_edges() -> None:
    """There the lanes have their labels."""
    assert [tick.label for tick in log_duration_ticks(Log(9.9, 602))] == ["30 s", "1 min", "3 min"]


def test_a_cell_of_fewer_than_five_tasks_is_hatched() -> None:
    """One of five is not."""
    for tasks, hatched in ((4, 1), (5, 0)):
        chart = latency_map("map", "", "", WEEK, (), Map([cell(0, tasks)], [], [], {"half": [], "95%": []}))
        assert chart
        assert str(chart.svg).count('fill="url(#map-hatch)"') == hatched


def test_a_map_of_nothing_is_not_drawn() -> None:
    """Lanes alone are drawn."""
    quantiles: dict[str, list[Point]] = {"half": [], "95%": []}
    assert latency_map("map", "", "", WEEK, (), Map([], [], [], quantiles)) is None
    assert latency_map("map", "", "", WEEK, (), Map([], [cell(0, 3)], [cell(1, 2)], quantiles))


def test_what_will_change_is_dashed_and_the_legend_says_so() -> None:
    """Where all buckets are over, neither is."""
    for is_partial in (True, False):
        chart = rates(ABOUT, [point(0, 0.1), point(1, 0.1, is_partial=is_partial)], [])
        assert ("stroke-dasharray" in chart.svg) == is_partial
        assert any("not over yet" in key.label for key in chart.legend) == is_partial


def test_steps_and_incidents_are_on_the_axis_of_time() -> None:
    """Steps that are near each other have one label, so that no letter is on another; tooltips say what happened."""
    moments = {"A": 3.0, "B": 3.1, "C": 5.0}
    steps = [
        Event("step", START + days * DAY, START + days * DAY, name, f"step {name}") for name, days in moments.items()
    ]
    incident = Event("incident", START, START + timedelta(hours=1), "", "many <failed>")
    chart = rates(About("chart", "", "", WEEK, (*steps, incident)), [point(0, 0.1)], [])
    assert [name in chart.svg for name in (">A, B<", ">C<", ">A<")] == [True, True, False]
    assert "<title>many &lt;failed&gt;</title>" in chart.svg
    assert "A, B, C: the level changed in one step" in [key.label for key in chart.legend]


def test_an_unknown_value_is_not_drawn() -> None:
    """Neither a dot nor a line from or to it."""
    assert str(rates(ABOUT, [point(0, None)], []).svg).count("<circle") == 0


def test_text_and_attributes_are_escaped() -> None:
    """Markup among the children is kept."""
    inner = tag("b", "<i>")
    assert tag("a", inner, "&", title='"') == '<a title="&#34;"><b>&lt;i&gt;</b>&amp;</a>'


@pytest.mark.parametrize(
    ("address", "is_link"),
    [
        ("https://cdn.example/v.mp4?Expires=1&Signature=a%3D", True),
        ("http://cdn.example", True),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)//https://x", False),
        ("data:text/html,<script>", False),
        ("file:///etc/passwd", False),
        ("//cdn.example/v.mp4", False),
        ("/v.mp4", False),
        ("https://", False),
        ("https://a\nb", False),
        ("http://[broken", False),
        ("", False),
        (None, False),
    ],
)
def test_only_addresses_of_the_web_become_links(address: str | None, *, is_link: bool) -> None:
    """Whatever a gateway writes into result_url."""
    assert as_link(address) == (address if is_link else None)
