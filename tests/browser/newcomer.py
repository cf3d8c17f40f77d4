"""A newcomer's way from the first page to the first upload: what is pressed, typed and copied, and nothing else.

Test support: `test_first_upload` walks it, and `scripts/take-pictures` takes pictures on it. Whoever walks knows no
address but that of the index and that in the mail: everywhere else they press what the page shows them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pyotp
from tests.clients.runner import Index, program, run, succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page
    from tests.clients.projects import Project
    from tests.services.smtp import PostOffice

ADDRESS, NAME, PASSWORD, PROJECT = "ada@example.org", "ada", "seventeen wheels of comte", "hello-cellar"
FACTORS = {"passkey": "Add a passkey or security key", "app": "Add an authenticator app"}
Tool = Literal["uv", "twine"]


def settings(port: int, post: PostOffice) -> dict[str, str]:
    """What an index says that lets anybody in: on localhost, where browsers allow passkeys without TLS."""
    return {
        "AFFINEUR_BASE_URL": f"http://localhost:{port}/",
        "AFFINEUR_INDEX_NAME": "Cellar",
        "AFFINEUR_REGISTRATION": "open",
        "AFFINEUR_MAIL_SERVER": f"smtp://{post.host}:{post.port}",
        "AFFINEUR_MAIL_FROM": "cellar@example.org",
    }


@dataclass(frozen=True)
class Pace:
    """How quick somebody is: 0 seconds for a key and no words to read is a machine."""

    seconds_per_key: float = 0
    seconds_per_word: float = 0
    seconds_to_keep_codes: float = 0
    seconds_to_change_window: float = 0


PERSON = Pace(
    seconds_per_key=60 / (40 * 5),  # 40 words a minute, a word being five keys
    seconds_per_word=60 / 200,  # reads 200 words a minute, and each page down to what is pressed
    seconds_to_keep_codes=30,
    seconds_to_change_window=5,
)
"""Somebody who does this for the first time."""

_TEXT_BEFORE = """one => {
    const before = document.createRange();
    before.setStart(document.querySelector("main"), 0);
    before.setEndBefore(one);
    return before.toString();
}"""


class Newcomer:
    """Somebody in a browser; ``saw`` is told the name of each page when they look at it. ``pressed`` is the way."""

    def __init__(self, page: Page, pace: Pace | None = None, saw: Callable[[str], object] = lambda _: None) -> None:
        self.page, self.pace, self.saw = page, pace or Pace(), saw
        self.pressed: list[str] = []

    def walk(
        self, post: PostOffice, upload: Callable[[str], None], *, factor: Literal["passkey", "app"] = "passkey",
        tool: Tool = "uv",
    ) -> None:  # fmt: skip
        """The whole way. ``upload`` is given the commands that the page shows for ``tool``, as they stand there."""
        self.page.goto("/")
        self.look("home")
        self.make_an_account(post)
        self.add_a_factor(factor)
        self.change_window()
        upload(self.make_a_token(tool))
        self.change_window()
        self.find_the_project()

    def make_an_account(self, post: PostOffice) -> None:
        """An address; the mailed link; name and password."""
        self.press("Make an account")
        self.look("register")
        self.type("Your e-mail address", ADDRESS)
        self.press("Send me the link")
        self.look("mail-sent")
        self.change_window()
        link = post.wait_for(ADDRESS, "Open your account").links[0]
        self.page.goto(link)
        self.look("name-and-password")
        self.type("Name", NAME)
        self.type("Password", PASSWORD)
        self.press("Make the account")
        self.look("account")

    def add_a_factor(self, factor: Literal["passkey", "app"]) -> None:
        """A passkey, or an app whose secret is typed off; and the recovery codes."""
        self.press("Add a second factor")
        self.look("security")
        self.press(FACTORS[factor])
        self.look(factor)
        if factor == "app":
            secret = self.page.locator(".secret").inner_text().replace(" ", "")
            self.type("Code", pyotp.TOTP(secret).now())
            self.press("Add it")
        else:
            self.type("Name", "Laptop")
            self.press("Add it now")
        self.page.get_by_role("heading", name="Your recovery codes").wait_for()
        self.look("recovery-codes")
        time.sleep(self.pace.seconds_to_keep_codes)
        self.press("I have kept them")
        self.look("security-with-a-factor")

    def make_a_token(self, tool: Tool) -> str:
        """A token with everything in its form as it was; the commands to publish with it."""
        self.press("Make a token")
        self.look("tokens")
        self.type("What it is for", "laptop")
        self.press("Make the token")
        self.look("new-token")
        self.page.locator(".choices label", has_text=tool).click()
        shown = self.page.locator(".commands .command:visible")
        assert shown.count() == 1
        return shown.locator("code").inner_text()

    def find_the_project(self) -> None:
        """From the page with the token to that of the project."""
        self.press("your projects")
        self.look("projects")
        self.press(PROJECT)
        self.press("The project's page")
        self.look("project")

    def press(self, name: str) -> None:
        """Press the one link or button in the page's content that is called so and can be seen.

        Everything that stands before it in the page is read first.
        """
        found = self._pressable(name)
        if self.pace.seconds_per_word:
            time.sleep(self.pace.seconds_per_word * len(str(found.evaluate(_TEXT_BEFORE)).split()))
        assert found.is_enabled(), f"{name!r} cannot be pressed on {self.where}"
        found.click()
        self.pressed.append(name)
        self.page.wait_for_load_state()

    def type(self, label: str, text: str) -> None:
        """Type into the field of that name."""
        field = self.page.get_by_label(label, exact=True)
        field.click()
        field.press_sequentially(text, delay=self.pace.seconds_per_key * 1000)

    def look(self, name: str) -> None:
        """Look at a page that is there: ``saw`` is told."""
        self.saw(name)

    def change_window(self) -> None:
        """Go to the mail or to the terminal, and back."""
        time.sleep(self.pace.seconds_to_change_window)

    @property
    def where(self) -> str:
        """The path of the page."""
        return urlsplit(self.page.url).path

    def _pressable(self, name: str) -> Locator:
        content = self.page.locator("main")
        either = content.get_by_role("link", name=name, exact=True).or_(
            content.get_by_role("button", name=name, exact=True)
        )
        found = either.filter(visible=True)
        found.first.wait_for(timeout=10_000)
        assert found.count() == 1, f"{found.count()} things are called {name!r} on {self.where}"
        return found


def terminal(project: Project, home: Path, index_url: str) -> Callable[[str], None]:
    """A terminal in the folder of a built project: runs lines as they were copied, with uv and twine at hand."""
    tools = [str(program(name, name).parent) for name in ("uv", "twine")]
    path = os.pathsep.join([*tools, os.environ.get("PATH", os.defpath)])

    def run_lines(lines: str) -> None:
        script = ["bash", "-c", f"set -eu\nPATH={path}\n{lines}\n"]
        succeeded(run(script, home=home, index=Index(index_url), cwd=project.folder))

    return run_lines
