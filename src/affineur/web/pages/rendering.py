"""From a template to an answer: the environment, what every page knows, the headers every page has.

Templates and jinja2 are loaded when the first page is asked for: a process that only serves clients never
pays for them. What does not live here: what a single page shows.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from affineur import __version__
from affineur.core.views import presentation
from affineur.settings import Settings
from affineur.shell.index import Index
from affineur.web.addresses import base_url, root_path
from affineur.web.hot import accepts_gzip, matches

from . import static

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parents[1] / "templates"

_SHORTEST_PACKED_BYTES = 1400
"""Below one network packet there is nothing to win by compression."""

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'{images}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cross-origin-opener-policy": "same-origin",
    # Not even the address of a page is told to other sites: names of private projects stay private.
    "referrer-policy": "same-origin",
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_TLS_FOR = f"max-age={365 * 24 * 60 * 60}"
"""For a year a browser that was here comes by TLS only. Other names of the domain are not ours to speak for."""


def page(
    request: Request, template: str, values: Mapping[str, object] = MappingProxyType({}), *, status: int = 200
) -> Response:
    """The page that ``template`` makes of ``values``.

    It may be kept but is asked for again each time, which its ETag makes cheap; an error page is not kept.
    """
    settings = settings_of(request)
    shared = {
        "index_name": settings.index_name,
        "private": settings.read == "token",
        "base_url": base_url(request),
        "root": root_path(request),
        "static": root_path(request) + static.address(),
        "path": request.url.path,
        "version_of_program": __version__,
    }
    body = environment().get_template(template).render({**shared, **values}).encode()
    headers = _HEADERS | {
        "content-security-policy": _POLICY.format(images=" https: http:" if settings.remote_images else ""),
        "cache-control": f"no-cache, {'private' if settings.read == 'token' else 'public'}",
    }
    if settings.base_url.startswith("https://") and not root_path(request):  # a host of our own
        headers["strict-transport-security"] = _TLS_FOR
    if status != 200:
        return _packed(request, body, status, headers | {"cache-control": "no-store"})
    # Weak: the compressed and the plain body share it.
    headers["etag"] = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    none_match = request.headers.get("if-none-match")
    if none_match is not None and matches(none_match.encode("latin-1"), headers["etag"].removeprefix("W/").encode()):
        return Response(status_code=304, headers=headers)
    return _packed(request, body, status, headers)


def personal_page(
    request: Request, template: str, values: Mapping[str, object] = MappingProxyType({}), *, status: int = 200
) -> Response:
    """A page for one person: never kept by anybody, the browser included."""
    response = page(request, template, values, status=status)
    response.headers["cache-control"] = "no-store, private"
    if "etag" in response.headers:
        del response.headers["etag"]
    return response


def index_of(request: Request) -> Index:
    """The index that the application serves."""
    index: Index = request.app.state.index
    return index


def settings_of(request: Request) -> Settings:
    """Its settings."""
    return index_of(request).settings


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, each compiled once; everything put into a page is escaped unless it is `Markup`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    filters: dict[str, Any] = {
        "size": presentation.size,
        "rounded": presentation.rounded,
        "fits": presentation.wheel_fits,
        "day": _day,
        "spans": _spans,
        "moment": _moment,
        "iso": _iso,
        "path": lambda text: quote(text, safe="+!~"),
    }
    made.filters.update(filters)
    return made


def _day(at: date) -> str:
    return f"{at.day} {at:%B %Y}"


def _spans(text: str) -> Markup:
    """``text`` with what stands between backticks as code; all of it escaped."""
    from markupsafe import Markup

    code = Markup("<code>{}</code>")  # what is put into Markup is escaped
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(text.split("`")))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _packed(request: Request, body: bytes, status: int, headers: dict[str, str]) -> Response:
    accepted = request.headers.get("accept-encoding", "").encode("latin-1")
    if len(body) < _SHORTEST_PACKED_BYTES or not accepts_gzip(accepted):
        return Response(body, status, headers)
    return Response(gzip.compress(body, 4, mtime=0), status, headers | {"content-encoding": "gzip"})
