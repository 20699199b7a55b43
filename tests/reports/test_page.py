"""Whatever a gateway writes into a reason, an action or an id, the page shows it as text."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import pytest

from reports import page
from reports.render import write_html
from reports.svg import svg
from tests.reports.conftest import TASK, Made, Values, make, published

if TYPE_CHECKING:
    import duckdb

HOSTILE = {
    "script": "GPU lost <script>alert(1)</script>",
    "closing tags": "</style></svg></figure><img src=x onerror=alert(1)>",
    "quotes": '"\' onmouseover="alert(1)" x=\'',
    "template": "{{ report.facts }} {% include 'page.css' %} {# gone #}",
    "entities": "&lt;b&gt; &amp; &quot;kept&quot; ]]>",
    "like a drawing's attributes": ' aria-label="kept" role="kept" id="clip kept" url(#clip kept)',
}
EACH = 6

TAGS = {
    *(
        "html",
        "head",
        "meta",
        "link",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "h1",
        "h2",
        "p",
        "ul",
        "li",
    ),
    *("dl", "dt", "dd", "div", "data", "small", "code", "figure", "figcaption", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "defs", "clippath", "g", "path", "rect", "line", "text", "lineargradient", "stop"),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Values:
    """The page of a warehouse whose reasons, actions and sources are all hostile."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "FAILURE", "number": EACH * len(HOSTILE)})
        con.execute(
            """
            update tasks set fail_reason = text, action = text, source = text
            from (select unnest($texts) as text, unnest(range(len($texts))) as number)
            where replace(task_id, 'task-', '')::integer % len($texts) = number
            """,
            {"texts": list(HOSTILE.values())},
        )

    return Values.of(make(published(tmp_path_factory.mktemp("hostile"), put)).file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_foreign_text_is_shown_literally(hostile: Values, text: str) -> None:
    """As a failure's example, as an action and as a source."""
    assert hostile.text.count(text) >= 3


def test_foreign_text_is_never_markup(hostile: Values) -> None:
    """The page has its own elements and no other, and no attribute that is run."""
    assert {tag for tag, _ in hostile.tags} <= TAGS
    assert not [name for _, given in hostile.tags for name in given if name.startswith("on")]


def test_the_page_may_load_and_run_nothing(hostile: Values) -> None:
    """Its Content-Security-Policy forbids it, whatever else is in it."""
    policies = [given["content"] for tag, given in hostile.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_a_drawing_shows_a_label_to_the_letter() -> None:
    """No part of a label is taken for an attribute, and its digits are not rounded as those of a path are."""
    text = 'v1.23456 role="host" url(#clip0) <b>'
    labels = alt.Chart(alt.InlineData(values=[{"x": 1 / 3, "name": text}])).mark_text().encode(x="x:Q", text="name:N")
    drawn = svg(labels, name="one", css_class="screen", label=text)
    assert escape(text, quote=False) in drawn
    assert f'aria-label="{escape(text)}"' in drawn
    assert "0.3333" not in drawn


def test_only_drawings_are_marked_safe() -> None:
    """Everything else in the template is escaped."""
    template = Path(page.__file__).with_name("page.html.jinja").read_text(encoding="utf-8")
    assert re.findall(r"\{\{[^}]*\|\s*safe[^}]*\}\}", template) == ["{{ drawing | safe }}"]
    assert "autoescape" not in template


def test_a_tooltip_is_a_sentence_and_not_the_names_of_columns(week: Made) -> None:
    """Vega-Lite would describe a mark as `bucket_start: Jan 13, 2025; rate: 0.0454545`."""
    text = week.file.read_text(encoding="utf-8")
    tooltips = re.findall(r"<title>([^<]*)</title>", text)
    assert len(tooltips) > 100
    assert not [one for one in tooltips if re.match(r"[a-z]+_[a-z_]+: [^;]*; [a-z_]+: ", one)]


def test_a_page_can_be_read_by_a_web_server_and_replaces_the_old_one(week: Made, tmp_path: Path) -> None:
    """Its permissions are those of a file for everybody, and no temporary file stays."""
    out = tmp_path / "public" / "report.html"
    out.parent.mkdir()
    for _ in range(2):
        write_html(week.report, out)
    assert out.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
