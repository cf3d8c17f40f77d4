"""The pages of accounts and offices in a real browser: readable, reachable and usable for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.browser.authenticator import at_localhost
from tests.services.affineur import Server, initialise, serve
from tests.services.keeper import free_ports
from tests.web.people import DEVICE, PASSWORD, SESSION, Person, sign_up, signed_in
from tests.web.uploading import a_wheel, published, upload

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STRANGER = (
    "/account/sign-in",
    "/account/sign-in/passkey",
    "/account/register",
    "/account/register/finish?ticket=none",
    "/account/forgotten",
    "/account/password/reset?ticket=none",
    "/account/recovery/open?ticket=none",
)
NEWCOMER = ("/account/", "/account/projects", "/account/tokens", "/account/security", "/account/messages", "/admin/")
OPERATOR = (
    "/account/?done=welcome",
    "/account/projects",
    "/account/projects/roquefort",
    "/account/projects/roquefort/publishing",
    "/account/projects/roquefort/state",
    "/account/projects/roquefort/state/preview?act=yank&version=1.0&code=broken&reason=it+breaks",
    "/account/projects/roquefort/state/preview?act=archive",
    "/account/tokens",
    "/account/publishing",
    "/account/machines",
    "/account/machines/release-bot",
    "/account/security",
    "/account/security/passkeys/new",
    "/account/security/apps/new",
    "/account/messages",
    "/account/log",
    "/account/emails",
    "/account/emails/verify?ticket=none",
    "/account/password",
    "/account/confirm",
    "/account/confirm?strength=strong",
    "/account/delete",
    "/admin/",
    "/admin/accounts/nora",
    "/admin/log",
    "/admin/invitations",
)
WHO_SEES = [
    *(("stranger", path) for path in STRANGER),
    *(("nora", path) for path in NEWCOMER),
    *(("operator", path) for path in OPERATOR),
]
_FOCUSABLE = "a[href], button, input:not([type=hidden], [type=radio]:not(:checked)), select, textarea, summary"
"""One radio of a group is a stop; arrow keys lead to the others."""


@dataclass(frozen=True)
class Place:
    """A server, and those who have an account there."""

    server: Server
    people: Mapping[str, Person]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An index with an operator who has something of everything, and with Nora, who is new."""
    data, port = tmp_path_factory.mktemp("accounts") / "data", free_ports(1)[0]
    environment = {"AFFINEUR_BASE_URL": f"http://localhost:{port}/", "AFFINEUR_REGISTRATION": "open"}
    with serve(data, initialise(data), port=port, environment=environment) as running:
        operator, nora = sign_up(running, "operator", factors=("passkey", "totp")), sign_up(running, "nora")
        published(upload(running, a_wheel("roquefort")))
        with signed_in(running, operator, proof="passkey") as visitor:
            for path, fields in (
                ("account/machines", {"name": "release-bot"}),
                ("account/tokens", {"label": "laptop", "action": ["upload", "archive"], "for": "all", "days": "30"}),
                ("account/emails", {"email": "second@example.org"}),
            ):
                assert visitor.post(path, fields).status_code in (200, 303), path
        yield Place(running, {"operator": operator, "nora": nora})


@pytest.fixture
def visit(browser: Browser, place: Place) -> Iterator[Callable[..., Page]]:
    """Open a page in a window of its own, signed in as ``who``: ``visit(path, who, width=…, **options)``.

    What scripts complain of is collected in ``page.complaints``.
    """
    with ExitStack() as windows:

        def open_page(path: str, who: str = "operator", width: int = 1280, **options: Any) -> Page:
            url = at_localhost(place.server.url)
            context = browser.new_context(viewport={"width": width, "height": 800}, base_url=url, **options)
            windows.callback(context.close)
            if who in place.people:
                with signed_in(place.server, place.people[who], proof="passkey") as visitor:
                    context.add_cookies(
                        [{"name": name, "value": visitor.cookie(name) or "", "url": url} for name in (SESSION, DEVICE)]
                    )
            page = context.new_page()
            complaints: list[str] = []
            page.complaints = complaints  # type: ignore[attr-defined]
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(path)
            return page

        yield open_page


