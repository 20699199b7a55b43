"""The frame of a chart: grid, ticks, marked events, and a text for readers who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports.charts.markup import NOTHING, colour, join, percent, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from markupsafe import Markup

    from reports.charts.scales import Tick, Times

#: Width in pixels for which drawings are designed; the coordinates of paths in `stretched` assume it.
NOMINAL_WIDTH: Final = 860
#: A label nearer than this to an edge of the plot (as a share of the width) is aligned to that edge.
_EDGE: Final = 0.04
_AXIS: Final = 5
#: Steps nearer to each other than this (as a share of the width) share a label: on a phone a label is that wide.
_NEAR: Final = 0.08
_HALF_TEXT: Final = 4


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend.

    Attributes:
        label: its text.
        colour: a name in `reports.look`.
        shape: the form of the swatch.
    """

    label: str
    colour: str
    shape: Literal["square", "line", "dashed", "dot", "ring", "hatch", "tick", "letter"] = "square"


@dataclass(frozen=True, slots=True)
class Event:
    """Something to mark on the time axis.

    Attributes:
        kind: a `step` is a change of a level, an `incident` an hour in which more failed than chance explains.
        begin, end: its first and last moment; the same for a step.
        letter: its name in the drawing; '' for an incident.
        says: what happened, in a sentence.
    """

    kind: Literal["step", "incident"]
    begin: datetime
    end: datetime
    letter: str
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its legend.

    Attributes:
        svg: the drawing; its style is in page.css.
        height: in pixels, including axes.
        legend: the meaning of its colours and shapes.
    """

    svg: Markup
    height: int
    legend: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts that all charts have.

    Attributes:
        name: unique on the page.
        title: the question that the chart answers.
        says: the answer; title and answer are the text for readers who cannot see the chart.
        height: of the plot, in pixels.
        times: the scale of the time axis; None if x is not time.
        events: what is marked on the time axis.
    """

    name: str
    title: str
    says: str
    height: int
    times: Times | None = None
    events: tuple[Event, ...] = ()

    def chart(
        self, marks: Iterable[Markup], x_ticks: Sequence[Tick], y_ticks: Sequence[Tick], legend: Sequence[Key] = ()
    ) -> Chart:
        """The drawing of `marks` in the frame, and the legend with entries for the events."""
        content = [
            tag("title", self.title, id=f"{self.name}-title"),
            tag("desc", self.says, id=f"{self.name}-desc"),
            *(self._grid(tick) for tick in y_ticks),
            *marks,
            *(self._x_label(tick) for tick in x_ticks),
            *self._events(),
        ]
        svg = tag(
            "svg",
            *content,
            xmlns="http://www.w3.org/2000/svg",
            class_="plot",
            role="img",
            aria_labelledby=f"{self.name}-title {self.name}-desc",
            height=self.height,
            width="100%",
        )
        return Chart(svg, self.height + 26, (*legend, *self._event_keys()))

    def y(self, share: float) -> float:
        """The y coordinate in pixels of a position from 0 (bottom) to 1 (top)."""
        return self.height * (1 - share)

    def _grid(self, tick: Tick) -> Markup:
        y = self.y(tick.at)
        label = tag("text", tick.label, x=-8, y=y + _HALF_TEXT, text_anchor="end", class_="tick", fill=colour("muted"))
        return tag("line", x1=0, x2="100%", y1=y, y2=y, stroke=colour("grid")) + label if tick.has_line else label

    def _x_label(self, tick: Tick) -> Markup:
        anchor = _anchor(tick.at)
        css = "tick minor" if tick.is_minor else "tick"
        at = percent(tick.at)
        mark = tag("line", x1=at, x2=at, y1=self.height, y2=self.height + _AXIS, stroke=colour("line"), class_=css)
        label = tag("text", tick.label, x=at, y=self.height + 19, text_anchor=anchor, class_=css,
                    fill=colour("muted"))  # fmt: skip
        return mark + label

    def _events(self) -> Iterable[Markup]:
        if self.times is None:
            return
        for event in self.events:
            yield self._step(event, self.times) if event.kind == "step" else self._incident(event, self.times)
        yield from self._letters(self.times)

    def _letters(self, times: Times) -> Iterator[Markup]:
        """The letters of steps above their lines; steps that are near each other share a label."""
        groups: list[tuple[float, list[str]]] = []
        for event in sorted((one for one in self.events if one.kind == "step"), key=lambda one: one.begin):
            at = times.clamped(event.begin)
            if groups and at - groups[-1][0] < _NEAR:
                groups[-1][1].append(event.letter)
            else:
                groups.append((at, [event.letter]))
        for at, letters in groups:
            text = ", ".join(letters)
            yield tag("text", text, x=percent(at), y=-12, text_anchor=_anchor(at), class_="letter", fill=colour("ink"))

    def _step(self, event: Event, times: Times) -> Markup:
        at = percent(times.clamped(event.begin))
        line = tag("line", x1=at, x2=at, y1=-8, y2=self.height, stroke=colour("ink"), stroke_dasharray="3 3")
        return tag("g", tag("title", event.says), line, class_="event")

    def _incident(self, event: Event, times: Times) -> Markup:
        left, right = times.clamped(event.begin), times.clamped(event.end)
        width = percent(max(right - left, 0.004))
        mark = tag("rect", tag("title", event.says), x=percent(left), width=width, y=-8, height=6)
        return tag("g", mark, fill=colour("orange"), class_="event")

    def _event_keys(self) -> list[Key]:
        kinds = {event.kind for event in self.events} if self.times else set()
        steps = ", ".join(event.letter for event in self.events if event.kind == "step")
        return [
            *([Key(f"{steps}: the level changed in one step", "ink", "letter")] if "step" in kinds else []),
            *(
                [Key("hours in which more failed than chance explains", "orange", "tick")]
                if "incident" in kinds
                else []
            ),
        ]


def _anchor(at: float) -> str:
    """The alignment of a text at a position that keeps the text within the plot."""
    return "start" if at < _EDGE else "end" if at > 1 - _EDGE else "middle"


def stretched(frame: Frame, *paths: Markup) -> Markup:
    """Paths in coordinates of NOMINAL_WIDTH by the frame's height, stretched to the available width."""
    return tag(
        "svg",
        *paths,
        viewBox=f"0 0 {NOMINAL_WIDTH} {frame.height}",
        preserveAspectRatio="none",
        width="100%",
        height=frame.height,
        overflow="hidden",
    )


def titled(text: str) -> Markup:
    """The tooltip of a mark."""
    return tag("title", text) if text else NOTHING


def group(marks: Iterable[Markup], **attributes: str | float | None) -> Markup:
    return tag("g", join(marks), **attributes)
