"""Whatever a gateway writes into a reason, an action or an id, the page shows it as text."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import pytest

from reports.charts.markup import tag
from reports.cohort.used import PACKAGE
from reports.render import write_html
from tests.reports.conftest import TASK, Made, Values, make, published

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

HOSTILE = {
    "script": "GPU lost <script>alert(1)</script>",
    "closing tags": "</style></svg></figure></details><img src=x onerror=alert(1)>",
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
    *("h3", "section", "b", "i", "a", "span"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "defs", "pattern", "desc", "g", "path", "rect", "line", "circle", "text"),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Values:
    """The page of a warehouse whose reasons, actions and sources are all hostile."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "FAILURE", "number": EACH * len(HOSTILE)})
        con.execute(
            """
            update tasks set fail_reason = text, action = text, source = text, result_url = 'javascript:alert(1)'
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


def test_a_link_that_is_none_of_the_web_is_no_link(hostile: Values) -> None:
    """Of an example, too."""
    assert [given["href"] for tag, given in hostile.tags if tag == "a" and not str(given["href"]).startswith("#")] == []


def test_the_page_may_load_and_run_nothing(hostile: Values) -> None:
    """Its Content-Security-Policy forbids it, whatever else is in it."""
    policies = [given["content"] for tag, given in hostile.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_a_drawing_shows_a_label_to_the_letter() -> None:
    """No part of a label is taken for an attribute, also where the page's colours are replaced in a picture."""
    text = 'v1.23456 fill="var(--blue)" role="host" url(#clip0) <b>'
    drawn = tag("text", text, aria_label=text)
    assert drawn == f'<text aria-label="{escape(text)}">{escape(text)}</text>'.replace("&quot;", "&#34;")


def test_no_template_marks_a_value_as_safe() -> None:
    """Everything in them is escaped but the drawings, which `charts.markup` made, escaped already."""
    templates = [path.read_text(encoding="utf-8") for path in (PACKAGE / "templates").glob("*.jinja")]
    assert len(templates) > 3
    assert not [one for one in templates if re.search(r"\|\s*safe|autoescape", one)]


def test_every_chart_has_its_answer_in_words_for_those_who_do_not_see_it(week: Made) -> None:
    """A title and a description that the drawing points to, and a sentence on each mark that has one."""
    text = week.file.read_text(encoding="utf-8")
    for figure in week.report.figures:
        for chart in figure.charts:
            title, description = re.findall(r'aria-labelledby="(\S+) (\S+)"', chart.svg)[0]
            assert text.count(f'id="{title}"') == text.count(f'id="{description}"') == 1
    assert len(re.findall(r"<title>([^<]+)</title>", text)) > 100


def test_a_page_can_be_read_by_a_web_server_and_replaces_the_old_one(week: Made, tmp_path: Path) -> None:
    """Its permissions are those of a file for everybody, and no temporary file stays."""
    out = tmp_path / "public" / "report.html"
    out.parent.mkdir()
    for _ in range(2):
        write_html(week.report, out)
    assert out.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
