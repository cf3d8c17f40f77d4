"""States, histories and the journal in a real browser: for everybody's eyes and hands, with and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.states import fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = (
    "/project/brie/",
    "/project/brie/2.0/",
    "/project/brie/1.1/files/",
    "/project/brie/versions/",
    "/project/brie/history/",
    "/project/mould/",
    "/project/mould/history/",
    "/journal/",
    "/journal/?project=%21",
    "/journal/20",
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with projects in every state; nothing is written later."""
    data = tmp_path_factory.mktemp("states") / "data"
    with serve(data, initialise(data)) as running:
        fill(running)
        yield running


@pytest.fixture
def page(browser: Browser, index: Server) -> Iterator[Page]:
    """A window without scripts: all of this is complete without them."""
    context = browser.new_context(base_url=index.url, java_script_enabled=False, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def test_states_histories_and_entries_keep_nobody_out_at_any_width(browser: Browser, index: Server) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(base_url=index.url, reduced_motion="reduce")
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
    for path in PAGES:
        page.goto(path)
        for scheme, width in (("light", 1280), ("dark", 360)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.locator("h1").count() == 1
    context.close()
    assert complaints == []


def test_from_a_banner_to_what_happened_and_to_its_proof_without_a_script(page: Page) -> None:
    page.goto("/project/mould/")
    assert page.locator(".banner").count() == 2
    page.get_by_role("link", name="History", exact=True).click()
    told = page.locator(".timeline li", has_text="The project was taken off offer while it is looked into")
    told.get_by_role("link", name="entry ").click()
    assert "project quarantined" in page.locator("h1").inner_text()
    assert page.get_by_text("its contents give its hash").is_visible()
    page.get_by_role("link", name="lifecycle.quarantine").click()
    assert urlsplit(page.url).path == "/help/rules/lifecycle.quarantine"


def test_the_journal_is_filtered_with_the_keyboard_and_without_a_script(page: Page) -> None:
    page.goto("/journal/")
    page.get_by_label("Project", exact=True).focus()
    page.keyboard.type("brie")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("Yanks")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/journal/?kind=yanked&project=brie")
    assert page.locator(".timeline li").count() == 1
    assert page.get_by_label("What").input_value() == "yanked"
