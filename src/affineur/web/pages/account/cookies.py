"""The cookies of a browser: what every way of signing in ends with, and signing out; and where to go on.

What does not live here: what a session's cookie opens (`web.session`).
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from affineur.actions.beginning import Begun
from affineur.web.session import SESSION_COOKIE, cookie_name, local_path, set_cookie, to

DEVICE_COOKIE = "affineur_device"
_DEVICE_SECONDS = int(timedelta(days=400).total_seconds())
"""As long as browsers keep a cookie at most (RFC 6265bis §5.5)."""


def device_of(request: Request) -> str | None:
    """The secret of the device cookie that the browser sent."""
    return request.cookies.get(cookie_name(request, DEVICE_COOKIE)) or None


def enter(request: Request, begun: Begun, onward: str) -> Response:
    """Hand the cookies of ``begun`` to the browser and go on to ``onward``, by way of the second factor if needed.

    ``onward`` may be anything that came with the request: only a path of this index is gone to.
    """
    path = local_path(onward)
    if begun.stage == "factor":
        path = f"/account/second-factor?next={quote(path, safe='')}"
    response = to(request, path)
    set_cookie(request, response, SESSION_COOKIE, begun.session_secret, begun.seconds)
    if begun.device_secret is not None:
        set_cookie(request, response, DEVICE_COOKIE, begun.device_secret, _DEVICE_SECONDS)
    return response


def leave(request: Request, path: str) -> Response:
    """Take the session's cookie away and go on to ``path``. The device stays known; pages in store are forgotten."""
    response = to(request, path)
    set_cookie(request, response, SESSION_COOKIE, "", 0)
    response.headers["clear-site-data"] = '"cache"'
    return response
