"""The report in a real browser: readable in light and dark, on a phone and on paper, and its few controls work."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from typing import TYPE_CHECKING, Literal, Protocol

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect, sync_playwright

from schrodinger.checkers.verdict import Validity
from schrodinger.report import render
from tests.fakes.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ViewportSize

    Scheme = Literal["light", "dark"]

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
READABLE = 4.5
"""The contrast that WCAG 2.2 asks of text at level AA (success criterion 1.4.3)."""


class Opener(Protocol):
    """Opens the report of a run with that verdict."""

    def __call__(
        self, validity: Validity, viewport: ViewportSize = ..., scheme: Scheme = ..., number: int = ...
    ) -> Tab: ...


COLOURS = """
selector => [...document.querySelectorAll(selector)].map(element => {
  const text = getComputedStyle(element).color;
  let behind = element;
  while (behind && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  return [element.textContent.trim().slice(0, 40), text, getComputedStyle(behind ?? document.body).backgroundColor];
})
"""
SVG_COLOURS = """
() => {
  const card = getComputedStyle(document.querySelector("#time")).backgroundColor;
  const texts = [...document.querySelectorAll(".chart text")];
  return texts.map(text => [text.textContent, getComputedStyle(text).fill, card]);
}
"""
OVERLAPS = """
() => [...document.querySelectorAll(".timeline")].flatMap(svg => {
  const boxes = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
    .map(([other]) => `${one} | ${other}`));
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0  # Chromium refuses to build its sandbox for root
        launched = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=sandbox)
        yield launched
        launched.close()


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """An opener; afterwards no tab may have logged an error or asked for anything but its file."""
    complaints: list[str] = []
    requests: list[str] = []
    tabs: list[Tab] = []

    def opened(
        validity: Validity, viewport: ViewportSize = DESKTOP, scheme: Scheme = "light", number: int = 3_000
    ) -> Tab:
        file = tmp_path / f"{validity}.html"
        file.write_text(render(page(validity, number=number)), encoding="utf-8")
        tab = browser.new_page(viewport=viewport, color_scheme=scheme)
        tabs.append(tab)
        tab.on("console", lambda message: complaints.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        return tab

    yield opened
    for tab in tabs:
        tab.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith((tmp_path.as_uri(), "data:"))] == []


@pytest.mark.parametrize("validity", list(Validity))
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_verdict_is_seen_first_and_the_page_fits(
    open_report: Opener, tmp_path: Path, validity: Validity, scheme: Scheme, viewport: ViewportSize
) -> None:
    tab = open_report(validity, viewport, scheme)
    headline = tab.locator("h1").bounding_box()
    sentence = tab.locator(".sentence").bounding_box()
    assert headline is not None
    assert sentence is not None
    assert sentence["y"] + sentence["height"] < viewport["height"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for element in tab.locator("details").all():
        element.evaluate("element => { element.open = true }")
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    shot = tmp_path / f"{validity}-{scheme}-{viewport['width']}.png"
    tab.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 50_000


@pytest.mark.parametrize("validity", list(Validity))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_that_reading_needs(open_report: Opener, validity: Validity, scheme: Scheme) -> None:
    tab = open_report(validity, DESKTOP, scheme, number=2_000)
    seen = tab.evaluate(
        COLOURS, "h1, h2, h3, p, li, dt, dd, td, th, summary, figcaption, code, pre, a, button, .chip, .standing"
    )
    seen += tab.evaluate(SVG_COLOURS)
    assert len(seen) > 100
    faint = [(text, round(contrast(ink, paper), 2)) for text, ink, paper in seen if contrast(ink, paper) < READABLE]
    assert [text for text, _ in faint if text] == [], faint


def test_dark_is_dark_and_light_is_light(open_report: Opener) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = open_report(Validity.VALID, DESKTOP, "light", number=100).evaluate(background)
    dark = open_report(Validity.VALID, DESKTOP, "dark", number=100).evaluate(background)
    assert luminance(light) > 0.8
    assert luminance(dark) < 0.05


def test_a_violation_has_a_timeline_that_speaks_to_pointers_and_keys(open_report: Opener) -> None:
    tab = open_report(Validity.VIOLATION)
    operations = tab.locator(".timeline .operation")
    assert operations.count() == 7
    tip = tab.locator("#tip")
    assert tip.is_hidden()
    operations.nth(0).hover()
    assert tip.inner_text().startswith("1. process 4: write 3 ← 41, ok, from 8.889 s to 8.904 s")
    operations.nth(1).focus()
    assert "process 4: read 3 → 47" in tip.inner_text()
    tab.keyboard.press("Escape")
    assert tip.is_hidden()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_labels_of_the_timeline_never_cover_each_other(open_report: Opener, viewport: ViewportSize) -> None:
    assert open_report(Validity.VIOLATION, viewport).evaluate(OVERLAPS) == []


def test_other_verdicts_have_no_timeline(open_report: Opener) -> None:
    for validity in (Validity.VALID, Validity.UNKNOWN, Validity.INFRASTRUCTURE_ERROR):
        assert open_report(validity, number=200).locator(".timeline").count() == 0


def test_charts_tell_their_values_under_the_pointer_and_the_arrow_keys(open_report: Opener) -> None:
    tab = open_report(Validity.VIOLATION)
    tip = tab.locator("#tip")
    tab.locator("[data-chart=throughput] .chart").hover(position={"x": 400, "y": 150})
    assert re.fullmatch(r"from [\d.]+ s\nok [\d,.]+/s\nfail [\d,.]+/s\ninfo [\d,.]+/s", tip.inner_text())
    tab.locator("[data-chart=latency] .chart").hover(position={"x": 400, "y": 150})
    assert re.match(r"from [\d.]+ s\nmedian [\d.]+ ms\n95th", tip.inner_text())
    tab.locator("[data-chart=throughput] .chart").focus()
    tab.keyboard.press("ArrowRight")
    first = tip.inner_text()
    tab.keyboard.press("PageDown")
    assert tip.inner_text() != first
    tab.locator("[data-chart=latency] .fault-bar").first.hover()
    assert tip.inner_text().startswith("#0 partition: {n1, n2} cut off from {n3, n4, n5}\nfrom 7.200 s")


def test_a_mark_of_the_scatter_tells_its_operation(open_report: Opener) -> None:
    tab = open_report(Validity.VIOLATION)
    chart = tab.locator("[data-chart=scatter] .chart")
    x, y, *_ = tab.evaluate("JSON.parse(document.getElementById('data').textContent).scatter[40]")
    box = chart.bounding_box()
    top = chart.evaluate("chart => chart.querySelector('.stretched').y.baseVal.value")
    assert box is not None
    chart.hover(position={"x": x * box["width"] / 1000, "y": top + y})
    assert re.search(
        r"^(read|write|cas) on key \d: (ok|fail|info)\nprocess \d+, at [\d.]+ s\n", tab.locator("#tip").inner_text()
    )


def test_zooming_moves_all_charts_together_and_never_the_page(open_report: Opener) -> None:
    tab = open_report(Validity.VALID, PHONE)
    closer = tab.locator("#time > .toolbar").get_by_role("button", name="Zoom in")
    closer.click()
    closer.click()
    widths = "[...document.querySelectorAll('[data-chart]')].map(one => Math.round(one.scrollWidth / one.clientWidth))"
    assert tab.evaluate(widths) == [4, 4, 4]
    tab.locator("[data-chart=latency]").evaluate("one => { one.scrollLeft = 300 }")
    for chart in tab.locator("[data-chart]").all():
        expect(chart).to_have_js_property("scrollLeft", 300)
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_details_open_by_keyboard_and_show_what_they_hold(open_report: Opener) -> None:
    tab = open_report(Validity.VIOLATION)
    for section, inside in (("#plan", "pre"), ("#logs", "pre"), ("#faults", "table"), ("#checkers", "dl")):
        summary = tab.locator(f"{section} summary").first
        content = tab.locator(f"{section} details {inside}").first
        assert content.is_hidden()
        summary.focus()
        tab.keyboard.press("Enter")
        assert content.is_visible()


def test_the_replay_command_can_be_copied(open_report: Opener) -> None:
    tab = open_report(Validity.VIOLATION)
    tab.get_by_role("button", name="Copy").click()
    expect(tab.locator(".copy")).to_have_text(re.compile("Copied|Selected"))


def test_the_reading_order_is_the_order_of_headings(open_report: Opener) -> None:
    levels = open_report(Validity.VIOLATION).evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map(heading => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_printed_everything_is_open_and_nothing_is_cut_off(open_report: Opener, tmp_path: Path) -> None:
    tab = open_report(Validity.VIOLATION, scheme="dark")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details:not([open])").count() == 0
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert len(tab.pdf(path=tmp_path / "report.pdf")) > 50_000


def test_the_page_of_a_long_run_opens_at_once(open_report: Opener) -> None:
    tab = open_report(Validity.VIOLATION, number=100_000)
    timing = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert timing < 2_000


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two CSS colours, as WCAG 2.2 defines it."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of an opaque CSS colour."""
    red, green, blue, *alpha = (float(part) for part in re.findall(r"[\d.]+", colour))
    assert not alpha or alpha[0] == 1, f"{colour} lets something shine through"
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red / 255, green / 255, blue / 255)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
