"""Ranked bars, with their names above them to save width on a phone."""

# ruff: noqa: ANN401 - altair's own types of charts are inconsistent

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt

from reports import words
from reports.drawing.parts import Row, chart, coloured, framed, largest, rows
from reports.look import CLASS_COLOURS

if TYPE_CHECKING:
    import polars as pl

    from reports.look import Look

_ROW: Final = 42
_LEGEND: Final = 34
_REST: Final = "other kinds"


def failure_pareto(frame: pl.DataFrame, look: Look) -> Any:
    """Reasons by their number, coloured by whose fault they are; beside each its share, and the share so far."""
    data = [
        {
            "position": row["position"],
            "name": row["reason"] or "(no reason given)",
            "value": row["tasks"],
            "shown": f"{row['tasks']:,} · {words.rough(row['share'])} · {words.rough(row['share_so_far'])} so far",
            "series": row["fail_class"] or _REST,
            "about": f"{row['reason'] or 'no reason given'}: {words.tasks(row['tasks'])}, "
            f"{words.percent(row['share'])} of all failures ({row['fail_class'] or _REST})",
        }
        for row in rows(frame)
    ]
    present = {row["series"] for row in data}
    names = {name: colour for name, colour in ({**CLASS_COLOURS, _REST: "grey"}).items() if name in present}
    return _ranked(data, names, look, has_legend=True)


def quality(frame: pl.DataFrame, look: Look) -> Any:
    """The failing checks, by the share of tasks that fail them."""
    data = [
        {
            "position": number,
            "name": row["check_name"].replace("_", " "),
            "value": row["share"],
            "shown": f"{words.percent(row['share'])} · {row['failing']:,} of {row['checked']:,}",
            "series": "failing",
            "about": f"{row['check_name']}: {row['failing']:,} of {row['checked']:,}; {row['description']}",
        }
        for number, row in enumerate(rows(frame))
    ]
    return _ranked(data, {"failing": "amber"}, look, has_legend=False)


def api_outcomes(frame: pl.DataFrame, look: Look) -> Any:
    """Outcomes of answers, by their number."""
    fine, poor = "usable", "unusable"
    data = [
        {
            "position": number,
            "name": row["outcome"].replace("_", " "),
            "value": row["answers"],
            "shown": f"{row['answers']:,} · {words.percent(row['share'])}",
            "series": fine if row["outcome"] in {"task", "missing"} else poor,
            "about": f"{row['outcome']}: {words.plural(row['answers'], 'answer')}, {words.percent(row['share'])}",
        }
        for number, row in enumerate(rows(frame))
    ]
    return _ranked(data, {fine: "blue", poor: "orange"}, look, has_legend=len({row["series"] for row in data}) > 1)


def _ranked(data: list[Row], names: dict[str, str], look: Look, *, has_legend: bool) -> Any:
    top = largest(row["value"] for row in data) or 1
    base = chart(data).encode(y=alt.Y("position:O", axis=None))
    # space to the right of the longest bar for the text beside it
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, top * look.width / (look.width - 190)]))
    colour = coloured("series", names, look, has_legend=has_legend)
    bars = base.mark_bar(size=12, yOffset=9, cornerRadius=2).encode(
        x=x, color=colour, description="about:N", tooltip="about:N"
    )
    labels = base.mark_text(align="left", yOffset=-8, limit=look.width - 12).encode(x=alt.value(0), text="name:N")
    values = base.mark_text(align="left", dx=6, yOffset=9, fill=look.colour("muted")).encode(x=x, text="shown:N")
    return framed(bars + labels + values, look, _ROW * len(data) + (_LEGEND if has_legend else 0))
