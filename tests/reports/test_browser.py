"""The page as people see it: in Chromium, with the network off."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import sync_playwright

from pipeline.serving.app import application
from pipeline.serving.pages import Pages
from tests.pipeline.serving.served import serve
from tests.reports.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.reports.conftest import Made

PLACES = ["/usr/bin/chromium", shutil.which("chromium"), shutil.which("google-chrome")]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]

DRAWN = """
() => [...document.querySelectorAll('figure svg.plot')].map(svg => {
  const box = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll('path, line, rect, circle')].filter(one => {
    const [fill, stroke] = [getComputedStyle(one).fill, getComputedStyle(one).stroke];
    const size = one.getBoundingClientRect();
    return (fill !== 'none' || stroke !== 'none') && size.width + size.height > 2;
  });
  const seen = [...svg.querySelectorAll('text')].filter(text => text.getBoundingClientRect().width);
  const cut = seen.filter(text => {
    const [size, card] = [text.getBoundingClientRect(), svg.closest('figure').getBoundingClientRect()];
    return size.left < card.left || size.right > card.right + 0.5;
  }).map(text => text.textContent);
  return {width: box.width, height: box.height, marks: marks.length, titles: svg.querySelectorAll('title').length,
          texts: seen.length, cut};
})
"""

OVERLAPPING = """
() => {
  const groups = [...document.querySelectorAll('figure')].map(figure =>
    [...figure.querySelectorAll('svg.plot text, .legend li')].filter(one => one.getBoundingClientRect().width));
  const beside = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1;
  const apart = (a, b) => beside(a, b) || a.bottom <= b.top + 2 || b.bottom <= a.top + 2;
  return groups.flatMap(texts => texts.flatMap((one, number) => texts.slice(number + 1)
    .filter(other => !apart(one.getBoundingClientRect(), other.getBoundingClientRect()))
    .map(other => [one.textContent, other.textContent])));
}
"""

#: Tables and blocks that reach beyond the window and cannot be scrolled to.
CUT = """
() => [...document.querySelectorAll('table, pre, code, li, p, h2, h3')].filter(one => {
  const size = one.getBoundingClientRect();
  const scroll = one.closest('.scroll');
  const edge = scroll ? scroll.getBoundingClientRect().right : innerWidth;
  return size.width && (scroll ? edge > innerWidth : size.right > innerWidth + 0.5);
}).map(one => one.textContent.slice(0, 60))
"""

#: Texts with less contrast than WCAG's AA asks for, by 4.5, or 3 where they are large.
PALE = """
() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(one => one / 255)
    .map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter(one => !one.closest('style, title, desc')
    && one.getBoundingClientRect().width && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return texts.filter(one => {
    const style = getComputedStyle(one);
    const [a, b] = [light(parse(one.closest('svg') ? style.fill : style.color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5);
  }).map(one => `${one.tagName} ${one.textContent.slice(0, 40)}`);
}
"""

OPEN_ALL = "() => document.querySelectorAll('details').forEach(one => { one.open = true; })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where there is none the tests skip; in CI, which installs it, they fail."""
    if not (path := next((one for one in PLACES if one and Path(one).exists()), None)):
        reason = "Chromium, which renders the report here, is not installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (CI has to have one)")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


Scheme = Literal["light", "dark"]


class Visit:
    """The page open in a window, with its console messages and requests."""

    def __init__(self, browser: Browser, made: Made, width: int, scheme: Scheme) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.url = made.file.as_uri()
        self.page.goto(self.url)


@pytest.mark.parametrize("which", ["week", "changed"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "dark"), (320, "light")])
def test_nothing_is_cut_overlaps_or_is_requested(
    browser: Browser, request: pytest.FixtureRequest, which: str, width: int, scheme: Scheme
) -> None:
    """With all that is folded open: every text in sight, none on another, readable, and no request but for the file."""
    visit = Visit(browser, request.getfixturevalue(which), width, scheme)
    visit.page.evaluate(OPEN_ALL)
    plots = visit.page.evaluate(DRAWN)
    assert len(plots) >= 6
    for plot in plots:
        assert (plot["width"] > 200, plot["height"] > 30) == (True, True)
        assert min(plot["marks"], plot["texts"], plot["titles"]) > 0
        assert plot["cut"] == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert [visit.page.evaluate(wrong) for wrong in (OVERLAPPING, CUT, PALE)] == [[], [], []]
    assert (visit.messages, visit.requests) == ([], [visit.url])
    visit.page.close()


def test_light_and_dark_follow_the_system(browser: Browser, week: Made) -> None:
    """Page and plots change together; paper is always light."""
    colours = """() => [getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('figure svg text')).fill]"""
    visit = Visit(browser, week, 1280, "light")
    light = visit.page.evaluate(colours)
    visit.page.emulate_media(color_scheme="dark")
    dark = visit.page.evaluate(colours)
    visit.page.emulate_media(color_scheme="dark", media="print")
    paper = visit.page.evaluate(colours)
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert paper == ["rgb(255, 255, 255)", light[1]]
    visit.page.close()


def test_it_prints_on_a_few_pages(browser: Browser, week: Made) -> None:
    """A PDF of 3 to 10 pages."""
    visit = Visit(browser, week, 1280, "dark")
    content = visit.page.pdf(format="A4", print_background=True)
    assert content.startswith(b"%PDF")
    assert 3 <= content.count(b"/Type /Page\n") <= 10
    visit.page.close()


def test_the_served_page_is_filtered_by_its_form(browser: Browser, week: Made) -> None:
    """Without a script: what is chosen is in the address, and a value that differs is a link to its own tasks."""
    with serve(application(week.paths, ["127.0.0.1"], pages=Pages(week.paths, now=lambda: NOW))) as url:
        context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        action = page.locator("select[name=action] option").nth(1).get_attribute("value")
        page.locator("select[name=action]").select_option(action)
        page.get_by_role("button", name="Show").click()
        assert f"action={action}" in page.url
        assert page.locator("select[name=action]").input_value() == action
        assert all(one.startswith((url, "data:")) for one in asked)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.get_by_role("link", name="All tasks").is_visible()
            assert page.locator("select[name=action]").is_visible()
            assert page.get_by_role("button", name="Show").is_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()
