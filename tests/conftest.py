"""The test house: fixtures that give tests real services.

Each service starts when a test first asks for it, is shared by all workers, and ends with the session
(`tests.services.keeper`). What they are lives in `tests.services`; real clients live in `tests.clients`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services import keeper

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.clients.projects import Project
    from tests.services.affineur import Server
    from tests.services.https import Front
    from tests.services.issuer import Issuer
    from tests.services.provider import Provider
    from tests.services.s3 import Bucket
    from tests.services.smtp import PostOffice


def _owns_the_session(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if _owns_the_session(config):
        keeper.open_house()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _owns_the_session(config):
        keeper.close_house()


@pytest.fixture(scope="session", autouse=True)
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[Path]]:
    """Folders whose indexes were judged for good. At the end, all others are: those that modules share."""
    for_good: set[Path] = set()
    yield for_good
    from tests import agreement

    agreement.judge_folders(_folders_in(tmp_path_factory.getbasetemp()) - for_good)


def _folders_in(base: Path) -> set[Path]:
    """What tests wrote into. Beside each, pytest keeps a link to it under a second name, that would be judged again."""
    return {path for path in base.iterdir() if not path.is_symlink()}


@pytest.fixture(scope="module", autouse=True)
def the_journals_of_a_module_add_up(
    request: pytest.FixtureRequest, judged: set[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Whatever a module did to the indexes that its tests share: afterwards, rows and journal tell the same."""
    base = tmp_path_factory.getbasetemp()
    before = _folders_in(base)
    yield
    new = _folders_in(base) - before - judged
    if not new:
        return
    from tests import agreement

    if agreement.by_hand(request.node.nodeid):
        judged |= new
    else:
        agreement.judge_folders(new)


@pytest.fixture(autouse=True)
def the_journal_adds_up(request: pytest.FixtureRequest, judged: set[Path]) -> Iterator[None]:
    """The same of whatever a test did to an index of its own."""
    yield
    folder: Path | None = request.node.funcargs.get("tmp_path")
    if folder is not None:
        from tests import agreement

        judged.add(folder)
        if not agreement.by_hand(request.node.nodeid):
            agreement.judge_folders({folder})


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database on a real PostgreSQL 18 (``postgresql://postgres@127.0.0.1:…/…``)."""
    from tests import agreement
    from tests.services.postgresql import new_database

    with new_database() as url:
        yield url
        if not agreement.by_hand(request.node.nodeid):
            agreement.judge(url)


@pytest.fixture
def s3() -> Iterator[Bucket]:
    """An empty bucket on a real S3 server: ``endpoint``, ``name``, keys, and ``environment``."""
    from tests.services.s3 import new_bucket

    with new_bucket() as bucket:
        yield bucket


@pytest.fixture
def smtp() -> Iterator[PostOffice]:
    """A real SMTP server that keeps what it is given: ``host``, ``port``, ``messages()``, ``wait_for()``."""
    from tests.services.smtp import open_post_office

    with open_post_office() as office:
        yield office


@pytest.fixture
def secure_smtp(tmp_path: Path) -> Iterator[PostOffice]:
    """The same, which insists on STARTTLS (believe ``certificate.authority_file``) and on signing in."""
    from tests.services.certificates import new_certificate
    from tests.services.smtp import open_post_office

    with open_post_office(new_certificate(tmp_path)) as office:
        yield office


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """A real TLS front for a server that a test starts on its ``port_behind``: ``url``, ``certificate``."""
    from tests.services.https import open_front

    with open_front(tmp_path) as running:
        yield running


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A real issuer of tokens for jobs, as trusted publishing needs one: ``url``, ``token(**claims)`` …"""
    from tests.services.issuer import open_issuer

    with open_issuer() as running:
        yield running


@pytest.fixture
def provider() -> Provider:
    """A real OpenID provider of a company: ``issuer_url``, ``client_for(redirect_uri)``, people in groups."""
    from tests.services.provider import open_provider

    return open_provider()


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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own: ``server(mode="python", workers=1, options=(), environment=None)``.

    Each call serves a new data folder; with ``data=`` and ``token=`` of an earlier one, that one again. All
    end with the test.
    """
    from tests.services.affineur import Mode, initialise, serve

    with ExitStack() as running:
        started = 0

        def start(*, mode: Mode = "python", data: Path | None = None, token: str = "",
                  environment: dict[str, str] | None = None, **options: object) -> Server:  # fmt: skip
            nonlocal started
            started += 1
            if data is None:
                data = tmp_path / f"data-{started}"
                token = initialise(data, environment)
            return running.enter_context(
                serve(data, token, mode=mode, environment=environment, ends_kindly=False, **options)
            )

        yield start


@pytest.fixture(scope="session", params=["python", "edge"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that many tests share, once all in Python and once behind nginx.

    A test that uses it publishes projects under names of its own, and counts nothing that others add to.
    """
    from tests.services.affineur import initialise, serve

    data = tmp_path_factory.mktemp(f"shared-{request.param}") / "data"
    with serve(data, initialise(data), mode=request.param) as server:
        yield server


@pytest.fixture(scope="session")
def cheeses() -> list[Project]:
    """Five real projects that stand on one another (`tests.clients.projects`), built once for all workers."""
    from tests.clients.projects import build_chain, chain_in

    return chain_in(keeper.once("cheeses", build_chain))


@pytest.fixture(scope="session")
def cheese_server(shared_server: Server, cheeses: list[Project], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The shared server, on which the five `cheeses` are published."""
    from tests.clients.publishing import publish_with_uv
    from tests.clients.runner import succeeded

    for project in cheeses:
        succeeded(publish_with_uv(project, shared_server.index, tmp_path_factory.mktemp("publisher")))
    return shared_server