@pytest.mark.parametrize(("who", "path"), WHO_SEES)
def test_no_page_of_an_account_keeps_anybody_out_in_any_width_or_colour(
    visit: Callable[..., Page], who: str, path: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(path, who, reduced_motion="reduce")
    assert urlsplit(page.url).path == urlsplit(path).path, "nobody is sent elsewhere"
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    assert "Affineur" in page.title()
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path",
    ["/account/", "/account/tokens", "/account/security", "/account/log", "/account/projects/roquefort/state"],
)
def test_everything_on_a_page_is_reached_by_keyboard_in_its_order_and_seen(
    visit: Callable[..., Page], path: str
) -> None:
    page = visit(path)
    page.evaluate(
        """wanted => [...document.querySelectorAll(wanted)].filter(one => one.checkVisibility())
        .forEach((one, place) => one.dataset.place = place)""",
        _FOCUSABLE,
    )
    there = page.locator("[data-place]").count()
    reached: list[int] = []
    for _ in range(there + 40):  # the parts of a date are stops of their own
        page.keyboard.press("Tab")
        place, outline, what = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.dataset.place, s.outlineStyle, e.outerHTML.slice(0, 200)]; }"""
        )
        if place is None:
            break
        assert outline != "none", f"{what} shows no focus"
        if int(place) not in reached:
            reached.append(int(place))
    assert reached == sorted(reached)
    assert len(reached) == there


def test_all_but_passkeys_works_without_a_script(visit: Callable[..., Page]) -> None:
    page = visit("/account/tokens", "stranger", java_script_enabled=False)
    page.get_by_label("Name or e-mail address").fill("nora")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert urlsplit(page.url).path == "/account/tokens", "where they wanted to go"
    sections = page.get_by_role("navigation", name="Your account")
    sections.get_by_role("link", name="Projects").click()
    page.get_by_role("button", name="Take none").click()
    assert page.get_by_text("You take no messages.").is_visible()
    sections.get_by_role("link", name="Mail").click()
    page.get_by_role("link", name="your addresses").click()
    page.get_by_label("Address", exact=True).fill("nora@second.example.org")
    page.get_by_role("button", name="Add", exact=True).click()
    assert page.get_by_text("The address is added.").is_visible()
    sections.get_by_role("link", name="Log").click()
    page.get_by_role("button", name="Filter").click()
    sections.get_by_role("link", name="Security").click()
    page.get_by_role("link", name="Add a passkey or security key").click()
    assert "need JavaScript" in page.locator("noscript").inner_text()
    page.get_by_role("link", name="Use an authenticator app instead").click()
    assert page.locator("svg.qr").is_visible()
    sections.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_text("You are signed out.").is_visible()


def test_a_broken_release_is_yanked_by_keyboard_without_a_script_and_its_page_says_so(
    visit: Callable[..., Page], place: Place
) -> None:
    for version in ("1.0", "2.0"):
        published(upload(place.server, a_wheel("stilton", version)))
    page = visit("/project/stilton/", java_script_enabled=False)

    def press(role: Any, name: str, key: str = "Enter") -> None:
        page.get_by_role(role, name=name, exact=True).press(key)

    press("link", "Yank this release")
    assert page.get_by_role("checkbox", name="2.0").is_checked()
    assert not page.get_by_role("checkbox", name="1.0").is_checked()
    page.locator("#code-yank").select_option("broken")
    page.locator("#reason-yank").fill("it cannot be imported")
    press("button", "Yank…")
    now, then = page.locator("table.changes tr.changed").first.locator("td").all_inner_texts()
    assert ("Installs 2.0." in now, "Installs 1.0." in then) == (True, True)
    press("button", "Yank now")
    assert page.locator(".done").inner_text().startswith("Yanked: installers pass over it. Nothing was removed")
    page.goto("/project/stilton/2.0/")
    banner = page.locator(".banner.yanked").inner_text()
    assert "This release was yanked." in banner
    assert "it cannot be imported" in banner
