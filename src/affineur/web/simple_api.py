"""What the hot path leaves of the simple API: redirects, ``?format=``, 406, private indexes, what is not there."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Refused
from affineur.core.names import is_normalized, parse_name
from affineur.core.views.negotiation import NOT_ACCEPTABLE, choose

from . import cors
from .addresses import moved
from .answers import text
from .hot import Hot, accepts_gzip


async def project_page(request: Request) -> Response:
    """``/simple/<name>/``, or the redirect to where it is."""
    name: str = request.path_params["name"]
    if not is_normalized(name) or not request.url.path.endswith("/"):
        try:
            name = parse_name(name)
        except Refused:
            return _not_found()
        return moved(request, f"/simple/{name}/", headers=cors.HEADERS)
    return _page(request, f"/simple/{name}/")


async def root_list(request: Request) -> Response:
    """``/simple/``; without the slash a redirect, since mirrors ask like that."""
    if not request.url.path.endswith("/"):
        return moved(request, "/simple/", headers=cors.HEADERS)
    return _page(request, "/simple/")


async def elsewhere(request: Request) -> Response:
    """Below ``/simple/``, where nothing is; scripts may ask all the same."""
    return await cors.preflight(request) if request.method == "OPTIONS" else _not_found()


def _page(request: Request, path: str) -> Response:
    form = choose(_joined(request, "accept"), request.query_params.get("format"))
    if form is None:
        return text(NOT_ACCEPTABLE, 406, vary="Accept", **{"access-control-allow-origin": "*"})
    hot: Hot = request.app.state.hot
    gzip = accepts_gzip(request.headers.get("accept-encoding", "").encode("latin-1"))
    none_match = request.headers.get("if-none-match")
    known = None if none_match is None else none_match.encode("latin-1")
    answer = hot.page(request.method.encode(), path, form, gzip, known)
    if answer is None:
        return _not_found()
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response


def _joined(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ",".join(values) if values else None


def _not_found() -> Response:
    return text("404 Not Found", 404, **{"access-control-allow-origin": "*"})
