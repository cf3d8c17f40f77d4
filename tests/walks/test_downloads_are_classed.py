"""People install with what they have, a mirror copies, somebody clicks: each is taken for what it is, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.clients.installing import install_with_pip, install_with_poetry, install_with_uv, new_environment
from tests.clients.mirroring import mirror_with_bandersnatch
from tests.clients.projects import Project
from tests.clients.publishing import publish_with_uv
from tests.clients.runner import succeeded
from tests.services.affineur import MODES, Mode, Server
from tests.walks.test_mirrors import wait_until_listed

from affineur.settings import Settings
from affineur.shell.index import open_index
from affineur.shell.lake import collecting
from affineur.shell.lake.opening import open_lake
from affineur.shell.store import lake

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.parametrize("mode", MODES)
def test_installers_mirrors_browsers_and_scripts_are_told_apart(
    mode: Mode, server: Callable[..., Server], cheeses: list[Project], browser: Browser, tmp_path: Path
) -> None:
    served = server(mode=mode, environment={"AFFINEUR_COLLECT_SECONDS": "0"})
    milk = cheeses[0]
    succeeded(publish_with_uv(milk, served.index, tmp_path / "publisher"))
    python = new_environment(tmp_path / "venv", served.index)
    succeeded(install_with_pip(python, served.index, tmp_path / "pip", milk.name))
    succeeded(install_with_uv(python, served.index, tmp_path / "uv", "--reinstall", milk.name))
    succeeded(install_with_poetry(served.index, tmp_path / "poetry", milk.name))
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    files = httpx.get(f"{served.url}simple/{milk.name}/", headers=accept).json()["files"]
    address = str(httpx.URL(f"{served.url}simple/{milk.name}/").join(files[0]["url"]))
    assert httpx.get(address).status_code == 200
    assert httpx.head(address).status_code == 200
    click(browser, served.url, address, headless=True)
    click(browser, served.url, address, headless=False)
    wait_until_listed(served)
    succeeded(mirror_with_bandersnatch(served.index, tmp_path))
    assert told_apart(served.data) == {
        ("pip", "installer", milk.name),
        ("uv", "installer", milk.name),
        ("poetry", "installer", milk.name),
        ("bandersnatch", "mirror", milk.name),
        ("Browser", "browser", milk.name),
        ("Browser", "automation", milk.name),  # it says itself that nobody looks at it
        (None, "automation", milk.name),  # the library that this test asks with
    }


def click(browser: Browser, start: str, address: str, *, headless: bool) -> None:
    """Download ``address`` as somebody does who follows a link."""
    asking = browser.new_context()
    agent = str(asking.new_page().evaluate("navigator.userAgent"))
    asking.close()
    assert "HeadlessChrome" in agent
    context = browser.new_context(user_agent=agent if headless else agent.replace("HeadlessChrome", "Chrome"))
    page = context.new_page()
    page.goto(start)
    with page.expect_download() as started:
        page.evaluate("address => { location.href = address }", address)
    assert started.value.path().stat().st_size > 0
    context.close()


def told_apart(data: Path) -> set[tuple[str | None, str, str]]:
    """Installer, class and project of what was downloaded, after the log is collected."""
    import duckdb

    index = open_index(Settings(data=data))
    found = collecting.collect(index.settings, index.store, lambda: open_lake(index.settings, index.store))
    assert found.unreadable == 0
    with index.store.read() as connection:
        paths = [str(index.settings.lake / each.name) for each in lake.files(connection, "events")]
    index.close()
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "TimeZone": "UTC"}) as duck:
        rows = duck.execute(
            "SELECT DISTINCT details.installer.name, _class, project FROM read_parquet(?)", [paths]
        ).fetchall()
    return set(rows)
