"""The statistics page in a real browser: a range by hand and by keyboard, on paper, and for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.services.events import STILL, a_quarter, bring_into

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LAST = date(2026, 3, 18)
PLOTTED = "project/brie/statistics/?by=installer&count=all"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("plots") / "data"
    token = initialise(data)
    bring_into(data, a_quarter("brie", LAST), LAST + timedelta(days=1))
    with serve(data, token, options=STILL) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, index: Server) -> Iterator[Callable[..., Page]]:
    """Open a page; whatever the browser complains about fails the test."""
    contexts, complaints = [], []

    def open_page(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(index.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("path", [PLOTTED, "statistics/"])
def test_no_statistics_page_keeps_anybody_out(visit: Callable[..., Page], path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(path)
    for scheme, width in (("light", 1280), ("dark", 375)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("svg.plot:visible").count() == 1


def test_days_are_chosen_by_dragging_over_the_plot(visit: Callable[..., Page]) -> None:
    page = visit(PLOTTED)
    box = page.locator(".hold").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 30 / 89, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 40 / 89, middle, steps=3)
    assert "downloads" in (page.locator(".now").text_content() or "")
    page.mouse.up()
    page.wait_for_url("**from=**")
    first = LAST - timedelta(days=59)
    assert f"from={first}&to={first + timedelta(days=10)}" in page.url
    assert "count=all" in page.url, "the rest of the question stays"
    assert "by=installer" in page.url


def test_days_are_chosen_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit(PLOTTED)
    page.locator(".hold").focus()
    for key in ("ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    said = page.locator(".hold").get_attribute("aria-valuetext") or ""
    assert said.startswith("15 March 2026 to 17 March 2026: ")
    page.keyboard.press("Escape")
    assert (page.locator(".hold").get_attribute("aria-valuetext") or "").startswith("15 March 2026: ")
    page.keyboard.press("Shift+End")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=2026-03-15&to=2026-03-18**")


def test_without_a_script_the_form_chooses_days(visit: Callable[..., Page]) -> None:
    page = visit("project/brie/statistics/", java_script_enabled=False)
    assert page.locator("svg.plot:visible").count() == 1
    page.locator("#from").fill("2026-03-01")
    page.locator("#by").select_option("version")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**from=2026-03-01**")
    assert page.locator(".legend li").count() == 2


def test_on_paper_there_are_the_plot_and_its_numbers_and_no_buttons(visit: Callable[..., Page]) -> None:
    page = visit(PLOTTED)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    assert page.locator(".broad svg.plot").is_visible()
    assert page.locator("table.numbers tfoot").is_visible()
    for gone in ("form.range", "nav.orders", ".by-hand", ".hold"):
        assert not page.locator(gone).is_visible(), gone
