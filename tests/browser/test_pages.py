"""Pages in a real browser: for everybody's eyes, hands and ears, at every width, with and without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.cellar import fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = (
    "/",
    "/search",
    "/search?q=project",
    "/search?q=zzzz",
    "/project/roquefort/",
    "/project/roquefort/1.0/",
    "/project/roquefort/versions/",
    "/project/roquefort/files/",
    "/project/roquefort/dependencies/",
    "/project/old-rind/",
    "/project/brie-next/",
    "/project/mould/",
    "/project/bare/",
    "/project/hostile/",
    "/project/hostile/dependencies/",
    "/project/comte/dependents/",
    "/project/comte/why/?from=roquefort",
    "/project/comte/notice/",
    "/help/",
    "/help/rules",
    "/help/rules/upload.window",
    "/project/rocquefort/",
    "/nothing/here",
)
WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one project of each kind."""
    data = tmp_path_factory.mktemp("browser") / "data"
    with serve(data, initialise(data)) as running:
        fill(running)
        yield running


@pytest.fixture
def visit(browser: Browser, cellar: Server) -> Iterator[Callable[..., Page]]:
    """Open a page in a window of its own: ``visit(path, width=…, **options of the context)``.

    What the browser complains of, and every host that is not the server's, is collected in ``page.complaints``.
    """
    with ExitStack() as windows:

        def open_page(path: str, width: int = 1280, **options: Any) -> Page:
            context = browser.new_context(viewport={"width": width, "height": 800}, base_url=cellar.url, **options)
            windows.callback(context.close)
            page = context.new_page()
            _listen(page, urlsplit(cellar.url).netloc)
            page.goto(path)
            return page

        yield open_page


def _listen(page: Page, host: str) -> None:
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]
    page.on("console", lambda said: _is_trouble(said.type, said.text) and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    page.on("request", lambda sent: urlsplit(sent.url).netloc != host and complaints.append(f"asked {sent.url}"))
    page.on("requestfailed", lambda sent: _is_refused(sent.failure) and complaints.append(f"failed {sent.url}"))


def _is_trouble(kind: str, text: str) -> bool:
    # A page that says 404 is also told to the console; everything else that is an error or a warning is ours.
    return kind in ("error", "warning") and "status of 404" not in text


def _is_refused(failure: str | None) -> bool:
    return failure != "net::ERR_ABORTED"  # the test has gone on to the next page


def complaints(page: Page) -> list[str]:
    return page.complaints  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_keeps_anybody_out(visit: Callable[..., Page], path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(path, reduced_motion="reduce")
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert complaints(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_every_window_and_has_a_heading_and_a_title(visit: Callable[..., Page], path: str) -> None:
    page = visit(path, width=WIDTHS[0])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert "Affineur" in page.title()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_first_key_skips_to_the_content(visit: Callable[..., Page]) -> None:
    page = visit("/project/roquefort/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["y"] >= 0, "it is seen once it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_everything_can_be_reached_and_is_seen_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit("/project/roquefort/files/")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e.type === "radio" ? e.nextSibling : e);
            return [e.tagName, e.getAttribute("href") || e.name || e.className, s.outlineStyle]; }"""
        )
        if found[0] == "BODY":
            break
        assert found[2] != "none", f"{found} shows no focus"
        reached.add((found[0], found[1]))
    assert {("INPUT", "q"), ("INPUT", "install-with"), ("BUTTON", "copy")} <= reached
    links = page.evaluate(
        "[...document.links].filter(link => link.checkVisibility()).map(link => link.getAttribute('href'))"
    )
    assert {("A", link) for link in links} <= reached


def test_a_tool_is_chosen_by_arrow_keys_and_remembered_on_the_next_page(visit: Callable[..., Page]) -> None:
    page = visit("/project/comte/")
    assert page.locator(".command:visible").inner_text().startswith("pip:")
    page.get_by_role("radio", name="pip").focus()
    page.keyboard.press("ArrowRight")
    assert "uv add --default-index" in page.locator(".command:visible").inner_text()
    page.goto("/project/roquefort/")
    assert page.get_by_role("radio", name="uv").is_checked()
    assert page.locator(".command:visible").count() == 1
    assert complaints(page) == []


def test_a_command_is_copied_and_said_to_be(visit: Callable[..., Page], cellar: Server) -> None:
    page = visit("/project/roquefort/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the command for pip").click()
    page.get_by_text("Copied.").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"pip install --index-url {cellar.url}simple/ roquefort"


def test_everything_but_copying_works_without_a_script(visit: Callable[..., Page]) -> None:
    page = visit("/", java_script_enabled=False)
    assert page.locator("button.copy:visible").count() == 0
    page.get_by_text("Poetry", exact=True).first.click()
    assert "poetry source add" in page.locator(".command:visible").first.inner_text()
    page.get_by_role("searchbox").fill("roqeufort")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="Roquefort", exact=True).click()
    assert urlsplit(page.url).path == "/project/roquefort/"
    for tab in ("Versions", "Files", "Dependencies", "Description"):
        page.get_by_role("navigation", name="About this project").get_by_role("link", name=tab).click()
    assert urlsplit(page.url).path == "/project/roquefort/"
    assert complaints(page) == []


def test_a_hostile_project_runs_nothing_and_loads_nothing(visit: Callable[..., Page]) -> None:
    page = visit("/project/hostile/")
    for tab in ("versions/", "files/", "dependencies/"):
        page.goto(f"/project/hostile/{tab}")
    page.goto("/search?q=hostile")
    page.goto("/")
    assert complaints(page) == []


def test_a_page_prints_without_what_only_a_screen_can_do(visit: Callable[..., Page]) -> None:
    page = visit("/project/roquefort/")
    page.emulate_media(media="print")
    assert not page.locator(".tabs").is_visible()
    assert not page.get_by_role("search").is_visible()
    assert page.locator(".command:visible").count() == 1
