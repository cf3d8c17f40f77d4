"""The home page: what this index is, how to install from it and publish to it, what is new."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from affineur.shell.store import reading
from affineur.web.addresses import base_url

from . import commands
from .rendering import index_of, page

_NEWEST = 8


async def home(request: Request) -> Response:
    """``/``. Cost: bounded, however large the index is."""
    return await asyncio.to_thread(_home, request)


def _home(request: Request) -> Response:
    with index_of(request).store.read() as connection:
        newest = reading.newest_releases(connection, _NEWEST)
        projects = reading.project_count(connection)
        files = reading.file_count(connection)
    base, name = base_url(request), index_of(request).settings.index_name
    values = {
        "newest": newest,
        "registration": index_of(request).settings.registration,
        "projects": projects,
        "files": files,
        "install": commands.install(base, name, "<project>"),
        "publish": commands.publish(base, name),
    }
    return page(request, "home.html", values)
