"""``/rss/…``: what is new, for feed readers.

What does not live here: the shape of a feed (`core.views.feeds`).
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Refused
from affineur.core.life.standing import permits
from affineur.core.names import is_normalized, parse_name
from affineur.core.views import feeds
from affineur.shell.index import Index
from affineur.shell.store import documents, projects

from . import cors
from .addresses import base_url, moved
from .answers import text
from .documents import document

NEWEST_RELEASES = 100
NEWEST_PROJECTS = 40
NEWEST_OF_PROJECT = 40

CONTENT_TYPE = "text/xml; charset=utf-8"


async def updates(request: Request) -> Response:
    """``/rss/updates.xml``: the newest releases."""
    index: Index = request.app.state.index

    def build(address: str) -> bytes:
        with index.store.read() as connection:
            news = documents.newest_releases(connection, NEWEST_RELEASES)
        return feeds.updates(news, index.settings.index_name, address)

    return document(request, await asyncio.to_thread(build, base_url(request)), CONTENT_TYPE)


async def newcomers(request: Request) -> Response:
    """``/rss/packages.xml``: the newest projects."""
    index: Index = request.app.state.index

    def build(address: str) -> bytes:
        with index.store.read() as connection:
            news = documents.newest_projects(connection, NEWEST_PROJECTS)
        return feeds.newcomers(news, index.settings.index_name, address)

    return document(request, await asyncio.to_thread(build, base_url(request)), CONTENT_TYPE)


async def releases(request: Request) -> Response:
    """``/rss/project/<name>/releases.xml``: the newest releases of one project; none while it is quarantined."""
    index: Index = request.app.state.index
    name: str = request.path_params["name"]
    if not is_normalized(name):
        try:
            return moved(request, f"/rss/project/{parse_name(name)}/releases.xml", headers=cors.HEADERS)
        except Refused:
            return _not_found()

    def build(address: str) -> tuple[int, bytes] | None:
        with index.store.read() as connection:
            found = projects.find(connection, name)
            if found is None:
                return None
            shown = permits(found.standing).offer
            news = documents.newest_releases_of(connection, found.id, NEWEST_OF_PROJECT) if shown else []
        return found.serial, feeds.releases(name, found.display_name, news, index.settings.index_name, address)

    built = await asyncio.to_thread(build, base_url(request))
    if built is None:
        return _not_found()
    serial, body = built
    return document(request, body, CONTENT_TYPE, serial)


async def elsewhere(request: Request) -> Response:
    """Below ``/rss/``, where nothing is; scripts may ask all the same."""
    return await cors.preflight(request) if request.method == "OPTIONS" else _not_found()


def _not_found() -> Response:
    return text("404 Not Found", 404, **cors.HEADERS)
