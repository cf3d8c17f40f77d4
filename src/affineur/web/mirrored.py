"""What a mirror answers instead of what it has no rows for: pages for people lead to the origin, uploads are refused.

Everything that clients install from (`/simple/`, `/packages/`) and the journal are answered as ever.
What does not live here: filling the mirror (`projections.mirroring`).
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote
from xmlrpc.client import Fault, dumps

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from affineur.core.history.following import read_only
from affineur.core.names import is_normalized
from affineur.shell.following import followed_url, recall
from affineur.shell.index import Index
from affineur.shell.upstream.journal import base_of

from .answers import refusal
from .pages import rendering, wants_html
from .refused import note_refusal

_DRAIN_BYTES = 64 * 1024 * 1024
_NOT_HERE = -32500
"""XML-RPC: an error of the application."""
_PUBLISHING = ("/legacy", "/_/")
"""Where files come in, and where a trusted publisher gets a token for that, which may make a project."""
_OF_ROWS = ("/pypi/", "/rss/", "/statuses.")
"""What is told of projects beyond what installers read: the origin tells it."""
_PAGES = ("/", "/search", "/search/")


class Mirrored:
    """The application of a mirror."""

    def __init__(self, app: ASGIApp, index: Index) -> None:
        self.app, self.index = app, index
        self.origin_url = base_of(followed_url(index.settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the origin, or go on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        path = request.url.path
        if request.method == "POST" and path.startswith(_PUBLISHING):
            response = await self._refuse(request)
        elif request.method in ("GET", "HEAD") and (path in _PAGES or _is_project_page(path)):
            response = await asyncio.to_thread(self._page, request, path)
        elif request.method in ("GET", "HEAD") and path.startswith(_OF_ROWS):
            response = Response(status_code=302, headers={"location": self._there(path), "cache-control": "no-cache"})
        elif request.method == "POST" and path in ("/pypi", "/pypi/"):
            # An empty list of projects would have an old mirror delete all it has.
            response = Response(_fault(f"This is a mirror. Ask {self.origin_url}pypi instead."), media_type="text/xml")
        else:
            await self.app(scope, receive, send)
            return
        await response(scope, receive, send)

    async def _refuse(self, request: Request) -> Response:
        """A client that is still sending does not look at an answer: read on for a while."""
        left = _DRAIN_BYTES
        try:
            async for piece in request.stream():
                left -= len(piece)
                if left < 0:
                    break
        except ClientDisconnect:
            pass
        decision = read_only(self.origin_url)
        await note_refusal(request, decision)
        return refusal(request, decision)

    def _there(self, path: str) -> str:
        """The same address at the origin."""
        return self.origin_url + quote(path.removeprefix("/"))

    def _page(self, request: Request, path: str) -> Response:
        name = path.split("/")[2] if path.startswith("/project/") else ""
        found = recall(self.index.settings)
        shown = self.index.tree.serial(name) if is_normalized(name) else None
        values = {
            "name": name if shown is not None else "",
            "origin_url": self.origin_url,
            "origin_page": self._there(path),
            "heard_at": found.heard_at if found else None,
            "stopped": found.stopped if found else None,
        }
        status = 404 if name and shown is None else 200
        if not wants_html(request) and status == 404:
            return Response("404 Not Found\n", 404, media_type="text/plain")
        return rendering.page(request, "mirror.html", values, status=status)


def _fault(sentence: str) -> bytes:
    return dumps(Fault(_NOT_HERE, sentence)).encode()


def _is_project_page(path: str) -> bool:
    return path.startswith("/project/") and not path.endswith("/history.atom")
