"""The test house: fixtures that give tests real services.

Each service starts when a test first asks for it, is shared by all workers, and ends with the session
(`tests.services.keeper`). What they are lives in `tests.services`; real clients live in `tests.clients`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.services import keeper

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.services.s3 import Bucket


def _owns_the_session(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if _owns_the_session(config):
        keeper.open_house()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _owns_the_session(config):
        keeper.close_house()


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The URL of an empty database on a real PostgreSQL 18 (``postgresql://postgres@127.0.0.1:…/…``)."""
    from tests.services.postgresql import new_database

    with new_database() as url:
        yield url


@pytest.fixture
def s3() -> Iterator[Bucket]:
    """An empty bucket on a real S3 server: ``endpoint``, ``name``, keys, and ``environment``."""
    from tests.services.s3 import new_bucket

    with new_bucket() as bucket:
        yield bucket


@pytest.fixture(scope="session")
def nginx() -> Path:
    """The path of a real nginx."""
    from tests.services.programs import nginx_path

    return nginx_path()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The path of a real Chromium."""
    from tests.services.programs import chromium_path

    return chromium_path()


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    """A running Chromium, driven by Playwright. Each test opens, and closes, its own ``new_context()``."""
    from playwright.sync_api import sync_playwright
    from tests.services.programs import CHROMIUM_FLAGS

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()
