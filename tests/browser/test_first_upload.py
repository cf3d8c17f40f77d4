"""From the first page to the first upload without a manual: every page leads on to the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from tests.browser.authenticator import authenticators
from tests.browser.newcomer import PROJECT, Newcomer, Tool, settings, terminal
from tests.clients.projects import build, write_project
from tests.services.affineur import Server
from tests.services.keeper import free_ports
from tests.services.smtp import PostOffice

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PRESSES = (
    "Make an account",
    "Send me the link",
    "Make the account",
    "Add a second factor",
    "",  # whichever it is
    "",
    "I have kept them",
    "Make a token",
    "Make the token",
    "your projects",
    PROJECT,
    "The project's page",
)


@pytest.mark.parametrize(("factor", "tool", "script"), [("passkey", "uv", True), ("app", "twine", False)])
def test_a_newcomer_publishes_a_first_project_by_pressing_what_each_page_shows(
    browser: Browser, server: Callable[..., Server], smtp: PostOffice, tmp_path: Path,
    factor: Literal["passkey", "app"], tool: Tool, script: bool,
) -> None:  # fmt: skip
    port = free_ports(1)[0]
    place = server(port=port, environment=settings(port, smtp))
    project = build(write_project(tmp_path / "made", PROJECT, backend="hatch"))
    context = browser.new_context(base_url=f"http://localhost:{port}/", java_script_enabled=script)
    page = context.new_page()
    seen: list[str] = []
    walker = Newcomer(page, saw=seen.append)
    try:
        with authenticators(page) as plugs:
            plugs.plug_in("passkey")
            walker.walk(smtp, terminal(project, tmp_path / "home", place.url), factor=factor, tool=tool)
            assert page.get_by_role("heading", name=PROJECT).first.is_visible()
            assert page.get_by_text(f"pip install --index-url http://localhost:{port}/simple/").first.is_visible()
            page.goto("/account/")
            assert page.get_by_text("To your first upload").count() == 0, "they have arrived"
            assert page.get_by_role("link", name=PROJECT).is_visible()
    finally:
        context.close()
    assert len(walker.pressed) == len(PRESSES), "this many presses, and the link in one mail"
    assert all(wanted in ("", pressed) for wanted, pressed in zip(PRESSES, walker.pressed, strict=True))
    assert len(seen) == 13
