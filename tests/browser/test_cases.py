"""The moderators' pages in a real browser: readable for everybody, and three cases worked through by keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.web.cases_scene import Scene, moderated
from tests.web.people import DEVICE, SESSION, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Three cases: brie (malware, due first), camembert, edam."""
    with moderated(tmp_path_factory.mktemp("cases") / "data") as there:
        there.report(there.rob, "camembert", kind="spam", evidence="https://example.org/what")
        there.report(there.rob, "edam", kind="look-alike")
        there.report(there.sue, "brie", version="1.1", summary="steal.py\nline 1")
        yield there


def window(browser: Browser, scene: Scene, person: Person | None) -> BrowserContext:
    """A window, in which ``person`` is signed in."""
    context = browser.new_context(base_url=scene.server.url, reduced_motion="reduce")
    if person is not None:
        with scene.at(person) as visitor:
            cookies = [(name, visitor.cookie(name) or "") for name in (SESSION, DEVICE)]
        context.add_cookies([{"name": name, "value": value, "url": scene.server.url} for name, value in cookies])
    return context


@pytest.fixture
def moderator(browser: Browser, scene: Scene) -> Iterator[BrowserContext]:
    context = window(browser, scene, scene.mo)
    yield context
    context.close()


def require_fit(page: Page, path: str) -> None:
    """Axe finds nothing, light and wide or dark and narrow; nothing sticks out; there is one heading."""
    from axe_playwright_python.sync_playwright import Axe

    page.goto(path)
    for place in page.locator("details").all():
        place.evaluate("one => one.open = true")
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.locator("h1").count() == 1


def test_three_cases_are_worked_through_by_keys_alone(scene: Scene, moderator: BrowserContext) -> None:
    page = moderator.new_page()
    page.goto("admin/cases")
    focused = "document.activeElement.innerText"

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    press("j", "j", "ArrowDown", "k")
    assert page.evaluate(focused) == "camembert"
    with page.expect_navigation():
        press("t")
    assert "You work on it" in page.inner_text("main")
    press("d")
    page.keyboard.type("Just a short page: j, k and t are typed here.")
    press("Tab")
    with page.expect_navigation():
        press("Enter")
    assert "The case is closed" in page.inner_text(".done")

    with page.expect_navigation():
        press("u")
    press("j", "j")
    assert page.evaluate(focused) == "edam"
    with page.expect_navigation():
        press("Enter")
    press("n")
    page.keyboard.type("Looked at the name.")
    press("Tab")
    with page.expect_navigation():
        press("Enter")
    assert "Looked at the name." in page.inner_text("main")

    with page.expect_navigation():
        press("u")
    assert page.evaluate(focused) == "edam"  # where one was
    press("k")
    with page.expect_navigation():
        press("Enter")
    with page.expect_navigation():
        press("q")
    page.get_by_label("Why, in a sentence").focus()
    page.keyboard.type("Release 1.1 reads keys.")
    press("Tab", "Tab", "Tab")  # past the evidence, and the button that only shows
    assert page.evaluate(focused) == "Quarantine it"
    with page.expect_navigation():
        press("Enter")
    assert "quarantined: the whole project" in page.inner_text("main")


def test_the_keys_are_told_and_can_be_switched_off(scene: Scene, moderator: BrowserContext) -> None:
    page = moderator.new_page()
    page.goto("admin/cases")
    page.keyboard.press("?")
    assert "The next case" in page.inner_text("[data-shortcuts]")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.get_by_label("Single keys do something").uncheck()
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_nobody_is_kept_out_of_the_pages_of_moderation(
    browser: Browser, scene: Scene, moderator: BrowserContext
) -> None:
    page = moderator.new_page()
    with scene.at(scene.mo) as mo, scene.at(scene.ann) as ann:
        mo.post("admin/projects/brie/quarantine", {"place": "release 1.1", "code": "malware", "step": "act"})
        assert ann.post("project/brie/appeal/", {"text": "It is a test file.", "case": ""}).status_code == 303
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("admin/cases")
    case = page.locator("[data-open]").first.get_attribute("href") or ""
    for path in ("admin/cases", case, "admin/projects/brie/quarantine", "admin/projects/brie/clear"):
        require_fit(page, path)
    for person in (None, scene.ann):
        others = window(browser, scene, person)
        for path in ("project/brie/report/", "project/brie/appeal/"):
            require_fit(others.new_page(), path)
        others.close()
    reporter = window(browser, scene, scene.rob)
    require_fit(reporter.new_page(), "account/reports")
    reporter.close()
    assert complaints == []
