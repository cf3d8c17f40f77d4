"""Help: how to install and publish, and what the words mean that pages and messages use."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.life.meaning import WORDS
from affineur.web.addresses import base_url

from . import commands
from .rendering import index_of, page


async def words(request: Request) -> Response:
    """``/help/``."""
    settings = index_of(request).settings
    base, name = base_url(request), settings.index_name
    values = {
        "window_days": settings.release_window_days,
        "file_limit_bytes": settings.maximum_file_bytes,
        "project_limit_bytes": settings.maximum_project_bytes,
        "states": {kind: means for kind, means in WORDS.items() if kind != "yanked"},
        "yank": WORDS["yanked"],
        "install": commands.install(base, name, "<project>"),
        "publish": commands.publish(base, name),
    }
    return page(request, "help.html", values)
