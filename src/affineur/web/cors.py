"""What lets scripts of other sites read what programs read here (CORS, the Fetch standard).

Nothing is told to a script that it could not ask for itself: this site has no cookies, and a private index asks
for a token, which a script must bring.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .hot import CORS

HEADERS = {name.decode(): value.decode() for name, value in CORS}

_FOR_PROGRAMS = (
    "/simple", "/packages/", "/pypi", "/rss/", "/journal", "/statuses", "/statistics/", "/badges/", "/api/packages/",
)  # fmt: skip


async def preflight(request: Request) -> Response:
    """``OPTIONS``: what a script may ask with. The same for every address, whatever is there."""
    return Response(
        status_code=204,
        headers={
            **HEADERS,
            "access-control-allow-methods": "GET, HEAD, OPTIONS",
            "access-control-allow-headers": (
                "Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Range"
            ),
            "access-control-max-age": "86400",
        },
    )


class Readable:
    """Lets scripts read every answer below the addresses for programs: errors too, whoever gives them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on, and add the header to an answer that lacks it."""
        if scope["type"] != "http" or not scope["path"].startswith(_FOR_PROGRAMS):
            await self.app(scope, receive, send)
            return

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("access-control-allow-origin", "*")
            await send(message)

        await self.app(scope, receive, readable)
