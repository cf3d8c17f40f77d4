"""The tokens page in a real browser: the new token is to be seen and can be copied, in every width and colour."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser
from tests.services.affineur import Server
from tests.web.people import SESSION, sign_up, signed_in


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "dark")])
def test_a_new_token_is_seen_and_copied(
    browser: Browser, server: Callable[..., Server], width: int, scheme: str
) -> None:
    index = server(environment={"AFFINEUR_READ": "token"})
    person = sign_up(index, "olga", factors=("passkey",))
    with signed_in(index, person, proof="passkey") as visitor:
        cookie = visitor.cookie(SESSION) or ""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    try:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.add_cookies([{"name": SESSION, "value": cookie, "url": index.url}])
        page = context.new_page()
        page.goto(f"{index.url}account/tokens")
        page.get_by_label("What it is for").fill("laptop")
        page.get_by_role("button", name="Make the token").click()
        shown = page.locator("pre.new-token")
        assert shown.is_visible()
        token = shown.inner_text().strip()
        assert token.startswith("pypi-")
        assert page.get_by_text("login __token__").is_visible()
        page.get_by_role("button", name="Copy the token").click()
        page.locator("#copied", has_text="Copied.").wait_for(timeout=10_000)
        assert page.evaluate("navigator.clipboard.readText()") == token
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name="I have it").click()
        page.get_by_role("row", name="laptop").wait_for()
        assert token not in page.content()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()
