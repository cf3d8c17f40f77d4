"""Looking into files in a real browser: readable for everybody, and worked through with the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.people import DEVICE, SESSION, sign_up, signed_in
from tests.web.uploading import a_wheel, published, upload

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

FILE = "admin/projects/brie/files/brie-1.1-py3-none-any.whl"
COMPARE = "admin/projects/brie/compare"
HOSTILE = b"# <script>document.title = 'owned'</script> \xe2\x80\xae\n" + b"x" * 3000 + b"\n"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("examining") / "data"
    with serve(data, initialise(data)) as running:
        files = {f"brie/part_{number}.py": b"value = 1\n" for number in range(4)}
        published(upload(running, a_wheel("brie", "1.0", files=files)))
        changed = dict.fromkeys(files, b"value = 2\n")
        binary = {"brie/data.bin": b"\x7fELF\0\1"}
        published(upload(running, a_wheel("brie", "1.1", files={**changed, "brie/hostile.py": HOSTILE, **binary})))
        yield running


@pytest.fixture
def moderator(browser: Browser, serving: Server) -> Iterator[BrowserContext]:
    """A window of a moderator."""
    who = sign_up(serving, "mo", office="moderator", factors=("passkey",))
    context = browser.new_context(base_url=serving.url, reduced_motion="reduce")
    with signed_in(serving, who, proof="passkey") as visitor:
        context.add_cookies(
            [{"name": name, "value": visitor.cookie(name) or "", "url": serving.url} for name in (SESSION, DEVICE)]
        )
    yield context
    context.close()


def test_nobody_is_kept_out_and_nothing_that_is_shown_runs(moderator: BrowserContext) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = moderator.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in (FILE, f"{FILE}?member=brie/hostile.py", f"{FILE}?member=brie/data.bin", COMPARE):
        page.goto(path)
        for place in page.locator("details").all():
            place.evaluate("one => one.open = true")
        for scheme, width in (("light", 1280), ("dark", 360)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.locator("h1").count() == 1
        assert "owned" not in page.title()
    assert complaints == []


def test_j_and_k_go_from_file_to_file_until_they_are_switched_off(moderator: BrowserContext) -> None:
    page = moderator.new_page()
    page.goto(COMPARE)
    here = "document.activeElement.querySelector('.path')?.innerText"
    names = page.locator("details[data-member] .path").all_inner_texts()
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert page.evaluate(here) == names[place]
        assert page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Enter")
    assert not page.evaluate("document.activeElement.parentElement.open")
    page.get_by_label("go from file to file").uncheck()
    page.reload()
    assert not page.get_by_label("go from file to file").is_checked()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
