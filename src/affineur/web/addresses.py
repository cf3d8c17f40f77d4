"""Where this index is published: its public address, the path below which it lies, redirects inside it.

A redirect never repeats the host a request names: that is the client's, or a front's, and not ours to believe.
What does not live here: which address leads where (`web.app` and the routes' own modules).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from affineur.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9._~-]+(:\d+)?\Z|\[[0-9A-Fa-f:.]+\](:\d+)?\Z", re.ASCII)


def base_url(request: Request) -> str:
    """The public address of this index, ending in ``/``: the setting, or what the request says.

    A ``Host`` that is no host name is not repeated: it would end up in a command that people copy.
    """
    settings = _settings(request)
    if settings.base_url:
        return settings.base_url
    host = request.headers.get("host", "")
    if not _HOST.match(host):
        host = "{}:{}".format(*(request.scope.get("server") or ("127.0.0.1", settings.port)))
    return f"{request.url.scheme}://{host}{request.scope.get('root_path', '')}/"


def root_path(request: Request) -> str:
    """The path below which the index is published, without a slash at its end; empty for the top of its host."""
    settings = _settings(request)
    if settings.base_url:
        return urlsplit(settings.base_url).path.rstrip("/")
    return str(request.scope.get("root_path", ""))


def moved(
    request: Request, path: str, status: int = 301, *, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """The redirect to ``path``, unquoted and as the routes have it; the query is kept.

    The location has no host (RFC 9110 §10.2.2 lets clients complete it): a request that carries a token stays here.
    """
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(root_path(request) + quote(path, safe="/+!~:@") + query, status, headers=dict(headers))


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.index.settings
    return settings
